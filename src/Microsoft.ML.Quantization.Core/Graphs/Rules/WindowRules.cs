using Microsoft.ML.Quantization.Graphs.Nodes;

namespace Microsoft.ML.Quantization.Graphs.Rules;

/// <summary>Sizes of sliding windows.</summary>
public static class WindowRules
{
    private const int Limit = 1 << 24;

    /// <summary>Whether the window's numbers of one axis are possible.</summary>
    public static bool IsValid(Window window, int axis)
    {
        System.ArgumentNullException.ThrowIfNull(window);
        int rank = window.Kernel.Length;
        return window.Strides.Length == rank && window.Dilations.Length == rank && window.PadsBegin.Length == rank && window.PadsEnd.Length == rank
            && Positive(window.Kernel[axis]) && Positive(window.Strides[axis]) && Positive(window.Dilations[axis])
            && window.PadsBegin[axis] is >= 0 and < Limit && window.PadsEnd[axis] is >= 0 and < Limit;
    }

    /// <summary>
    /// ⌊(size + pads − dilation·(kernel − 1) − 1) / stride⌋ + 1, or with <paramref name="ceil"/> ⌈..⌉ + 1, less one if the last window
    /// would begin behind image and padding before it. 0 or less when the window does not fit.
    /// </summary>
    public static int OutputSize(Window window, int axis, int size, bool ceil)
    {
        System.ArgumentNullException.ThrowIfNull(window);
        long span = ((long)window.Dilations[axis] * (window.Kernel[axis] - 1)) + 1;
        long room = (long)size + window.PadsBegin[axis] + window.PadsEnd[axis] - span;
        if (room < 0)
        {
            return 0;
        }

        int stride = window.Strides[axis];
        long output = (ceil ? (room + stride - 1) / stride : room / stride) + 1;
        return (int)(ceil && (output - 1) * stride >= (long)size + window.PadsBegin[axis] ? output - 1 : output);
    }

    private static bool Positive(int value) => value is > 0 and < Limit;
}
