using System;
using System.Globalization;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Networks;

/// <summary>
/// Group-Net (Zhuang et al., 2019): each residual block, or group of them, is there K times, with weights and batch normalization of its own, and the group's output is Z = Σ λ_k·F_k(x_k) with learned λ_k from 1/K.
/// A branch is u = BN(relu(conv(x))) + x, F = BN(relu(conv(u))) + u. With gates a branch reads c·F_k + (1 − c)·Z of the group before it, c = sigmoid(θ) with one learned θ a group from 0; without, Z.
/// </summary>
public static class GroupNetwork
{
    private const int StageCount = 3;

    /// <summary>The residual form for small images, depth 6n + 2; shortcuts where a stage begins as in <see cref="BinaryNetworks.ResNet"/>.</summary>
    /// <param name="depth">8, 14, 20, ..</param>
    /// <param name="input">[C, H, W].</param>
    /// <param name="branches">K.</param>
    /// <param name="hasGates">Whether branches stay partly apart from block to block; the first stage has no gates.</param>
    /// <param name="classes">Outputs.</param>
    /// <param name="width">Channels of the first stage.</param>
    /// <param name="seed">Seed of the weights.</param>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InvalidOptions"/>: the depth is not 6n + 2, or there is no branch.</exception>
    public static Graph ResNet(int depth, Shape input, int branches = 5, bool hasGates = true, int classes = 10, int width = 16, ulong seed = 1)
        => ResNet(depth, input, new GroupForm { Branches = branches, HasGates = hasGates }, classes, width, seed);

    /// <summary>The same with groups of several blocks, or branches of different dilation.</summary>
    /// <param name="depth">8, 14, 20, ..</param>
    /// <param name="input">[C, H, W].</param>
    /// <param name="form">What is there K times.</param>
    /// <param name="classes">Outputs.</param>
    /// <param name="width">Channels of the first stage.</param>
    /// <param name="seed">Seed of the weights.</param>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InvalidOptions"/>: the depth is not 6n + 2, or the form does not fit it.</exception>
    public static Graph ResNet(int depth, Shape input, GroupForm form, int classes = 10, int width = 16, ulong seed = 1)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(form);
        Check(depth, input, form.Branches);
        int each = (depth - 2) / (2 * StageCount);
        form.Check(StageCount, each);
        var layers = new LayerBuilder(seed);
        ValueId whole = layers.NormalizedConvolution("conv1", layers.Input(input), width, 3);
        ValueId[] apart = [];
        for (int first = 0; first < StageCount * each; first += form.Blocks)
        {
            GroupBlock[] blocks = [.. Enumerable.Range(first, form.Blocks).Select(b => new GroupBlock(b / each, b % each, width))];
            ValueId[] inputs = form.HasGates && blocks[0].Stage > 0 ? Between(layers, blocks[0].Name, apart, whole) : [.. Enumerable.Repeat(whole, form.Branches)];
            apart = [.. inputs.Select((x, k) => blocks.Aggregate(x, (y, block) => Branch(layers, block, y, k, form.DilationOf(block.Stage, k))))];
            whole = Sum(layers, blocks[^1].Name, apart);
        }

