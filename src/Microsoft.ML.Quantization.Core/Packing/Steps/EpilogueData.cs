using Microsoft.ML.Quantization.Kernels;

namespace Microsoft.ML.Quantization.Packing.Steps;

/// <summary>An <see cref="IntegerEpilogue"/> at rest.</summary>
internal sealed record EpilogueData
{
    public required int[] Bias { get; init; }

    public float[] Multipliers { get; init; } = [];

    public float[] Offsets { get; init; } = [];

    public required AccumulatorOutput Output { get; init; }

    public int ZeroPoint { get; init; }

    public int Minimum { get; init; }

    public int Maximum { get; init; }

    public float Low { get; init; }

    public float High { get; init; }

    /// <summary>Bytes of one output element.</summary>
    public int OutputSize => Output switch
    {
        AccumulatorOutput.UInt8 => 1,
        AccumulatorOutput.Int16 => 2,
        _ => 4,
    };

    /// <summary>What follows the codes in the same pass, or null.</summary>
    public JoinData? Join { get; init; }

    /// <summary>The kernels' form.</summary>
    public IntegerEpilogue Bind(RunBuffers buffers) => new()
    {
        Join = Join is null ? default : Join.Bind(buffers, OutputSize),
        Bias = Bias,
        Multipliers = Multipliers,
        Offsets = Offsets,
        Output = Output,
        ZeroPoint = ZeroPoint,
        Minimum = Minimum,
        Maximum = Maximum,
        Low = Low,
        High = High,
    };
}
