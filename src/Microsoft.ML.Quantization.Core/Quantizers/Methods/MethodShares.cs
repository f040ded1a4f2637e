using System;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>
/// How a pass over a tensor is cut: whole groups where there are several, otherwise runs of <see cref="Length"/> elements. The cut depends on the shape alone; sums of shares are added
/// in their order. So threads never change a bit.
/// </summary>
public static class MethodShares
{
    /// <summary>Elements of a share of a single group.</summary>
    public const int Length = 8192;

    private const int Smallest = 4096;

    /// <summary>y of all elements, as in training or as in evaluation.</summary>
    public static void Forward(QuantizationMethod method, MethodCall call, object? prepared, Tensor y, bool training)
    {
        ArgumentNullException.ThrowIfNull(method);
        ArgumentNullException.ThrowIfNull(call);
        ArgumentNullException.ThrowIfNull(y);
        Run(method, call, (method, call, prepared, y, training), static (w, begin, end, _) =>
        {
            Span<float> part = w.y.Writable<float>()[begin..end];
            if (w.training)
            {
                w.method.Forward(w.call, w.prepared, begin, part);
            }
            else
            {
                w.method.Harden(w.call, w.prepared, begin, part);
            }
        });
    }

    /// <summary>dx of all elements, and the sums of every group.</summary>
    public static double[] Backward(QuantizationMethod method, MethodCall call, object? prepared, Tensor g, Tensor dx)
    {
        ArgumentNullException.ThrowIfNull(method);
        ArgumentNullException.ThrowIfNull(call);
        ArgumentNullException.ThrowIfNull(g);
        ArgumentNullException.ThrowIfNull(dx);
        int width = Width(method);
        (int groups, int length, int perGroup) = Cut(method, call.X.Shape);
        var partial = new double[groups * perGroup * width];
        Run(method, call, (method, call, prepared, g, dx, partial, width), static (w, begin, end, share) => w.method.Backward(
            w.call, w.prepared, begin, w.g.Values<float>()[begin..end], w.dx.Writable<float>()[begin..end], w.partial.AsSpan(share * w.width, w.width)));
        double[] totals = Totals(partial, groups, perGroup, width);
        method.Complete(call, prepared, g.Values<float>(), dx.Writable<float>(), totals);
        return totals;
    }

    /// <summary>Sums of a group: gradients of learned parameters, then the extra ones.</summary>
    public static int Width(QuantizationMethod method)
    {
        ArgumentNullException.ThrowIfNull(method);
        int width = method.ExtraSums;
        foreach (MethodParameter parameter in method.Parameters)
        {
            width += parameter.Role == ParameterRole.Learned ? parameter.Width : 0;
        }

        return width;
    }

    private static double[] Totals(double[] partial, int groups, int perGroup, int width)
    {
        var totals = new double[groups * width];
        for (int share = 0; share < groups * perGroup; share++)
        {
            for (int i = 0; i < width; i++)
            {
                totals[(share / perGroup * width) + i] += partial[(share * width) + i];
            }
        }

        return totals;
    }

    private static (int Groups, int Length, int PerGroup) Cut(QuantizationMethod method, Shape shape)
    {
        int groups = Math.Max(1, method.GroupsOf(shape));
        int length = shape.Count / groups;
        return (groups, length, groups > 1 ? 1 : Math.Max(1, (length + Length - 1) / Length));
    }

    private static void Run<TState>(QuantizationMethod method, MethodCall call, TState state, Action<TState, int, int, int> body)
    {
        (int groups, int length, int perGroup) = Cut(method, call.X.Shape);
        int shares = groups * perGroup;
        int each = groups > 1 ? length : Length;
        int parts = Math.Min(call.Pool.ThreadCount == 1 ? 1 : call.Pool.ThreadCount * 4, Math.Max(1, call.X.Shape.Count / Smallest));
        parts = Math.Min(parts, shares);
        void Part(int part)
        {
            for (int share = (int)((long)shares * part / parts); share < (int)((long)shares * (part + 1) / parts); share++)
            {
                body(state, share * each, Math.Min((share + 1) * each, call.X.Shape.Count), share);
            }
        }

        if (parts == 1)
        {
            Part(0);
            return;
        }

        call.Pool.Run(parts, (Action<int>)Part, static (run, part) => run(part));
    }
}
