using System.Globalization;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Networks;

/// <summary>
/// Networks in the sizes for large images, trainable, seeded like <see cref="SmallNetworks"/>: convolutions without bias in front of batch normalizations, one logit a class [N, classes]. A binary
/// form puts every 3×3 convolution behind the sign of a batch normalization; its shortcuts are called <see cref="BinaryNetworks.RealLayers"/>.
/// </summary>
public static class ImageNetworks
{
    private const int Stages = 4;

    private static readonly int[] _blocks34And50 = [3, 4, 6, 3];

    private static readonly (bool Doubles, int Stride)[] _reActBlocks =
        [(true, 1), (true, 2), (false, 1), (true, 2), (false, 1), (true, 2), (false, 1), (false, 1), (false, 1), (false, 1), (false, 1), (true, 2), (false, 1)];

    /// <summary>ResNet-18 (He et al., 2016, table 1): 7×7 stem, four stages of two blocks of two 3×3 convolutions.</summary>
    /// <param name="input">[C, H, W], H and W from 32; 3, 224, 224 in the paper.</param>
    /// <param name="classes">Outputs.</param>
    /// <param name="seed">Seed of the weights.</param>
    public static Graph ResNet18(Shape input, int classes = 1000, ulong seed = 1)
    {
        var layers = new LayerBuilder(seed);
        ValueId x = Stem(layers, input);
        for (int i = 0; i < 2 * Stages; i++)
        {
            (int stage, int stride, string name) = Place(i / 2, i % 2);
            ValueId y = layers.Relu(name + ".relu1", layers.NormalizedConvolution(name + ".conv1", x, 64 << stage, 3, stride));
            y = layers.NormalizedConvolution(name + ".conv2", y, 64 << stage, 3);
            x = layers.Relu(name + ".relu2", layers.Add(name + ".add", y, Way(layers, name, x, 64 << stage, stride)));
        }

        return Head(layers, x, classes);
    }

    /// <summary>ResNet-50 (He et al., 2016, table 1): four stages of 3, 4, 6 and 3 bottlenecks 1×1, 3×3 (which has the stride), 1×1.</summary>
    /// <param name="input">[C, H, W], H and W from 32.</param>
    /// <param name="classes">Outputs.</param>
    /// <param name="seed">Seed of the weights.</param>
    public static Graph ResNet50(Shape input, int classes = 1000, ulong seed = 1)
    {
        var layers = new LayerBuilder(seed);
        ValueId x = Stem(layers, input);
        for (int stage = 0; stage < Stages; stage++)
        {
            for (int block = 0; block < _blocks34And50[stage]; block++)
            {
                (_, int stride, string name) = Place(stage, block);
                ValueId y = layers.Relu(name + ".relu1", layers.NormalizedConvolution(name + ".conv1", x, 64 << stage, 1));
                y = layers.Relu(name + ".relu2", layers.NormalizedConvolution(name + ".conv2", y, 64 << stage, 3, stride));
                y = layers.NormalizedConvolution(name + ".conv3", y, 256 << stage, 1);
                x = layers.Relu(name + ".relu3", layers.Add(name + ".add", y, Way(layers, name, x, 256 << stage, stride)));
            }
        }

        return Head(layers, x, classes);
    }

    /// <summary>AlexNet in one column (Krizhevsky, 2014): 64C11/4-MP3/2-192C5-MP3/2-384C3-256C3-256C3-MP3/2-4096-4096-classes, with biases and without batch normalization.</summary>
    /// <param name="input">[C, H, W], H and W from 63; 3, 224, 224 in the paper.</param>
    /// <param name="classes">Outputs.</param>
    /// <param name="hidden">Width of both hidden dense layers.</param>
    /// <param name="seed">Seed of the weights.</param>
    public static Graph AlexNet(Shape input, int classes = 1000, int hidden = 4096, ulong seed = 1)
    {
        SmallNetworks.CheckImage(input);
        var layers = new LayerBuilder(seed);
        ValueId x = layers.Relu("relu1", layers.Convolution("conv1", layers.Input(input), 64, 11, 4, hasBias: true));
        x = layers.Pool("pool1", x, 3, 2, 0);
        x = layers.Pool("pool2", layers.Relu("relu2", layers.Convolution("conv2", x, 192, 5, 1, hasBias: true)), 3, 2, 0);
        x = layers.Relu("relu3", layers.Convolution("conv3", x, 384, 3, 1, hasBias: true));
        x = layers.Relu("relu4", layers.Convolution("conv4", x, 256, 3, 1, hasBias: true));
        x = layers.Pool("pool5", layers.Relu("relu5", layers.Convolution("conv5", x, 256, 3, 1, hasBias: true)), 3, 2, 0);
        x = layers.Relu("relu6", layers.Dense("dense6", layers.Flatten("flatten", x), hidden));
        x = layers.Relu("relu7", layers.Dense("dense7", x, hidden));
        return layers.Build(layers.Dense("scores", x, classes));
    }

