using System;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>Pools on the kernel set; codes that do not fit its unsigned bytes, and windows that it cannot describe, by plain loops over planes.</summary>
internal static class PoolingOperators
{
    public static void MaxPool(OperatorCall call)
    {
        var node = (MaxPool)call.Node;
        Tensor input = call.Inputs[0];
        ConvolutionGeometry geometry = Geometry.Pool(node.Window, input.Shape, call.Outputs[0].Shape);
        if (input.Type == ElementType.Int16)
        {
            var walk = new PlaneWork(call, new WindowWalk(geometry, node.Window), short.MinValue);
            Shares.Run(call.Pool, geometry.Batch * geometry.InChannels, 1, walk, static (w, begin, end) => w.Max(begin, end));
            return;
        }

        int shift = input.Type == ElementType.Int8 ? -(call.Graph[node.Inputs[0]].Type.Quantization?.Code.Range.Min ?? sbyte.MinValue) : 0;
        using Rented unsigned = SignedCodes.ToUnsigned(call.Pool, input, shift);
        OnKernels(call, geometry, unsigned.Tensor, static (w, begin, end) => w.Max(begin, end), default);
        SignedCodes.ToSigned(call.Pool, call.Outputs[0], shift);
    }

    public static void AveragePool(OperatorCall call)
    {
        var node = (AveragePool)call.Node;
        ConvolutionGeometry geometry = Geometry.Pool(node.Window, call.Inputs[0].Shape, call.Outputs[0].Shape);
        if (node.CountPadding && Geometry.Overruns(node.Window, call.Inputs[0].Shape, call.Outputs[0].Shape))
        {
            var walk = new PlaneWork(call, new WindowWalk(geometry, node.Window), 0);
            Shares.Run(call.Pool, geometry.Batch * geometry.InChannels, 1, walk, static (w, begin, end) => w.Mean(begin, end));
            return;
        }

        OnKernels(call, geometry, call.Inputs[0], static (w, begin, end) => w.Mean(begin, end), new CodeMean(node.CountPadding));
    }

    public static void GlobalAveragePool(OperatorCall call)
    {
        Shape shape = call.Inputs[0].Shape;
        int pixels = shape.CountOf(2, shape.Rank);
        Shares.Run(call.Pool, shape[0] * shape[1], Math.Max(1, 4096 / Math.Max(pixels, 1)), (call, pixels), static (t, begin, end) =>
        {
            Span<float> result = t.call.Outputs[0].Writable<float>();
            for (int i = begin; i < end; i++)
            {
                result[i] = FloatReduction.Sum(t.call.Inputs[0].Values<float>().Slice(i * t.pixels, t.pixels)) / t.pixels;
            }
        });
    }

    public static void IntegerAveragePool(OperatorCall call)
    {
        var node = (IntegerAveragePool)call.Node;
        Window window = node.IsGlobal ? GlobalWindow(call.Inputs[0].Shape) : node.Window;
        bool countPadding = node.CountPadding && !node.IsGlobal;
        ConvolutionGeometry geometry = Geometry.Pool(window, call.Inputs[0].Shape, call.Outputs[0].Shape);
        bool overruns = countPadding && Geometry.Overruns(window, call.Inputs[0].Shape, call.Outputs[0].Shape);
        AffineParameters codes = call.Graph[node.Inputs[0]].Type.Quantization!.Single;
        if (overruns || geometry.Taps > Accumulators.MostBytes || call.Inputs[0].Type != ElementType.UInt8 || call.Outputs[0].Type != ElementType.UInt8 || codes.MidRiseTop != 0)
        {
            var walk = new PlaneWork(call, new WindowWalk(geometry, window), 0);
            Shares.Run(call.Pool, geometry.Batch * geometry.InChannels, 1, walk, static (w, begin, end) => w.CodeMean(begin, end));
            return;
        }

        AffineQuantization result = node.Result;
        var mean = new CodeMean(countPadding, codes.ZeroPoint, node.Multiplier, result.Single.ZeroPoint, result.Range.Min, result.Range.Max);
        OnKernels(call, geometry, call.Inputs[0], static (w, begin, end) => w.Mean(begin, end), mean);
    }

    private static Window GlobalWindow(Shape input)
    {
        int rank = input.Rank - 2;
        return new()
        {
            Kernel = input.Dimensions[2..],
            Strides = [.. Enumerable.Repeat(1, rank)],
            Dilations = [.. Enumerable.Repeat(1, rank)],
            PadsBegin = [.. Enumerable.Repeat(0, rank)],
            PadsEnd = [.. Enumerable.Repeat(0, rank)],
        };
    }

