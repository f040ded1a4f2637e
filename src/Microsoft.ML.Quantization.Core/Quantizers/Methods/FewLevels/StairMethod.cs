using System;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;

/// <summary>Activations on few levels of any spacing: y = levels[#{ i : x ≥ thresholds[i] }].</summary>
public abstract record StairMethod : QuantizationMethod
{
    /// <inheritdoc/>
    public override QuantizerSites Sites => QuantizerSites.Activations;

    /// <inheritdoc/>
    public override object? Prepare(MethodCall call) => Steps(call);

    /// <inheritdoc/>
    public override void Harden(MethodCall call, object? prepared, int begin, Span<float> y)
    {
        ArgumentNullException.ThrowIfNull(call);
        ArgumentNullException.ThrowIfNull(prepared);
        LaneMap.Map(new Climb((Stairs)prepared), call.Values.Slice(begin, y.Length), y);
    }

    /// <summary>Two levels of one size on both sides of a threshold 0 are a mid-rise code; others stay a staircase.</summary>
    public override HardForm Export(MethodCall call)
    {
        Stairs stairs = Steps(call);
        return stairs.Levels.Length == 2 && stairs.Thresholds[0] == 0 && stairs.Levels[0] == -stairs.Levels[1]
            ? new HardForm.Uniform(HardForms.MidRise(1, [stairs.Levels[1]]))
            : new HardForm.Staircase([.. stairs.Thresholds], [.. stairs.Levels]);
    }

    /// <summary>The staircase of the parameters.</summary>
    private protected abstract Stairs Steps(MethodCall call);

    /// <summary>A staircase.</summary>
    /// <param name="Thresholds">Ascending.</param>
    /// <param name="Levels">Ascending, one more.</param>
    private protected sealed record Stairs(float[] Thresholds, float[] Levels)
    {
        /// <summary>Both in ascending order whatever the numbers: a threshold or level below one in front of it is raised to it.</summary>
        public static Stairs Ascending(float[] thresholds, float[] levels)
        {
            for (int i = 1; i < levels.Length; i++)
            {
                levels[i] = Math.Max(levels[i], levels[i - 1]);
                thresholds[i - 1] = i > 1 ? Math.Max(thresholds[i - 1], thresholds[i - 2]) : thresholds[i - 1];
            }

            return new Stairs(thresholds, levels);
        }
    }

    private readonly struct Climb(Stairs stairs) : ILaneFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T>
        {
            T y = T.Create(stairs.Levels[0]);
            for (int i = 0; i < stairs.Thresholds.Length; i++)
            {
                y = T.Select(T.Less(x, T.Create(stairs.Thresholds[i])), y, T.Create(stairs.Levels[i + 1]));
            }

            return T.Select(T.Same(x, x), y, x);
        }
    }
}
