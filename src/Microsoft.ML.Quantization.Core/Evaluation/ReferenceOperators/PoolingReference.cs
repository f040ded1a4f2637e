using System;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Evaluation.ReferenceOperators;

/// <summary>Pools.</summary>
internal static class PoolingReference
{
    public static void MaxPool(ReferenceCall call)
    {
        var node = (MaxPool)call.Node;
        var taps = new Taps(node.Window, call.Shape(0), call.Output.Shape);
        int lowest = call.Graph[call.Node.Inputs[0]].Type.Quantization?.Code.Range.Min ?? Lowest(call.Inputs[0].Type);
        for (int i = 0; i < call.Output.Shape.Count; i++)
        {
            int best = -1;
            for (int tap = 0; tap < taps.Count; tap++)
            {
                int source = taps.Source(i % taps.OutPixels, tap);
                int index = (i / taps.OutPixels * taps.InPixels) + source;
                best = source >= 0 && (best < 0 || IsGreater(call.Inputs[0], index, best)) ? index : best;
            }

            Store(call, i, best, lowest);
        }
    }

    public static void AveragePool(ReferenceCall call)
    {
        var node = (AveragePool)call.Node;
        var taps = new Taps(node.Window, call.Shape(0), call.Output.Shape);
        Span<float> result = call.Output.Writable<float>();
        for (int i = 0; i < result.Length; i++)
        {
            float sum = 0;
            int count = 0;
            for (int tap = 0; tap < taps.Count; tap++)
            {
                int source = taps.Source(i % taps.OutPixels, tap);
                count += source >= 0 || (source == -1 && node.CountPadding) ? 1 : 0;
                sum = source >= 0 ? sum + call.Floats(0)[(i / taps.OutPixels * taps.InPixels) + source] : sum;
            }

            result[i] = sum / count;
        }
    }

    public static void GlobalAveragePool(ReferenceCall call)
    {
        Span<float> result = call.Output.Writable<float>();
        int pixels = call.Shape(0).CountOf(2, call.Shape(0).Rank);
        for (int i = 0; i < result.Length; i++)
        {
            result[i] = LaneSum.Of(call.Floats(0).Slice(i * pixels, pixels)) / pixels;
        }
    }

    /// <summary>The window that covers a whole image.</summary>
    public static Window GlobalWindow(Shape input) => new()
    {
        Kernel = input.Dimensions[2..],
        Strides = [.. Enumerable.Repeat(1, input.Rank - 2)],
        Dilations = [.. Enumerable.Repeat(1, input.Rank - 2)],
        PadsBegin = [.. Enumerable.Repeat(0, input.Rank - 2)],
        PadsEnd = [.. Enumerable.Repeat(0, input.Rank - 2)],
    };

    private static bool IsGreater(Tensor tensor, int index, int best) => tensor.Type == ElementType.Float32
        ? tensor.Values<float>()[index] > tensor.Values<float>()[best]
        : CodeAccess.Read(tensor, index) > CodeAccess.Read(tensor, best);

    private static int Lowest(ElementType type) => type switch
    {
        ElementType.Int8 => sbyte.MinValue,
        ElementType.Int16 => short.MinValue,
        _ => 0,
    };

    private static void Store(ReferenceCall call, int index, int best, int lowest)
    {
        if (best >= 0)
        {
            Coordinates.CopyElement(call.Inputs[0], best, call.Output, index);
        }
        else if (call.Output.Type == ElementType.Float32)
        {
            call.Output.Writable<float>()[index] = float.NegativeInfinity;
        }
        else
        {
            CodeAccess.Write(call.Output, index, lowest);
        }
    }
}
