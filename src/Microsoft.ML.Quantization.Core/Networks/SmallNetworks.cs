using System;
using System.Collections.Generic;
using System.Globalization;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Networks;

/// <summary>
/// Networks for small images, as float graphs whose constants are marked trainable, seeded. The output "scores" holds one logit a class [N, classes].
/// </summary>
public static class SmallNetworks
{
    private const int StageCount = 3;

    /// <summary>Flatten, then dense layers with ReLU between them.</summary>
    /// <param name="input">A row's shape.</param>
    /// <param name="hidden">Widths of the hidden layers.</param>
    /// <param name="classes">Outputs.</param>
    /// <param name="seed">Seed of the weights.</param>
    public static Graph Mlp(Shape input, IReadOnlyList<int> hidden, int classes, ulong seed = 1)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(hidden);
        var layers = new LayerBuilder(seed);
        ValueId x = layers.Flatten("flatten", layers.Input(input));
        for (int i = 0; i < hidden.Count; i++)
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"dense{i + 1}");
            x = layers.Relu(name + ".relu", layers.Dense(name, x, hidden[i]));
        }

        return layers.Build(layers.Dense("scores", x, classes));
    }

    /// <summary>32C5-MP2-64C5-MP2-512FC with ReLU, images padded so that convolutions keep their size (after LeCun et al., 1998, in the widths of the low-bit literature).</summary>
    /// <param name="input">[C, H, W].</param>
    /// <param name="classes">Outputs.</param>
    /// <param name="seed">Seed of the weights.</param>
    /// <param name="hasBias">Whether layers have biases; WAGE wants none.</param>
    public static Graph LeNet5(Shape input, int classes = 10, ulong seed = 1, bool hasBias = true)
    {
        CheckImage(input);
        var layers = new LayerBuilder(seed);
        ValueId x = layers.Convolution("conv1", layers.Input(input), 32, 5, 1, hasBias);
        x = layers.Pool("pool1", layers.Relu("conv1.relu", x));
        x = layers.Convolution("conv2", x, 64, 5, 1, hasBias);
        x = layers.Pool("pool2", layers.Relu("conv2.relu", x));
        x = layers.Relu("dense1.relu", Dense(layers, "dense1", layers.Flatten("flatten", x), 512, hasBias));
        return layers.Build(Dense(layers, "scores", x, classes, hasBias));
    }

    /// <summary>2×(wC3)-MP2-2×(2wC3)-MP2-2×(4wC3)-MP2 with batch normalization and ReLU, then one dense layer; w = 128 is the network of the low-bit literature.</summary>
    /// <param name="input">[C, H, W], H and W from 8.</param>
    /// <param name="classes">Outputs.</param>
    /// <param name="width">Channels of the first stage.</param>
    /// <param name="seed">Seed of the weights.</param>
    public static Graph VggSmall(Shape input, int classes = 10, int width = 128, ulong seed = 1)
    {
        CheckImage(input);
        var layers = new LayerBuilder(seed);
        ValueId x = layers.Input(input);
        for (int i = 0; i < 2 * StageCount; i++)
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"conv{i + 1}");
            x = layers.NormalizedConvolution(name, x, width << (i / 2), 3);
            x = layers.Relu(name + ".relu", x);
            x = i % 2 == 1 ? layers.Pool(string.Create(CultureInfo.InvariantCulture, $"pool{(i / 2) + 1}"), x) : x;
        }

        return layers.Build(layers.Dense("scores", layers.Flatten("flatten", x), classes));
    }

    /// <summary>
    /// The residual network for small images (He et al., 2016, section 4.2): a 3×3 convolution, three stages of n blocks with w, 2w and 4w channels, mean, dense; depth 6n + 2.
    /// Where a stage begins, the shortcut is a 1×1 convolution with batch normalization.
    /// </summary>
    /// <param name="depth">8, 14, 20, 32, ..: 6n + 2.</param>
    /// <param name="input">[C, H, W].</param>
    /// <param name="classes">Outputs.</param>
    /// <param name="width">Channels of the first stage.</param>
    /// <param name="seed">Seed of the weights.</param>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InvalidOptions"/>: the depth is not 6n + 2.</exception>
    public static Graph ResNet(int depth, Shape input, int classes = 10, int width = 16, ulong seed = 1)
    {
        CheckImage(input);
        if (depth < 8 || (depth - 2) % 6 != 0)
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidOptions, string.Create(CultureInfo.InvariantCulture, $"ResNet depth: expected 6n + 2 (8, 14, 20, 26, 32, ..), found {depth}."));
        }

        var layers = new LayerBuilder(seed);
        ValueId x = layers.Relu("conv1.relu", layers.NormalizedConvolution("conv1", layers.Input(input), width, 3));
        int blocks = (depth - 2) / 6;
        for (int i = 0; i < StageCount * blocks; i++)
        {
            int stage = i / blocks;
            x = Block(layers, string.Create(CultureInfo.InvariantCulture, $"stage{stage + 1}.block{(i % blocks) + 1}"), x, width << stage, stage > 0 && i % blocks == 0 ? 2 : 1);
        }

        return layers.Build(layers.Dense("scores", layers.GlobalAverage("mean", x), classes));
    }

    private static ValueId Dense(LayerBuilder layers, string name, ValueId x, int outputs, bool hasBias) => hasBias ? layers.Dense(name, x, outputs) : layers.PlainDense(name, x, outputs);

    private static ValueId Block(LayerBuilder layers, string name, ValueId x, int channels, int stride)
    {
        ValueId y = layers.Relu(name + ".relu1", layers.NormalizedConvolution(name + ".conv1", x, channels, 3, stride));
        y = layers.NormalizedConvolution(name + ".conv2", y, channels, 3);
        ValueId shortcut = layers.Channels(x) == channels && stride == 1 ? x : layers.NormalizedConvolution(name + ".shortcut", x, channels, 1, stride);
        return layers.Relu(name + ".relu2", layers.Add(name + ".add", y, shortcut));
    }

    internal static void CheckImage(Shape input)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (input.Rank != 3 || input.IsFree)
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidShape, $"Network input: expected channels, height and width, found {input}.");
        }
    }
}
