using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Networks;

/// <summary>
/// Networks in the order that binary layers want: batch normalization, quantizer, convolution, pooling, so that what is quantized has both signs and mean 0. They are float graphs, seeded, their
/// constants trainable; a scheme puts the quantizers in front of the layers. Layers have no bias where batch normalization follows. The output holds one logit a class [N, classes]; the last layer is called scores.
/// </summary>
public static class BinaryNetworks
{
    /// <summary>Layers that the papers keep real: 1×1 convolutions of shortcuts and transitions. For <c>TreatAsEdges</c> or <c>KeepFloat</c> of a scheme.</summary>
    public const string RealLayers = @".*\.(shortcut|reduce)";

    /// <summary>The convolutions that compute maps of scales; for <c>KeepFloat</c> of a scheme.</summary>
    public const string ScaleMaps = @".*\.map";

    private const int StageCount = 3;

    /// <summary>Flatten, then dense layers, each with batch normalization behind it, the last one too (Courbariaux et al., 2015; Hubara et al., 2016).</summary>
    /// <param name="input">A row's shape.</param>
    /// <param name="hidden">Widths of the hidden layers.</param>
    /// <param name="classes">Outputs.</param>
    /// <param name="activation">Rectifier for real activations.</param>
    /// <param name="seed">Seed of the weights.</param>
    public static Graph Mlp(Shape input, IReadOnlyList<int> hidden, int classes, BinaryActivation activation = BinaryActivation.None, ulong seed = 1)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(hidden);
        var layers = new LayerBuilder(seed);
        ValueId x = layers.Flatten("flatten", layers.Input(input));
        for (int i = 0; i < hidden.Count; i++)
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"dense{i + 1}");
            x = Behind(layers, name, layers.PlainDense(name, x, hidden[i]), activation, pool: false);
        }

        return Scores(layers, x, classes, activation);
    }

    /// <summary>32C5-MP2-64C5-MP2-512FC, images padded so that convolutions keep their size.</summary>
    /// <param name="input">[C, H, W].</param>
    /// <param name="classes">Outputs.</param>
    /// <param name="activation">Rectifier for real activations.</param>
    /// <param name="hasScaleMaps">Whether the second convolution is multiplied by the mean size of what each place sees, as XNOR-Net defines it; keep <see cref="ScaleMaps"/> float.</param>
    /// <param name="seed">Seed of the weights.</param>
    public static Graph LeNet5(Shape input, int classes = 10, BinaryActivation activation = BinaryActivation.None, bool hasScaleMaps = false, ulong seed = 1)
    {
        SmallNetworks.CheckImage(input);
        var layers = new LayerBuilder(seed);
        ValueId x = Behind(layers, "conv1", layers.Convolution("conv1", layers.Input(input), 32, 5, 1, hasBias: false), activation, pool: true);
        ValueId y = layers.Convolution("conv2", x, 64, 5, 1, hasBias: false);
        y = hasScaleMaps ? layers.Combine("conv2.scaled", BinaryOperator.Multiply, y, layers.ScaleMap("conv2.map", x, 5, 1, 2)) : y;
        x = Behind(layers, "conv2", y, activation, pool: true);
        x = Behind(layers, "dense1", layers.PlainDense("dense1", layers.Flatten("flatten", x), 512), activation, pool: false);
        return Scores(layers, x, classes, activation);
    }

    /// <summary>2×(wC3)-MP2-2×(2wC3)-MP2-2×(4wC3)-MP2, then dense layers; w = 128 and two layers of 1024 are the network of BinaryConnect and BNN.</summary>
    /// <param name="input">[C, H, W], H and W from 8.</param>
    /// <param name="classes">Outputs.</param>
    /// <param name="width">Channels of the first stage.</param>
    /// <param name="dense">Widths of the dense layers between the convolutions and the scores.</param>
    /// <param name="activation">Rectifier for real activations.</param>
    /// <param name="seed">Seed of the weights.</param>
    public static Graph VggSmall(Shape input, int classes = 10, int width = 128, IReadOnlyList<int>? dense = null, BinaryActivation activation = BinaryActivation.None, ulong seed = 1)
    {
        SmallNetworks.CheckImage(input);
        var layers = new LayerBuilder(seed);
        ValueId x = layers.Input(input);
        for (int i = 0; i < 2 * StageCount; i++)
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"conv{i + 1}");
            x = Behind(layers, name, layers.Convolution(name, x, width << (i / 2), 3, 1, hasBias: false), activation, pool: i % 2 == 1);
        }

        x = layers.Flatten("flatten", x);
        foreach ((int outputs, int i) in (dense ?? []).Select((d, i) => (d, i)))
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"dense{i + 1}");
            x = Behind(layers, name, layers.PlainDense(name, x, outputs), activation, pool: false);
        }

        return Scores(layers, x, classes, activation);
    }

    /// <summary>
    /// Residual network whose every 3×3 convolution has its own real shortcut, x + BN(conv(x)) (Bi-Real Net, Liu et al., 2018; ResNetE, Bethge et al., 2019), in the sizes for small images:
    /// depth 6n + 2. Where a stage begins, the shortcut is a 2×2 mean, a 1×1 convolution (<see cref="RealLayers"/>) and batch normalization. With shifts each input of a binary convolution is moved by a
    /// learned number a channel, and a shifted PReLU stands behind each sum (ReActNet, Liu et al., 2020).
    /// </summary>
    /// <param name="depth">8, 14, 20, ..</param>
    /// <param name="input">[C, H, W].</param>
    /// <param name="classes">Outputs.</param>
    /// <param name="width">Channels of the first stage.</param>
    /// <param name="hasShifts">Whether the shifts of ReActNet are there.</param>
    /// <param name="seed">Seed of the weights.</param>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InvalidOptions"/>: the depth is not 6n + 2.</exception>
    public static Graph ResNet(int depth, Shape input, int classes = 10, int width = 16, bool hasShifts = false, ulong seed = 1)
    {
        SmallNetworks.CheckImage(input);
        if (depth < 8 || (depth - 2) % 6 != 0)
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidOptions, string.Create(CultureInfo.InvariantCulture, $"ResNet depth: expected 6n + 2 (8, 14, 20, 26, 32, ..), found {depth}."));
        }

        var layers = new LayerBuilder(seed);
        ValueId x = layers.NormalizedConvolution("conv1", layers.Input(input), width, 3);
        int each = (depth - 2) / StageCount;
        for (int i = 0; i < StageCount * each; i++)
        {
            int stage = i / each;
            string name = string.Create(CultureInfo.InvariantCulture, $"stage{stage + 1}.conv{(i % each) + 1}");
            x = Shortcut(layers, name, x, width << stage, isNarrower: stage > 0 && i % each == 0, hasShifts);
        }

        x = layers.GlobalAverage("mean", layers.Relu("relu", x));
        return layers.Build(layers.Dense("scores", x, classes));
    }

    /// <summary>
    /// Dense network (BinaryDenseNet, Bethge et al., 2019): each unit appends conv3×3(BN(x)) to x; between stages BN, 2×2 maximum, ReLU and a 1×1 convolution (<see cref="RealLayers"/>) of C channels to
    /// 32·round(⌊C / r⌋ / 32), halves to the even number (in place of 32 the growth where that is smaller). The stem is a 3×3 convolution as for small images.
    /// </summary>
    /// <param name="input">[C, H, W].</param>
    /// <param name="units">Units of each stage; 6, 6, 6, 5 for the network called 28; 6, 8, 12, 6 for 37; 6, 12, 14, 8 for 45.</param>
    /// <param name="reductions">r between stages, from 1, one fewer; 2.7, 2.7, 2.2 for 28; 3.3, 3.3, 4 for 37; 2.7, 3.3, 4 for 45.</param>
    /// <param name="growth">Channels that a unit appends.</param>
    /// <param name="classes">Outputs.</param>
    /// <param name="seed">Seed of the weights.</param>
    /// <param name="dilations">Distances between the taps of each stage's 3×3 convolutions, null for 1; a stage of more than 1 has no maximum before it. 1, 1, 2, 4 for the network called 37-dilated.</param>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InvalidOptions"/>: not one reduction fewer than stages, a reduction below 1, not one dilation a stage, or one below 1.</exception>
    public static Graph DenseNet(Shape input, IReadOnlyList<int> units, IReadOnlyList<double> reductions, int growth = 64, int classes = 10, ulong seed = 1, IReadOnlyList<int>? dilations = null)
    {
        SmallNetworks.CheckImage(input);
        ArgumentNullException.ThrowIfNull(units);
        ArgumentNullException.ThrowIfNull(reductions);
        return DenseNetwork.Build(input, units, reductions, growth, classes, seed, dilations ?? [.. units.Select(_ => 1)]);
    }

    /// <summary>The network with all its batch normalizations by shifts: factors are powers of two, and exported ones fold without rounding (Hubara et al., 2016, algorithm 3).</summary>
    /// <param name="graph">Any network.</param>
    public static Graph ByShifts(Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        return PassWalk.Rewrite(graph, static (rewriter, node) =>
        {
            if (node is not BatchNormalization normalization)
            {
                return false;
            }

            rewriter.Emit(node, normalization with { IsByShifts = true, Inputs = rewriter.Map(node.Inputs) });
            return true;
        });
    }

    /// <summary>The network with another ε in all its batch normalizations; builders have 1e-5.</summary>
    /// <param name="graph">Any network.</param>
    /// <param name="epsilon">What is added to variances, above 0; 1e-4 in the trainings of BinaryConnect, BNN, XNOR-Net and LAB.</param>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InvalidOptions"/>: the number is not above 0 and finite.</exception>
    public static Graph WithEpsilon(Graph graph, float epsilon)
    {
        ArgumentNullException.ThrowIfNull(graph);
        if (!(epsilon > 0) || !float.IsFinite(epsilon))
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidOptions, string.Create(CultureInfo.InvariantCulture, $"Batch normalization: expected a finite epsilon above 0, found {epsilon}."));
        }

        return PassWalk.Rewrite(graph, (rewriter, node) =>
        {
            if (node is not BatchNormalization normalization)
            {
                return false;
            }

            rewriter.Emit(node, normalization with { Epsilon = epsilon, Inputs = rewriter.Map(node.Inputs) });
            return true;
        });
    }

    /// <summary>The network with the trainable weights of its convolutions and dense layers drawn anew; biases, factors and what else is trained stay as they are.</summary>
    /// <param name="graph">Any network.</param>
    /// <param name="start">What weights are drawn from.</param>
    /// <param name="seed">Seed of the weights; each is a function of it, the layer's place among them, and its index.</param>
    public static Graph StartedFrom(Graph graph, WeightStart start, ulong seed = 1)
    {
        ArgumentNullException.ThrowIfNull(graph);
        var drawn = new HashSet<ValueId>();
        return PassWalk.Rewrite(graph, (rewriter, node) =>
        {
            if (node is Convolution or Dense && graph[node.Inputs[1]] is { IsTrainable: true, Constant: { } old } weight && drawn.Add(node.Inputs[1]))
            {
                Tensor values = StartingWeights.Draw(start, old.Shape, seed, (ulong)drawn.Count);
                rewriter.Replace(node.Inputs[1], rewriter.Builder.AddConstant(weight.Name, values, isTrainable: true));
            }

            return false;
        });
    }

    /// <summary>Layer → PReLU → pooling → batch normalization → ReLU, of which the activation asks for.</summary>
    private static ValueId Behind(LayerBuilder layers, string name, ValueId x, BinaryActivation activation, bool pool)
    {
        x = activation == BinaryActivation.PRelu ? layers.Graph.Add(LearnedShifts.PRelu(layers.Graph, name, x)) : x;
        x = pool ? layers.Pool(name + ".pool", x) : x;
        x = layers.Normalize(name + ".bn", x);
        return activation == BinaryActivation.Rectifier ? layers.Relu(name + ".relu", x) : x;
    }

    private static Graph Scores(LayerBuilder layers, ValueId x, int classes, BinaryActivation activation)
    {
        ValueId scores = layers.PlainDense("scores", x, classes);
        float start = (float)(1 / Math.Sqrt(layers.Graph[x].Type.Shape[-1]));
        return layers.Build(activation == BinaryActivation.PRelu ? layers.Scale("scores.scale", scores, start) : layers.Normalize("scores.bn", scores));
    }

    private static ValueId Shortcut(LayerBuilder layers, string name, ValueId x, int channels, bool isNarrower, bool hasShifts)
    {
        ValueId moved = hasShifts ? LearnedShifts.Shift(layers.Graph, name, x) : x;
        ValueId y = layers.NormalizedConvolution(name, moved, channels, 3, isNarrower ? 2 : 1);
        ValueId way = isNarrower ? layers.NormalizedConvolution(name + ".shortcut", layers.AveragePool(name + ".mean", x), channels, 1) : x;
        ValueId sum = layers.Add(name + ".add", y, way);
        return hasShifts ? layers.Graph.Add(LearnedShifts.Bend(layers.Graph, name, sum)) : sum;
    }
}
