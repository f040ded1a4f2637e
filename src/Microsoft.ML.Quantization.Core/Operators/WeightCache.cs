using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.CompilerServices;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>
/// What operators prepare from a constant tensor (packed weights, sums), kept as long as the tensor lives, so that many batches over one graph prepare it once.
/// </summary>
internal static class WeightCache
{
    private static readonly ConditionalWeakTable<Tensor, List<Entry>> _entries = [];

    /// <summary>The prepared form of a constant for a kernel set; made on first use.</summary>
    /// <param name="constant">The constant.</param>
    /// <param name="kernels">The kernel set it is prepared for.</param>
    /// <param name="key">Whatever else the form depends on.</param>
    /// <param name="make">Makes it.</param>
    public static TPrepared Get<TPrepared>(Tensor constant, KernelSet kernels, object key, Func<TPrepared> make)
        where TPrepared : class
    {
        List<Entry> list = _entries.GetOrCreateValue(constant);
        lock (list)
        {
            Entry? found = list.FirstOrDefault(e => ReferenceEquals(e.Kernels, kernels) && e.Prepared is TPrepared && e.Key.Equals(key));
            if (found is null)
            {
                found = new Entry(kernels, key, make());
                list.Add(found);
            }

            return (TPrepared)found.Prepared;
        }
    }

    /// <summary>Whether an input of the node is a constant of the graph, so that its prepared form may be kept.</summary>
    public static bool IsConstant(OperatorCall call, int input) => ReferenceEquals(call.Graph[call.Node.Inputs[input]].Constant, call.Inputs[input]);

    private sealed record Entry(KernelSet Kernels, object Key, object Prepared);
}
