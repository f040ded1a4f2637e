using System;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>
/// Output positions [OutBegin, OutEnd) of one axis whose windows have the same taps [TapBegin, TapEnd) inside the image. The
/// product of the three axes' classes splits the output into boxes in which no tap has to be tested: taps in padding are
/// left out, not multiplied by zero.
/// </summary>
internal readonly record struct AxisClass(int OutBegin, int OutEnd, int TapBegin, int TapEnd)
{
    /// <summary>Number of output positions.</summary>
    public int Length => OutEnd - OutBegin;

    /// <summary>Number of taps inside the image.</summary>
    public int Taps => TapEnd - TapBegin;

    /// <summary>An upper bound of the number of classes of an axis: each tap changes validity at most twice.</summary>
    public static int Bound(int outputs, int kernel) => Math.Min(outputs, (2 * kernel) + 1);

    /// <summary>Splits one axis; returns the number of classes.</summary>
    public static int Split(int inputs, int outputs, int kernel, int stride, int dilation, int padding, Span<AxisClass> classes)
    {
        int count = 0;
        int position = 0;
        while (position < outputs)
        {
            (int begin, int end) = Taps1(inputs, kernel, (position * stride) - padding, dilation);
            int first = position;
            if (begin == 0 && end == kernel)
            {
                // Up to the first window that sticks out behind, all are alike.
                position = Math.Min(outputs - 1, (inputs - 1 - ((kernel - 1) * dilation) + padding) / stride);
            }

            while (++position < outputs && Taps1(inputs, kernel, (position * stride) - padding, dilation) == (begin, end))
            {
            }

            classes[count++] = new AxisClass(first, position, begin, end);
        }

        return count;
    }

    /// <summary>The taps of a window that starts at <paramref name="start"/> which lie inside [0, inputs); empty as (0, 0).</summary>
    public static (int Begin, int End) Taps1(int inputs, int kernel, int start, int dilation)
    {
        if (start >= 0 && start < inputs - ((long)(kernel - 1) * dilation))
        {
            return (0, kernel);
        }

        int begin = start >= 0 ? 0 : (-start + dilation - 1) / dilation;
        int end = start >= inputs ? 0 : Math.Min(kernel, ((inputs - start - 1) / dilation) + 1);
        return begin < end ? (begin, end) : (0, 0);
    }
}
