using System.Collections.Immutable;
using Microsoft.ML.Quantization.Kernels.Costs;

namespace Microsoft.ML.Quantization.Packing;

/// <summary>A step for one batch size. Immutable: several runs use it at once, each with its own buffers.</summary>
internal abstract class BoundStep
{
    /// <summary>Independent parts of the work.</summary>
    public int Chunks { get; init; } = 1;

    /// <summary>What the step costs, as numbers.</summary>
    public KernelWork Work { get; protected init; }

    /// <summary>What the step does besides, in the same pass; for predictions of its time.</summary>
    public ImmutableArray<KernelWork> Also { get; protected init; } = [];

    /// <summary>What a run keeps for this step beside its buffers (made once a set of buffers), or null.</summary>
    public virtual object? Prepare(RunBuffers buffers) => null;

    /// <summary>Does one part.</summary>
    public abstract void Run(RunBuffers buffers, int chunk);

    /// <summary>Beginning of a chunk's share of <paramref name="total"/> units; that of chunk + 1 is its end.</summary>
    protected int Begin(int total, int chunk) => (int)((long)total * chunk / Chunks);
}
