using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>How levels of <see cref="Hwgq"/> lie; numbers are stored in files and never change.</summary>
public enum HwgqSpacing
{
    /// <summary>Levels i·Δ; all of 0 &lt; x &lt; 1.5·Δ goes to Δ.</summary>
    Uniform = 0,

    /// <summary>The levels of least square error; all of 0 &lt; x below the first midpoint goes to the first.</summary>
    NonUniform = 1,

    /// <summary>The usual uniform grid, 0 below Δ/2, with its own Δ of least error: better by error, and one step of arithmetic.</summary>
    DeadZone = 2,
}

/// <summary>
/// Half-wave Gaussian quantization of activations (Cai et al., 2017): constant levels that have the least square error for the positive half of a standard normal; 0 for x ≤ 0, midpoints
/// between levels. It is the nonlinearity itself and wants batch normalization without scale and shift in front. The way back takes the derivative of a rectifier, plain, clipped at the top
/// level (the paper's best), or with a logarithmic tail.
/// </summary>
public sealed record Hwgq : QuantizationMethod
{
    private static readonly ImmutableArray<float> _uniform = [0.797884564f, 0.538811932f, 0.321728907f, 0.184243345f];
    private static readonly ImmutableArray<float> _deadZone = [1.22400638f, 0.650769734f, 0.353411318f, 0.193248518f];
    private static readonly ImmutableArray<ImmutableArray<float>> _levels =
    [
        [0.797884561f],
        [0.317716369f, 1.00010605f, 1.89359481f],
        [0.145706244f, 0.441320889f, 0.750442618f, 1.08563531f, 1.46752827f, 1.93861241f, 2.62506251f],
        [
            0.0701552458f, 0.210928095f, 0.353109629f, 0.497713705f, 0.645876292f, 0.79892698f, 0.958490355f, 1.12663986f,
            1.30614684f, 1.50091233f, 1.71677886f, 1.9632238f, 2.25744032f, 2.6366142f, 3.21356224f,
        ],
    ];

    /// <summary>How levels lie.</summary>
    public HwgqSpacing Spacing { get; init; }

    /// <summary>Rectifier, ClippedRectifier or LogTail; the top level is the method's.</summary>
    public EstimatorKind Slope { get; init; } = EstimatorKind.ClippedRectifier;

    /// <inheritdoc/>
    public override string Name => "HWGQ";

    /// <inheritdoc/>
    public override QuantizerSites Sites => QuantizerSites.Activations;

    /// <inheritdoc/>
    public override bool IsNonlinearity => true;

    /// <inheritdoc/>
    public override bool NeedsStandardInput => true;

    /// <inheritdoc/>
    public override ImmutableArray<float> Settings => [Bits, (float)Spacing, (float)Slope];

    /// <summary>0 and the positive levels, ascending.</summary>
    public ImmutableArray<float> Levels => [.. Table().Levels];

    private int Steps => (1 << Bits) - 1;

    private float Step => Spacing == HwgqSpacing.DeadZone ? _deadZone[Bits - 1] : _uniform[Bits - 1];

    /// <inheritdoc/>
    public override object? Prepare(MethodCall call) => Spacing == HwgqSpacing.DeadZone ? null : Table();

    /// <inheritdoc/>
    public override void Harden(MethodCall call, object? prepared, int begin, Span<float> y)
    {
        ReadOnlySpan<float> x = call.Values.Slice(begin, y.Length);
        if (prepared is StairTable table)
        {
            Stairs.Apply(x, table.Thresholds, table.Levels, y);
        }
        else
        {
            UniformGrid.Quantize(x, Step, 0, Steps, y);
        }
    }

    /// <inheritdoc/>
    public override void Backward(MethodCall call, object? prepared, int begin, ReadOnlySpan<float> g, Span<float> dx, Span<double> sums)
        => new Estimator(Slope, Spacing == HwgqSpacing.NonUniform ? _levels[Bits - 1][^1] : Step * Steps).Pass(call.Values.Slice(begin, g.Length), g, dx);

    /// <inheritdoc/>
    public override HardForm Export(MethodCall call)
    {
        StairTable table = Table();
        return Spacing == HwgqSpacing.DeadZone
            ? new HardForm.Uniform(HardForms.Symmetric(Bits, false, IntegerRange.Unsigned(Bits), [Step]))
            : new HardForm.Staircase([.. table.Thresholds], [.. table.Levels]);
    }

    /// <inheritdoc/>
    public override void Check() => MethodChecks.Require(
        Enum.IsDefined(Spacing) && Slope is EstimatorKind.Rectifier or EstimatorKind.ClippedRectifier or EstimatorKind.LogTail, this);

    private StairTable Table()
    {
        var levels = new float[Steps + 1];
        var thresholds = new float[Steps];
        for (int i = 1; i <= Steps; i++)
        {
            levels[i] = Spacing == HwgqSpacing.NonUniform ? _levels[Bits - 1][i - 1] : i * Step;
            thresholds[i - 1] = (levels[i - 1] + levels[i]) / 2;
        }

        // Strictly above 0: the least positive number is in.
        thresholds[0] = Spacing == HwgqSpacing.DeadZone ? thresholds[0] : float.Epsilon;
        return new StairTable(thresholds, levels);
    }
}
