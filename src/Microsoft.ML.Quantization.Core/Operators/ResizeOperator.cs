using System;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>Resizing: nearest as one copy, linear and cubic axis by axis with taps and weights found once an axis.</summary>
internal static class ResizeOperator
{
    private const int CubicTaps = 4;

    public static void Run(OperatorCall call)
    {
        var node = (Resize)call.Node;
        if (node.Mode == ResizeMode.Nearest)
        {
            Nearest(call, node);
            return;
        }

        Tensor current = call.Inputs[0];
        for (int axis = current.Shape.Rank - 1; axis >= 0; axis--)
        {
            if (node.Sizes[axis] != 0)
            {
                Tensor next = Tensor.Allocate(ElementType.Float32, current.Shape.With(axis, node.Sizes[axis]));
                Interpolate(call, node, current, next, axis);
                current = next;
            }
        }

        current.Bytes.Span.CopyTo(call.Outputs[0].WritableBytes);
    }

    private static void Nearest(OperatorCall call, Resize node)
    {
        Shape x = call.Inputs[0].Shape;
        int[] strides = StructuralOperators.Strides(x);
        int[][] offsets = StructuralOperators.Identity(call.Outputs[0].Shape, strides);
        for (int axis = 0; axis < x.Rank; axis++)
        {
            for (int i = 0; i < node.Sizes[axis]; i++)
            {
                float place = Rounded(node.Nearest, Position(node, axis, i, x[axis]));
                offsets[axis][i] = (int)Math.Clamp(place, 0, x[axis] - 1) * strides[axis];
            }
        }

        GridCopy.Run(call.Pool, call.Inputs[0], offsets, call.Outputs[0]);
    }

    private static void Interpolate(OperatorCall call, Resize node, Tensor source, Tensor result, int axis)
    {
        int size = source.Shape[axis];
        var taps = new Tap[node.Sizes[axis]][];
        for (int i = 0; i < taps.Length; i++)
        {
            float position = Position(node, axis, i, size);
            taps[i] = node.Mode == ResizeMode.Linear ? Linear(position, size) : Cubic(node, position, size);
        }

        int inner = source.Shape.CountOf(axis + 1, source.Shape.Rank);
        var work = new Work(source, result, taps, size, inner);
        Shares.Run(call.Pool, source.Shape.CountOf(0, axis) * taps.Length, Math.Max(1, 4096 / inner), work, static (w, begin, end) => w.Run(begin, end));
    }

    private static Tap[] Linear(float position, int size)
    {
        position = Math.Clamp(position, 0, size - 1);
        float floor = MathF.Floor(position);
        float weight = position - floor;
        return [new((int)floor, 1 - weight), new(Math.Min((int)floor + 1, size - 1), weight)];
    }

    private static Tap[] Cubic(Resize node, float position, int size)
    {
        float t = position - MathF.Floor(position);
        float a = node.CubicCoefficient;
        float[] weights = [Far(t + 1, a), Near(t, a), Near(1 - t, a), Far(2 - t, a)];
        int first = (int)MathF.Floor(position) - 1;
        float total = 0;
        for (int k = 0; k < CubicTaps; k++)
        {
            weights[k] = node.ExcludeOutside && (first + k < 0 || first + k >= size) ? 0 : weights[k];
            total += weights[k];
        }

        var taps = new Tap[CubicTaps];
        for (int k = 0; k < CubicTaps; k++)
        {
            taps[k] = new(Math.Clamp(first + k, 0, size - 1), node.ExcludeOutside ? weights[k] / total : weights[k]);
        }

        return taps;
    }

    private static float Near(float t, float a) => (((((a + 2) * t) - (a + 3)) * t) * t) + 1;

    private static float Far(float t, float a) => (((((a * t) - (5 * a)) * t) + (8 * a)) * t) - (4 * a);

    private static float Position(Resize node, int axis, int index, int size)
    {
        float scale = node.Scales[axis];
        int output = node.Sizes[axis];
        float half = ((index + 0.5f) / scale) - 0.5f;
        return node.Coordinates switch
        {
            ResizeCoordinates.Asymmetric => index / scale,
            ResizeCoordinates.AlignCorners => output == 1 ? 0 : index * (float)(size - 1) / (output - 1),
            ResizeCoordinates.PytorchHalfPixel => output == 1 ? 0 : half,
            ResizeCoordinates.HalfPixelSymmetric => (size / 2f * (1 - (output / (scale * size)))) + half,
            _ => half,
        };
    }

    private static float Rounded(ResizeNearest rule, float position) => rule switch
    {
        ResizeNearest.RoundPreferFloor => MathF.Ceiling(position - 0.5f),
        ResizeNearest.RoundPreferCeil => MathF.Floor(position + 0.5f),
        ResizeNearest.Floor => MathF.Floor(position),
        _ => MathF.Ceiling(position),
    };

    private readonly record struct Tap(int Index, float Weight);

    private sealed record Work(Tensor Source, Tensor Result, Tap[][] Taps, int Size, int Inner)
    {
        public void Run(int begin, int end)
        {
            for (int line = begin; line < end; line++)
            {
                Tap[] taps = Taps[line % Taps.Length];
                Span<float> result = Result.Writable<float>().Slice(line * Inner, Inner);
                bool linear = taps.Length != CubicTaps;
                ReadOnlySpan<float> source = Source.Values<float>().Slice(line / Taps.Length * Size * Inner, Size * Inner);
                result.Clear();
                foreach (Tap tap in taps)
                {
                    Accumulate(source.Slice(tap.Index * Inner, Inner), tap.Weight, result, linear && tap == taps[0]);
                }
            }
        }

        /// <summary>result = fl(weight · x) for the first tap of two, otherwise fma(weight, x, result).</summary>
        private static void Accumulate(ReadOnlySpan<float> source, float weight, Span<float> result, bool first)
        {
            for (int i = 0; i < result.Length; i++)
            {
                result[i] = first ? weight * source[i] : MathF.FusedMultiplyAdd(weight, source[i], result[i]);
            }
        }
    }
}