    /// <summary>
    /// ResNet-18 for binary 3×3 convolutions: each has its own real shortcut, x + BN(conv(x)) (Bi-Real Net, Liu et al., 2018); where a stage begins, the shortcut is a 2×2 mean, a 1×1
    /// convolution and batch normalization, and a second batch normalization stands behind the stem's pool, so that signs of both kinds come into the first stage (ResNetE, Bethge et al., 2019).
    /// </summary>
    /// <param name="input">[C, H, W], H and W from 32.</param>
    /// <param name="classes">Outputs.</param>
    /// <param name="seed">Seed of the weights.</param>
    public static Graph BinaryResNet18(Shape input, int classes = 1000, ulong seed = 1) => BinaryResNet(input, [2, 2, 2, 2], classes, seed);

    /// <summary>ResNet-34 in the form of <see cref="BinaryResNet18"/>: stages of 6, 8, 12 and 6 binary 3×3 convolutions, two for each block of He et al.</summary>
    /// <param name="input">[C, H, W], H and W from 32.</param>
    /// <param name="classes">Outputs.</param>
    /// <param name="seed">Seed of the weights.</param>
    public static Graph BinaryResNet34(Shape input, int classes = 1000, ulong seed = 1) => BinaryResNet(input, _blocks34And50, classes, seed);

    /// <summary>
    /// ReActNet-A (Liu et al., 2020, figure 5): MobileNet's thirteen blocks with every convolution binary but the stem. A block is x ← f(BN(conv3×3(x − τ)) + x), where its stride is 2 with a 2×2 mean as
    /// shortcut, and x ← f(BN(conv1×1(x − τ)) + x); where channels double, the second part is there twice, with weights of its own, over the same x, its results side by side. τ and the shifted PReLU f are
    /// learned, one number a channel; a scheme adds no others. No shortcut has weights.
    /// </summary>
    /// <param name="input">[C, H, W], H and W from 32; 3, 224, 224 in the paper.</param>
    /// <param name="classes">Outputs.</param>
    /// <param name="width">Channels of the stem; 32 in the paper. The last block has 32 times as many.</param>
    /// <param name="seed">Seed of the weights.</param>
    public static Graph ReActNet(Shape input, int classes = 1000, int width = 32, ulong seed = 1)
    {
        SmallNetworks.CheckImage(input);
        var layers = new LayerBuilder(seed);
        ValueId x = layers.NormalizedConvolution("conv1", layers.Input(input), width, 3, 2);
        for (int i = 0; i < _reActBlocks.Length; i++)
        {
            (bool doubles, int stride) = _reActBlocks[i];
            x = ReActBlock(layers, string.Create(CultureInfo.InvariantCulture, $"block{i + 1}"), x, doubles, stride);
        }

        return Head(layers, x, classes);
    }

    private static ValueId ReActBlock(LayerBuilder layers, string name, ValueId x, bool doubles, int stride)
    {
        string place = name + ".conv3x3";
        ValueId y = layers.NormalizedConvolution(place, LearnedShifts.Shift(layers.Graph, place, x), layers.Channels(x), 3, stride);
        ValueId way = stride == 1 ? x : layers.AveragePool(place + ".mean", x);
        x = layers.Graph.Add(LearnedShifts.Bend(layers.Graph, place, layers.Add(place + ".add", y, way)));
        string point = name + ".conv1x1";
        ValueId moved = LearnedShifts.Shift(layers.Graph, point, x);
        y = Point(layers, point, moved, x);
        y = doubles ? layers.Concat(point + ".concat", y, Point(layers, point + ".second", moved, x)) : y;
        return layers.Graph.Add(LearnedShifts.Bend(layers.Graph, point, y));
    }

    private static ValueId Point(LayerBuilder layers, string name, ValueId moved, ValueId x) => layers.Add(name + ".add", layers.NormalizedConvolution(name, moved, layers.Channels(x), 1), x);

    private static Graph BinaryResNet(Shape input, int[] blocks, int classes, ulong seed)
    {
        var layers = new LayerBuilder(seed);
        ValueId x = layers.Normalize("pool1.bn", Stem(layers, input));
        foreach ((int stage, int convolution) in blocks.SelectMany((count, stage) => Enumerable.Range(0, 2 * count).Select(c => (stage, c))))
        {
            (_, int stride, string name) = Place(stage, convolution);
            ValueId y = layers.NormalizedConvolution(name + ".conv", x, 64 << stage, 3, stride);
            ValueId way = stride == 1 ? x : layers.NormalizedConvolution(name + ".shortcut", layers.AveragePool(name + ".mean", x), 64 << stage, 1);
            x = layers.Add(name + ".add", y, way);
        }

        return Head(layers, layers.Relu("relu", x), classes);
    }

    private static ValueId Stem(LayerBuilder layers, Shape input)
    {
        SmallNetworks.CheckImage(input);
        ValueId x = layers.Relu("relu1", layers.NormalizedConvolution("conv1", layers.Input(input), 64, 7, 2));
        return layers.Pool("pool1", x, 3, 2, 1);
    }

    private static Graph Head(LayerBuilder layers, ValueId x, int classes) => layers.Build(layers.Dense("scores", layers.GlobalAverage("mean", x), classes));

    private static (int Stage, int Stride, string Name) Place(int stage, int block)
        => (stage, stage > 0 && block == 0 ? 2 : 1, string.Create(CultureInfo.InvariantCulture, $"stage{stage + 1}.block{block + 1}"));

    private static ValueId Way(LayerBuilder layers, string name, ValueId x, int channels, int stride)
        => layers.Channels(x) == channels ? x : layers.NormalizedConvolution(name + ".shortcut", x, channels, 1, stride);
}
