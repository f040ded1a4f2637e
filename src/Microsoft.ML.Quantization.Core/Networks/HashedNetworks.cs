using System;
using System.Collections.Generic;
using System.Globalization;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Networks;

/// <summary>
/// Networks whose dense layers share weights by hashing (HashedNets, Chen et al., 2015): V[i][j] = ξ(i, j)·w[h(i, j)] with a bucket h and a sign ξ from two independent streams of
/// <see cref="CounterRandom"/> keyed by seed and layer, and K trained numbers w behind O·n virtual weights. What is trained and kept is w, in a model that stays float too, with a bucket and a sign for each virtual weight; a quantized model holds the expanded matrix.
/// </summary>
public static class HashedNetworks
{
    private const ulong BucketSite = 0x4A5;
    private const ulong SignSite = 0x516;

    /// <summary>Flatten, then dense layers with ReLU between them, all of them hashed, biases their own.</summary>
    /// <param name="input">A row's shape.</param>
    /// <param name="hidden">Widths of the hidden layers.</param>
    /// <param name="classes">Outputs.</param>
    /// <param name="share">K/(O·n), in (0, 1]; 1/8 and 1/64 in the paper.</param>
    /// <param name="seed">Seed of weights and hashes.</param>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InvalidOptions"/>: the share is out of range.</exception>
    public static Graph Mlp(Shape input, IReadOnlyList<int> hidden, int classes, double share, ulong seed = 1)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(hidden);
        if (share is not (> 0 and <= 1))
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidOptions, string.Create(CultureInfo.InvariantCulture, $"Hashed network: expected a share in (0, 1], found {share}."));
        }

        var layers = new LayerBuilder(seed);
        ValueId x = layers.Flatten("flatten", layers.Input(input));
        for (int i = 0; i < hidden.Count; i++)
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"dense{i + 1}");
            x = layers.Relu(name + ".relu", Dense(layers, name, x, hidden[i], share, new Hash(seed, (ulong)i)));
        }

        return layers.Build(Dense(layers, "scores", x, classes, share, new Hash(seed, (ulong)hidden.Count)));
    }

    /// <summary>The virtual weights of a layer as nodes: Gather and sign.</summary>
    /// <param name="builder">The graph under construction.</param>
    /// <param name="name">The layer.</param>
    /// <param name="weights">w [K].</param>
    /// <param name="buckets">h, [O, n].</param>
    /// <param name="signs">ξ, [O, n].</param>
    internal static ValueId Expand(GraphBuilder builder, string name, ValueId weights, Tensor buckets, Tensor signs)
    {
        ValueId picked = builder.Add(new Gather { Name = name + ".picked", Inputs = [weights, builder.AddConstant(name + ".buckets", buckets)] });
        return builder.Add(new Binary { Name = name + ".virtual", Operator = BinaryOperator.Multiply, Inputs = [picked, builder.AddConstant(name + ".signs", signs)] });
    }

    /// <summary>Buckets and signs of a matrix.</summary>
    internal static (Tensor Buckets, Tensor Signs) Tables(int outputs, int inputs, int count, ulong seed, ulong layer)
    {
        var bucket = new CounterRandom(seed, BucketSite, layer);
        var sign = new CounterRandom(seed, SignSite, layer);
        long[] buckets = new long[outputs * inputs];
        float[] signs = new float[buckets.Length];
        for (int i = 0; i < buckets.Length; i++)
        {
            buckets[i] = (long)(bucket.Bits(i) % (ulong)count);
            signs[i] = (sign.Bits(i) & 1) == 0 ? 1 : -1;
        }

        return (Tensor.Create(Shape.Of(outputs, inputs), buckets), Tensor.Create(Shape.Of(outputs, inputs), signs));
    }

    private static ValueId Dense(LayerBuilder layers, string name, ValueId x, int outputs, double share, Hash hash)
    {
        int inputs = layers.Graph[x].Type.Shape[-1];
        int count = Math.Max(1, (int)(share * outputs * inputs));
        (Tensor buckets, Tensor signs) = Tables(outputs, inputs, count, hash.Seed, hash.Layer);
        return layers.Dense(name, x, Expand(layers.Graph, name, layers.Shared(name, count, inputs), buckets, signs), outputs);
    }

    private readonly record struct Hash(ulong Seed, ulong Layer);
}
