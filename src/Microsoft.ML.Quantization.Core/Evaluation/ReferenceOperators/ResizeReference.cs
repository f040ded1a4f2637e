using System;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Evaluation.ReferenceOperators;

/// <summary>Resizing: nearest in one step; linear and cubic axis by axis, the last axis first. All in float32.</summary>
internal static class ResizeReference
{
    public static void Resize(ReferenceCall call)
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
            current = node.Sizes[axis] == 0 ? current : Interpolate(node, current, axis);
        }

        current.Bytes.Span.CopyTo(call.Output.WritableBytes);
    }

    private static void Nearest(ReferenceCall call, Resize node)
    {
        Shape x = call.Shape(0);
        for (int i = 0; i < call.Output.Shape.Count; i++)
        {
            int[] place = Coordinates.Of(call.Output.Shape, i);
            for (int axis = 0; axis < place.Length; axis++)
            {
                place[axis] = node.Sizes[axis] == 0 ? place[axis] : Round(node.Nearest, Position(node, axis, place[axis], x[axis]), x[axis]);
            }

            Coordinates.CopyElement(call.Inputs[0], Coordinates.Index(x, place), call.Output, i);
        }
    }

    private static Tensor Interpolate(Resize node, Tensor source, int axis)
    {
        int size = source.Shape[axis];
        Shape shape = source.Shape.With(axis, node.Sizes[axis]);
        Tensor result = Tensor.Allocate(ElementType.Float32, shape);
        for (int i = 0; i < shape.Count; i++)
        {
            int[] place = Coordinates.Of(shape, i);
            float position = Position(node, axis, place[axis], size);
            float At(int index)
            {
                place[axis] = Math.Clamp(index, 0, size - 1);
                return source.Values<float>()[Coordinates.Index(source.Shape, place)];
            }

            result.Writable<float>()[i] = node.Mode == ResizeMode.Linear ? Linear(position, size, At) : Cubic(node, position, size, At);
        }

        return result;
    }

    private static float Linear(float position, int size, Func<int, float> at)
    {
        position = Math.Clamp(position, 0, size - 1);
        float floor = MathF.Floor(position);
        float weight = position - floor;
        return MathF.FusedMultiplyAdd(weight, at((int)floor + 1), (1 - weight) * at((int)floor));
    }

    private static float Cubic(Resize node, float position, int size, Func<int, float> at)
    {
        int first = (int)MathF.Floor(position) - 1;
        Span<float> weights = stackalloc float[4];
        CubicWeights(position - MathF.Floor(position), node.CubicCoefficient, weights);
        float total = 0;
        for (int k = 0; k < weights.Length; k++)
        {
            weights[k] = node.ExcludeOutside && (first + k < 0 || first + k >= size) ? 0 : weights[k];
            total += weights[k];
        }

        float acc = 0;
        for (int k = 0; k < weights.Length; k++)
        {
            acc = MathF.FusedMultiplyAdd(node.ExcludeOutside ? weights[k] / total : weights[k], at(first + k), acc);
        }

        return acc;
    }

    private static void CubicWeights(float s, float a, Span<float> weights)
    {
        weights[0] = Far(s + 1, a);
        weights[1] = Near(s, a);
        weights[2] = Near(1 - s, a);
        weights[3] = Far(2 - s, a);
    }

    private static float Near(float t, float a) => (((((a + 2) * t) - (a + 3)) * t) * t) + 1;

    private static float Far(float t, float a) => (((((a * t) - (5 * a)) * t) + (8 * a)) * t) - (4 * a);

    private static float Position(Resize node, int axis, int index, int size)
    {
        float scale = node.Scales[axis];
        int output = node.Sizes[axis];
        return node.Coordinates switch
        {
            ResizeCoordinates.Asymmetric => index / scale,
            ResizeCoordinates.AlignCorners => output == 1 ? 0 : index * (float)(size - 1) / (output - 1),
            ResizeCoordinates.PytorchHalfPixel => output == 1 ? 0 : HalfPixel(index, scale),
            ResizeCoordinates.HalfPixelSymmetric => (size / 2f * (1 - (output / (scale * size)))) + HalfPixel(index, scale),
            _ => HalfPixel(index, scale),
        };
    }

    private static float HalfPixel(int index, float scale) => ((index + 0.5f) / scale) - 0.5f;

    private static int Round(ResizeNearest rule, float position, int size)
    {
        float rounded = rule switch
        {
            ResizeNearest.RoundPreferFloor => MathF.Ceiling(position - 0.5f),
            ResizeNearest.RoundPreferCeil => MathF.Floor(position + 0.5f),
            ResizeNearest.Floor => MathF.Floor(position),
            _ => MathF.Ceiling(position),
        };
        return (int)Math.Clamp(rounded, 0, size - 1);
    }
}
