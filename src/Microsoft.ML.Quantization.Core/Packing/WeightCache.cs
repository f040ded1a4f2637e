using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.Packing;

/// <summary>Packed weights by what they were made of, so that layers that share a constant share its packed copy.</summary>
internal sealed class WeightCache
{
    private readonly Dictionary<(Tensor Source, string Form), object> _made = [];
    private readonly ImmutableArray<IDisposable>.Builder _packed = ImmutableArray.CreateBuilder<IDisposable>();

    private readonly List<PackJob> _jobs = [];
    private readonly Dictionary<Tensor, int> _uses = [];

    /// <summary>All packed weights, to be owned by the program.</summary>
    public ImmutableArray<IDisposable> All => _packed.ToImmutable();

    /// <summary>How many layers have had weights made of a constant; below 0 where some are made of it later.</summary>
    public int Uses(Tensor source) => _uses.GetValueOrDefault(source);

    /// <summary>Memory for the weights in the given form, which <see cref="Fill"/> writes.</summary>
    /// <param name="source">What they are made of.</param>
    /// <param name="form">The form.</param>
    /// <param name="isWhole">Whether they can be written in one part only.</param>
    /// <param name="make">Makes the memory.</param>
    /// <param name="fill">Writes part i of n.</param>
    public PackedWeights Later(Tensor source, string form, bool isWhole, Func<PackedWeights> make, Action<PackedWeights, int, int> fill) => Get(source, form, () =>
    {
        PackedWeights packed = make();
        _jobs.Add(new PackJob(packed, isWhole ? 1 : PackJob.PartsOf(packed), fill));
        return packed;
    });

    /// <summary>Writes all weights that were left for later.</summary>
    public void Fill(WorkerPool pool)
    {
        PackJob.Run(_jobs, pool);
        _jobs.Clear();
    }

    /// <summary>The weights in the given form, made once.</summary>
    public T Get<T>(Tensor source, string form, Func<T> make)
        where T : class
    {
        if (!_made.TryGetValue((source, form), out object? made))
        {
            made = make();
            _made.Add((source, form), made);
            if (made is IDisposable packed)
            {
                _packed.Add(packed);
            }
        }

        _uses[source] = made is LaterWeights ? int.MinValue : Uses(source) + (Uses(source) < 0 ? 0 : 1);
        return (T)made;
    }
}
