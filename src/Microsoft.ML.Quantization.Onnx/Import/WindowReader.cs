using System;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Onnx.Import;

/// <summary>Kernel, strides, dilations and pads of convolutions and pools; auto_pad becomes explicit pads.</summary>
internal static class WindowReader
{
    /// <summary>The window of a convolution whose weights have the given kernel, or of a pool when it is null.</summary>
    public static Window Read(NodeCall call, ImmutableArray<int>? weightKernel)
    {
        Shape x = call.Shape(0);
        int rank = x.Rank - 2;
        call.RequireValid(rank is >= 1 and <= 3, $"an input [N, C, spatial] with 1 to 3 spatial axes, found {x}");
        ImmutableArray<int> kernel = call.Attributes.Ints("kernel_shape", rank) ?? weightKernel ?? throw call.Unsupported("expected the attribute kernel_shape");
        var window = new Window
        {
            Kernel = kernel,
            Strides = call.Attributes.Ints("strides", rank) ?? Repeat(1, rank),
            Dilations = call.Attributes.Ints("dilations", rank) ?? Repeat(1, rank),
            PadsBegin = Repeat(0, rank),
            PadsEnd = Repeat(0, rank),
        };
        call.RequireValid(kernel.Length == rank && Positive(window.Kernel) && Positive(window.Strides) && Positive(window.Dilations), $"{rank} kernel sizes, strides and dilations from 1 to 2^24");
        return WithPads(call, window, x);
    }

    /// <summary>The attribute auto_pad.</summary>
    public static string AutoPad(NodeCall call)
    {
        string mode = call.Attributes.Text("auto_pad", "NOTSET");
        call.RequireValid(mode is "NOTSET" or "VALID" or "SAME_UPPER" or "SAME_LOWER", $"auto_pad NOTSET, VALID, SAME_UPPER or SAME_LOWER, found '{mode}'");
        return mode;
    }

    /// <summary>Taps of one axis from first to last.</summary>
    public static long Span(Window window, int axis) => ((long)window.Dilations[axis] * (window.Kernel[axis] - 1)) + 1;

    /// <summary>A list of one number.</summary>
    public static ImmutableArray<int> Repeat(int value, int count) => [.. Enumerable.Repeat(value, count)];

    private static bool Positive(ImmutableArray<int> values) => values.All(v => v is > 0 and < 1 << 24);

    private static Window WithPads(NodeCall call, Window window, Shape x)
    {
        string mode = AutoPad(call);
        if (mode is "SAME_UPPER" or "SAME_LOWER")
        {
            return Same(call, window, x, mode == "SAME_UPPER");
        }

        ImmutableArray<int>? pads = mode == "NOTSET" ? call.Attributes.Ints("pads", 2 * window.Rank) : null;
        return pads is not { } given ? window : window with { PadsBegin = given[..window.Rank], PadsEnd = given[window.Rank..] };
    }

    private static Window Same(NodeCall call, Window window, Shape x, bool upper)
    {
        var begin = new int[window.Rank];
        var end = new int[window.Rank];
        for (int i = 0; i < window.Rank; i++)
        {
            long size = x[i + 2];
            call.RequireValid(size >= 0, "spatial axes of fixed size");
            long output = (size + window.Strides[i] - 1) / window.Strides[i];
            int total = (int)Math.Clamp(((output - 1) * window.Strides[i]) + Span(window, i) - size, 0, int.MaxValue);
            begin[i] = upper ? total / 2 : total - (total / 2);
            end[i] = total - begin[i];
        }

        return window with { PadsBegin = [.. begin], PadsEnd = [.. end] };
    }
}
