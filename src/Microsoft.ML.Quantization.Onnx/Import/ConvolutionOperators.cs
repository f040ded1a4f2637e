using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Onnx.Import;

/// <summary>Conv and ConvTranspose.</summary>
internal static class ConvolutionOperators
{
    public static ImportValue Conv(NodeCall call)
    {
        call.RequireFloat(0, 1, 2);
        var node = new Convolution { Window = WindowReader.Read(call, Kernel(call)), Groups = call.Attributes.Int("group", 1) };
        return Emit(call, node);
    }

    public static ImportValue ConvTranspose(NodeCall call)
    {
        call.RequireFloat(0, 1, 2);
        Window window = WindowReader.Read(call, Kernel(call));
        ImmutableArray<int> extra = call.Attributes.Ints("output_padding", window.Rank) ?? WindowReader.Repeat(0, window.Rank);
        if (WantedSizes(call, window) is { } wanted)
        {
            (window, extra) = PadsForSizes(call, window, extra, wanted);
        }

        return Emit(call, new ConvolutionTranspose { Window = window, OutputPadding = extra, Groups = call.Attributes.Int("group", 1) });
    }

    private static ImportValue Emit(NodeCall call, Graphs.Node node)
        => call.Has(2) ? call.Emit(node, call.Input(0), call.Input(1), call.Input(2)) : call.Emit(node, call.Input(0), call.Input(1));

    private static ImmutableArray<int> Kernel(NodeCall call)
    {
        Shape w = call.Shape(1);
        call.RequireValid(w.Rank >= 3, $"weights [O, C, kernel], found {w}");
        return w.Dimensions[2..];
    }

    private static ImmutableArray<int>? WantedSizes(NodeCall call, Window window)
    {
        if (call.Attributes.Ints("output_shape", window.Rank) is { } given)
        {
            return given;
        }

        if (!WindowReader.AutoPad(call).StartsWith("SAME", StringComparison.Ordinal))
        {
            return null;
        }

        var sizes = new int[window.Rank];
        for (int i = 0; i < sizes.Length; i++)
        {
            sizes[i] = checked(call.Shape(0)[i + 2] * window.Strides[i]);
        }

        return [.. sizes];
    }

    /// <summary>Pads, and output padding where the size wanted is larger than the transposed window gives.</summary>
    private static (Window Window, ImmutableArray<int> Extra) PadsForSizes(NodeCall call, Window window, ImmutableArray<int> extra, ImmutableArray<int> wanted)
    {
        bool upper = WindowReader.AutoPad(call) == "SAME_UPPER";
        int[] begin = new int[window.Rank];
        int[] end = new int[window.Rank];
        int[] more = [.. extra];
        for (int i = 0; i < window.Rank; i++)
        {
            int total = checked((int)(((long)window.Strides[i] * (call.Shape(0)[i + 2] - 1)) + extra[i] + WindowReader.Span(window, i) - wanted[i]));
            more[i] += Math.Max(0, -total);
            total = Math.Max(0, total);
            begin[i] = upper ? total / 2 : total - (total / 2);
            end[i] = total - begin[i];
        }

        return (window with { PadsBegin = [.. begin], PadsEnd = [.. end] }, [.. more]);
    }
}