    private static void OnKernels(OperatorCall call, ConvolutionGeometry geometry, Tensor input, Action<KernelWork, int, int> body, CodeMean mean)
    {
        using Rented source = ChannelLayout.ToChannelsLast(call.Pool, input);
        using Rented result = ChannelLayout.ForResult(call.Outputs[0]);
        var work = new KernelWork(call.Kernels, geometry, source.Tensor, result.Tensor, mean);
        Shares.Run(call.Pool, geometry.Batch * geometry.OutDepth * geometry.OutHeight, 1, work, body);
        ChannelLayout.Deliver(call.Pool, result, call.Outputs[0]);
    }

    private readonly record struct CodeMean(bool CountPadding, int InputZero = 0, float Multiplier = 0, int Zero = 0, int Minimum = 0, int Maximum = 0);

    private sealed record KernelWork(KernelSet Kernels, ConvolutionGeometry Geometry, Tensor Source, Tensor Result, CodeMean Options)
    {
        public void Max(int begin, int end)
        {
            if (Source.Type == ElementType.Float32)
            {
                Kernels.MaxPoolFloat(Geometry, Source.Values<float>(), Result.Writable<float>(), begin, end);
            }
            else
            {
                Kernels.MaxPoolByte(Geometry, Source.Bytes.Span, Result.WritableBytes, begin, end);
            }
        }

        public void Mean(int begin, int end)
        {
            if (Source.Type == ElementType.Float32)
            {
                Kernels.AveragePoolFloat(Geometry, Options.CountPadding, Source.Values<float>(), Result.Writable<float>(), begin, end);
            }
            else
            {
                Kernels.AveragePoolByte(
                    Geometry,
                    Options.CountPadding,
                    Source.Values<byte>(),
                    Options.InputZero,
                    Options.Multiplier,
                    Options.Zero,
                    Options.Minimum,
                    Options.Maximum,
                    Result.Writable<byte>(),
                    begin,
                    end);
            }
        }
    }

    /// <summary>One plane of one channel after the other, in the graph's own order.</summary>
    private sealed record PlaneWork(OperatorCall Call, WindowWalk Walk, int Lowest)
    {
        public void Max(int begin, int end)
        {
            foreach ((int plane, int pixel) in Walk.Pixels(begin, end))
            {
                Span<int> inside = Walk.Inside(pixel);
                ReadOnlySpan<short> source = Call.Inputs[0].Values<short>().Slice(plane * Walk.InPixels, Walk.InPixels);
                int best = inside.Length == 0 ? Lowest : source[inside[0]];
                foreach (int index in inside)
                {
                    best = Math.Max(best, source[index]);
                }

                Call.Outputs[0].Writable<short>()[(plane * Walk.OutPixels) + pixel] = (short)best;
            }
        }

        public void Mean(int begin, int end)
        {
            foreach ((int plane, int pixel) in Walk.Pixels(begin, end))
            {
                float sum = 0;
                foreach (int index in Walk.Inside(pixel))
                {
                    sum += Call.Inputs[0].Values<float>()[(plane * Walk.InPixels) + index];
                }

                Call.Outputs[0].Writable<float>()[(plane * Walk.OutPixels) + pixel] = sum / Walk.CountPadded(pixel);
            }
        }

        public void CodeMean(int begin, int end)
        {
            var node = (IntegerAveragePool)Call.Node;
            AffineParameters codes = Call.Graph[node.Inputs[0]].Type.Quantization!.Single;
            using Rented values = Rented.New(ElementType.Int32, Shape.Of(Walk.InPixels));
            Span<int> plane = values.Tensor.Writable<int>();
            int current = -1;
            foreach ((int number, int pixel) in Walk.Pixels(begin, end))
            {
                if (number != current)
                {
                    current = number;
                    CodeRuns.Read(Call.Inputs[0], number * Walk.InPixels, plane);
                    IntegerElementwise.ToValues(codes, plane);
                }

                Span<int> inside = Walk.Inside(pixel);
                long sum = 0;
                foreach (int index in inside)
                {
                    sum += plane[index];
                }

                float multiplier = node.Multiplier / (node.CountPadding && !node.IsGlobal ? Walk.CountPadded(pixel) : inside.Length);
                IntegerRange range = node.Result.Range;
                int code = Requantization.Finish((float)Accumulators.Narrow(node, sum) * multiplier, node.Result.Single.ZeroPoint, range.Min, range.Max);
                CodeAccess.Write(Call.Outputs[0], (number * Walk.OutPixels) + pixel, code);
            }
        }
    }
}
