using System;
using System.Threading;
using Microsoft.ML.Quantization.Kernels;

namespace Microsoft.ML.Quantization.Packing;

/// <summary>Packed weights that are made when a batch first needs them.</summary>
internal sealed class LaterWeights(Func<PackedWeights> make) : IDisposable
{
    private readonly Lazy<PackedWeights> _weights = new(make, LazyThreadSafetyMode.ExecutionAndPublication);

    /// <summary>The weights, made by the first call.</summary>
    public PackedWeights Value => _weights.Value;

    /// <summary>Bytes that are there by now.</summary>
    public long ByteLength => _weights.IsValueCreated ? _weights.Value.ByteLength : 0;

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_weights.IsValueCreated)
        {
            _weights.Value.Dispose();
        }
    }
}