        whole = layers.GlobalAverage("mean", layers.Relu("relu", whole));
        return layers.Build(layers.Dense("scores", whole, classes));
    }

    /// <summary>
    /// The layer-wise form of the network of <see cref="BinaryNetworks.ResNet"/>: every 3×3 convolution is Σ λ_k·conv_k(x) over one quantized input, K sets of weights with learned λ_k from 1/K, in
    /// front of one rectifier and batch normalization.
    /// </summary>
    /// <param name="depth">8, 14, 20, ..</param>
    /// <param name="input">[C, H, W].</param>
    /// <param name="branches">K.</param>
    /// <param name="classes">Outputs.</param>
    /// <param name="width">Channels of the first stage.</param>
    /// <param name="seed">Seed of the weights.</param>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InvalidOptions"/>: the depth is not 6n + 2, or there is no branch.</exception>
    public static Graph LayerWise(int depth, Shape input, int branches = 5, int classes = 10, int width = 16, ulong seed = 1)
    {
        ArgumentNullException.ThrowIfNull(input);
        Check(depth, input, branches);
        var layers = new LayerBuilder(seed);
        ValueId x = layers.NormalizedConvolution("conv1", layers.Input(input), width, 3);
        int each = (depth - 2) / StageCount;
        for (int i = 0; i < StageCount * each; i++)
        {
            int stage = i / each;
            string name = string.Create(CultureInfo.InvariantCulture, $"stage{stage + 1}.conv{(i % each) + 1}");
            bool isNarrower = stage > 0 && i % each == 0;
            ValueId[] parts = [.. Enumerable.Range(1, branches).Select(k => layers.Convolution(string.Create(CultureInfo.InvariantCulture, $"{name}.branch{k}"), x, width << stage, 3, isNarrower ? 2 : 1, hasBias: false))];
            ValueId y = layers.Normalize(name + ".bn", layers.Relu(name + ".relu", Sum(layers, name, parts)));
            x = layers.Add(name + ".add", y, isNarrower ? layers.NormalizedConvolution(name + ".shortcut", layers.AveragePool(name + ".mean", x), width << stage, 1) : x);
        }

        x = layers.GlobalAverage("mean", layers.Relu("relu", x));
        return layers.Build(layers.Dense("scores", x, classes));
    }

    /// <summary>Z + c·(F − Z) of each branch.</summary>
    internal static ValueId[] Between(LayerBuilder layers, string name, ValueId[] apart, ValueId whole, float start = 0)
    {
        ValueId gate = layers.Gate(name + ".gate", start);
        return [.. apart.Select((f, k) => layers.Add(
            string.Create(CultureInfo.InvariantCulture, $"{name}.gated{k + 1}"),
            layers.Combine(string.Create(CultureInfo.InvariantCulture, $"{name}.kept{k + 1}"), BinaryOperator.Multiply, layers.Combine(string.Create(CultureInfo.InvariantCulture, $"{name}.apart{k + 1}"), BinaryOperator.Subtract, f, whole), gate),
            whole))];
    }

    private static void Check(int depth, Shape input, int branches)
    {
        SmallNetworks.CheckImage(input);
        if (depth < 8 || (depth - 2) % 6 != 0 || branches < 1)
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidOptions, string.Create(CultureInfo.InvariantCulture, $"Group network: expected a depth of 6n + 2 (8, 14, 20, ..) and from 1 branch, found {depth} and {branches}."));
        }
    }

    private static ValueId Sum(LayerBuilder layers, string name, ValueId[] apart)
    {
        ValueId[] scaled = [.. apart.Select((f, k) => layers.Scale(string.Create(CultureInfo.InvariantCulture, $"{name}.weight{k + 1}"), f, 1f / apart.Length))];
        return scaled.Skip(1).Aggregate(scaled[0], (sum, f) => layers.Add(name + ".sum", sum, f));
    }

    /// <summary>One block of branch k; a dilation of 0 is none, and the only one that lets a stage narrow.</summary>
    private static ValueId Branch(LayerBuilder layers, GroupBlock block, ValueId x, int k, int dilation)
    {
        string name = string.Create(CultureInfo.InvariantCulture, $"{block.Name}.branch{k + 1}");
        bool isNarrower = block.IsFirst && dilation == 0;
        ValueId way = block.IsFirst ? layers.NormalizedConvolution(name + ".shortcut", isNarrower ? layers.AveragePool(name + ".mean", x) : x, block.Channels, 1) : x;
        ValueId u = layers.Add(name + ".add1", Half(layers, name + ".conv1", x, block.Channels, isNarrower ? 2 : 1, dilation), way);
        return layers.Add(name + ".add2", Half(layers, name + ".conv2", u, block.Channels, 1, dilation), u);
    }

    private static ValueId Half(LayerBuilder layers, string name, ValueId x, int channels, int stride, int dilation)
        => layers.Normalize(name + ".bn", layers.Relu(name + ".relu", layers.Convolution(name, x, channels, 3, stride, hasBias: false, Math.Max(1, dilation))));

    /// <summary>A residual block's place; the first of a later stage has other channels than its input.</summary>
    private readonly record struct GroupBlock(int Stage, int Index, int Width)
    {
        public string Name => string.Create(CultureInfo.InvariantCulture, $"stage{Stage + 1}.block{Index + 1}");

        public int Channels => Width << Stage;

        public bool IsFirst => Stage > 0 && Index == 0;
    }
}
