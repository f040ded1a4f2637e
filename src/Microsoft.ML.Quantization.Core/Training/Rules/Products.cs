using System;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Patches;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.Training.Rules;

/// <summary>The products of a step, shared out to threads: weights are used once, so they are packed into the step's memory and let go.</summary>
internal static class Products
{
    private const int TasksPerThread = 2;
    private const int OutputsOfTask = 8;

    /// <summary>What a product reads and writes beside its geometry.</summary>
    internal sealed record Operands(Tensor Source, Tensor Weights, PanelOrder Order, Tensor? Bias, Activation Activation, Tensor Result);

    /// <summary>A product of the way forward; false, with nothing written, where skipped padding could show: weights that are not finite, or a bias of −0.</summary>
    public static bool TryForward(OperatorCall call, in ConvolutionGeometry geometry, Operands operands)
        => !(HasPadding(geometry) && operands.Bias is { } bias && HasNegativeZero(bias.Values<float>()))
            && Run(call.Kernels, call.Pool, call.Memory!, geometry, PatchPlacement.All(geometry), operands, mustBeFinite: HasPadding(geometry));

    /// <summary>A product of the way back.</summary>
    public static void Back(GradientCall call, in ConvolutionGeometry geometry, in PatchPlacement placement, Tensor source, PanelOrder order, Tensor result)
        => Run(call.Kernels, call.Pool, call.Memory, geometry, placement, new Operands(source, call.Inputs[1], order, null, Activation.None, result), mustBeFinite: false);

    /// <summary>
    /// The gradient of weights [O, I/g, taps]: for each chunk of rows one chain a weight over (row, pixel), the chunks added in order.
    /// </summary>
    public static Tensor Weights(GradientCall call, ConvolutionGeometry geometry, Tensor gradient, int chunkRows)
    {
        var kernels = PatchKernels.Of(call.Kernels);
        int chunks = (geometry.Batch + chunkRows - 1) / chunkRows;
        int most = (geometry.GroupOutChannels + OutputsOfTask - 1) / OutputsOfTask;
        int parts = Math.Clamp(((call.Pool.ThreadCount * TasksPerThread) + (chunks * geometry.Groups) - 1) / Math.Max(1, chunks * geometry.Groups), 1, most);
        int length = kernels.SumsLength(geometry, geometry.GroupOutChannels);
        Tensor sums = call.Memory.Rent(Math.Max(1, chunks * geometry.Groups * length));
        var work = new OuterWork(kernels, geometry, call.Inputs[0], gradient, sums, (chunks, chunkRows, parts, most));
        call.Pool.Run(chunks * geometry.Groups * parts, work, static (w, task) => w.Run(task));
        Tensor result = call.UnsetFor(1);
        Shares.Run(call.Pool, geometry.OutChannels, Math.Max(1, 4096 / Math.Max(1, geometry.Depth)), (work, result), static (w, begin, end) => w.work.Add(w.result, begin, end));
        call.Memory.Return(sums);
        return result;
    }

    private static bool Run(
        KernelSet set, WorkerPool pool, StepMemory memory, in ConvolutionGeometry geometry, in PatchPlacement placement, Operands operands, bool mustBeFinite)
    {
        var kernels = PatchKernels.Of(set);
        Tensor panels = memory.Rent(kernels.PanelLength(operands.Order));
        bool isFinite = kernels.Pack(operands.Order, operands.Weights.Values<float>(), panels.Writable<float>());
        if (isFinite || !mustBeFinite)
        {
            Shares.Run(pool, kernels.CountTiles(geometry), 1, new ProductWork(kernels, geometry, placement, operands, panels), static (w, begin, end) => w.Run(begin, end));
        }

        memory.Return(panels);
        return isFinite || !mustBeFinite;
    }

    private static bool HasPadding(in ConvolutionGeometry g) => g.Taps > 1 || (g.PadDepth | g.PadHeight | g.PadWidth) != 0;

    private static bool HasNegativeZero(ReadOnlySpan<float> values)
    {
        foreach (float value in values)
        {
            if (value == 0 && float.IsNegative(value))
            {
                return true;
            }
        }

        return false;
    }

    private sealed record ProductWork(PatchKernels Kernels, ConvolutionGeometry Geometry, PatchPlacement Placement, Operands Operands, Tensor Panels)
    {
        public void Run(int begin, int end) => Kernels.Product(
            Geometry,
            Operands.Source.Values<float>(),
            Panels.Values<float>(),
            Operands.Bias is { } bias ? bias.Values<float>() : [],
            (Operands.Activation.Low, Operands.Activation.High),
            Operands.Result.Writable<float>(),
            Placement,
            (begin, end));
    }

    private sealed record OuterWork(
        PatchKernels Kernels, ConvolutionGeometry Geometry, Tensor Source, Tensor Gradient, Tensor Sums, (int Chunks, int Rows, int Parts, int Units) Split)
    {
        public void Run(int task)
        {
            (int chunk, int rest) = Math.DivRem(task, Geometry.Groups * Split.Parts);
            (int group, int part) = Math.DivRem(rest, Split.Parts);
            int begin = Split.Units * part / Split.Parts * OutputsOfTask;
            int end = Math.Min(Split.Units * (part + 1) / Split.Parts * OutputsOfTask, Geometry.GroupOutChannels);
            int first = group * Geometry.GroupOutChannels;
            int row = chunk * Split.Rows;
            Span<float> sums = Sums.Writable<float>()[Place(chunk, group, begin)..];
            Kernels.Outer(Geometry, Source.Values<float>(), Gradient.Values<float>(), (row, Math.Min(row + Split.Rows, Geometry.Batch)), (first + begin, first + end), sums);
        }

        /// <summary>Brings the sums of some outputs together and into the graph's order.</summary>
        public void Add(Tensor result, int begin, int end)
        {
            int depth = Geometry.Depth;
            ReadOnlySpan<float> sums = Sums.Values<float>();
            for (int o = begin; o < end; o++)
            {
                Span<float> total = result.Writable<float>().Slice(o * depth, depth);
                for (int chunk = 0; chunk < Split.Chunks; chunk++)
                {
                    Add(sums.Slice(Place(chunk, o / Geometry.GroupOutChannels, o % Geometry.GroupOutChannels), depth), total, chunk == 0);
                }
            }
        }

        private void Add(ReadOnlySpan<float> sums, Span<float> total, bool isFirst)
        {
            int taps = Geometry.Taps;
            if (taps == 1)
            {
                if (isFirst)
                {
                    sums.CopyTo(total);
                }
                else
                {
                    BatchSums.Accumulate(total, sums);
                }

                return;
            }

            int channels = Geometry.GroupInChannels;
            for (int c = 0; c < channels; c++)
            {
                for (int tap = 0; tap < taps; tap++)
                {
                    float sum = sums[(tap * channels) + c];
                    total[(c * taps) + tap] = isFirst ? sum : total[(c * taps) + tap] + sum;
                }
            }
        }

        private int Place(int chunk, int group, int output)
            => (((chunk * Geometry.Groups) + group) * Kernels.SumsLength(Geometry, Geometry.GroupOutChannels)) + (output * Kernels.SumsPitch(Geometry));
    }
}
