using System;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>One use of a method on one tensor: what is quantized, the parameters at this moment, and the place in the run.</summary>
/// <param name="X">What is quantized, row-major: weights [O, ..] or activations [N, ..].</param>
/// <param name="Parameters">One tensor of floats a parameter, in the order of <see cref="QuantizationMethod.Parameters"/>.</param>
/// <param name="Context">The place in the run.</param>
/// <param name="Site">What x is.</param>
/// <param name="Key">A number of the node; with seed and step the key of its random numbers.</param>
/// <param name="Pool">Threads.</param>
public sealed record MethodCall(Tensor X, Tensor[] Parameters, MethodContext Context, QuantizerSites Site, ulong Key, WorkerPool Pool)
{
    /// <summary>The optimizer's second moments of x, for methods that weigh by curvature; empty where there are none (yet).</summary>
    public ReadOnlyMemory<float> Curvature { get; init; }

    /// <summary>For weights that are pruned, 1 for each that is kept and 0 for each that is gone (and 0 in x); empty where nothing is pruned.</summary>
    public ReadOnlyMemory<float> Mask { get; init; }

    /// <summary>Elements of x that are not pruned.</summary>
    public int Survivors => Mask.IsEmpty ? X.Shape.Count : X.Shape.Count - Mask.Span.Count(0f);

    /// <summary>Memory of the step for what the way forward leaves, [<see cref="QuantizationMethod.KeptWidth"/>, elements of x]; null where nothing is kept.</summary>
    public Tensor? Kept { get; init; }

    /// <summary>All elements of x.</summary>
    public ReadOnlySpan<float> Values => X.Values<float>();

    /// <summary>The values of a parameter.</summary>
    public ReadOnlySpan<float> Parameter(int index) => Parameters[index].Values<float>();

    /// <summary>Random numbers of this node at this step; the number of an element is a function of its index alone.</summary>
    public CounterRandom Random => new(Context.Seed, Key, (ulong)Context.Step);
}
