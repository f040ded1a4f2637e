using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Packing;

/// <summary>Packed weights by what they were made of, so that layers that share a constant share its packed copy.</summary>
internal sealed class WeightCache
{
    private readonly Dictionary<(Tensor Source, string Form), object> _made = [];
    private readonly ImmutableArray<IDisposable>.Builder _packed = ImmutableArray.CreateBuilder<IDisposable>();

    /// <summary>All packed weights, to be owned by the program.</summary>
    public ImmutableArray<IDisposable> All => _packed.ToImmutable();

    /// <summary>The weights in the given form, made once.</summary>
    public T Get<T>(Tensor source, string form, Func<T> make)
        where T : class
    {
        if (_made.TryGetValue((source, form), out object? found))
        {
            return (T)found;
        }

        T made = make();
        _made.Add((source, form), made);
        if (made is IDisposable packed)
        {
            _packed.Add(packed);
        }

        return made;
    }
}
