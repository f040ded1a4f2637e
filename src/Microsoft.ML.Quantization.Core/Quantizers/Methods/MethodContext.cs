namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>Where in a run a step stands. Schedules (temperatures, partitions, phases) and random numbers are pure functions of it, so that a resumed run goes on to the same bits.</summary>
/// <param name="Seed">Seed of the run.</param>
/// <param name="Step">Steps done before this one.</param>
/// <param name="StepsPerEpoch">Steps of one pass over the rows.</param>
/// <param name="Epochs">Passes of the run.</param>
public sealed record MethodContext(ulong Seed, long Step, long StepsPerEpoch, int Epochs)
{
    /// <summary>A place outside any run: evaluation and export.</summary>
    public static MethodContext Evaluation { get; } = new(0, 0, 1, 1);

    /// <summary>Passes done, as a whole number.</summary>
    public int Epoch => (int)(Step / StepsPerEpoch);

    /// <summary>Share of the run that is done, in [0, 1].</summary>
    public double Progress => System.Math.Min(1, (double)Step / (StepsPerEpoch * Epochs));
}
