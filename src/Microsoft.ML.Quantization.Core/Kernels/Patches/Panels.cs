using System;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Kernels.Patches;

/// <summary>
/// Packed weights: for each group, panels of two vectors of outputs, k after k; what remains is a panel of two vectors or of one. Lanes without output are 0.
/// </summary>
internal static unsafe class Panels<TLanes>
    where TLanes : unmanaged, ILanes<TLanes>
{
    /// <summary>Outputs of a whole panel.</summary>
    public static int Width => 2 * TLanes.Count;

    /// <summary>Floats of all panels.</summary>
    public static int Length(PanelOrder order) => order.Groups * GroupLength(order.Outputs, order.Depth);

    /// <summary>Floats of one group's panels.</summary>
    public static int GroupLength(int outputs, int depth)
    {
        (int whole, int rest) = Math.DivRem(outputs, Width);
        return ((whole * Width) + (rest == 0 ? 0 : WidthOf(rest))) * depth;
    }

    /// <summary>The width of a panel that has <paramref name="outputs"/> outputs left.</summary>
    public static int WidthOf(int outputs) => outputs <= TLanes.Count ? TLanes.Count : Width;

    /// <summary>Packs; gives whether all weights are finite.</summary>
    public static bool Pack(PanelOrder order, ReadOnlySpan<float> weights, Span<float> panels)
    {
        int group = GroupLength(order.Outputs, order.Depth);
        fixed (float* w = weights, p = panels[..Length(order)])
        {
            for (int g = 0; g < order.Groups; g++)
            {
                float* panel = p + ((long)g * group);
                for (int first = 0; first < order.Outputs; first += Width)
                {
                    int count = Math.Min(Width, order.Outputs - first);
                    One(order, w + ((long)g * order.GroupStride) + ((long)first * order.OutputStride), panel, count, WidthOf(count));
                    panel += (long)WidthOf(count) * order.Depth;
                }
            }

            return IsFinite(p, Length(order));
        }
    }

    private static void One(PanelOrder order, float* weights, float* panel, int count, int width)
    {
        foreach (int tap in order.Taps)
        {
            float* source = weights + tap;
            for (int c = 0; c < order.Channels; c++, source += order.ChannelStride, panel += width)
            {
                Lanes(source, order.OutputStride, panel, count, width);
            }
        }
    }

    private static void Lanes(float* source, long stride, float* panel, int count, int width)
    {
        if (stride == 1)
        {
            new ReadOnlySpan<float>(source, count).CopyTo(new Span<float>(panel, count));
        }
        else
        {
            for (int i = 0; i < count; i++)
            {
                panel[i] = source[i * stride];
            }
        }

        for (int i = count; i < width; i++)
        {
            panel[i] = 0;
        }
    }

    /// <summary>x − x is 0 for every finite x and NaN for the others.</summary>
    private static bool IsFinite(float* values, int count)
    {
        TLanes found = TLanes.Create(0);
        for (int i = 0; i < count; i += TLanes.Count)
        {
            TLanes x = TLanes.Load(values + i);
            found += x - x;
        }

        float* lanes = stackalloc float[TLanes.Count];
        TLanes.Store(lanes, found);
        bool isFinite = true;
        for (int i = 0; i < TLanes.Count; i++)
        {
            isFinite &= lanes[i] == 0;
        }

        return isFinite;
    }
}
