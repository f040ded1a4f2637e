using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using ValueType = Microsoft.ML.Quantization.Graphs.ValueType;

namespace Microsoft.ML.Quantization.Core.Tests.Execution;

/// <summary>What stands behind the accumulator of a random layer.</summary>
public enum Tail
{
    Codes,
    Stream,
    Float,
    Accumulator,
    Decoded,
}

/// <summary>Random integer layers of every geometry.</summary>
internal sealed class IntegerLayerCases(ulong seed)
{
    private readonly CounterRandom _random = new(seed, 77);
    private long _index;

    /// <summary>Bits of weights that are codes of a codebook; 0 for other weights.</summary>
    public int CodebookBits { get; init; }

    /// <summary>codes [N, C, spatial] → convolution → tail.</summary>
    public Graph Convolution(int rank, Tail tail)
    {
        int groups = Next(0, 3) switch { 0 => 2, 1 => 5, _ => 1 };
        bool depthwise = Next(0, 3) == 0;
        int channels = depthwise ? Next(2, 37) : groups * Next(1, 9);
        groups = depthwise ? channels : groups;
        int outputs = depthwise ? channels : groups * Next(1, 11);
        int[] kernel = [.. Enumerable.Range(0, rank).Select(_ => Next(1, 3))];
        int[] size = [.. Enumerable.Range(0, rank).Select(_ => Next(1, 8))];
        int[] dilation = [.. Enumerable.Range(0, rank).Select(_ => Next(1, 2))];
        int[] before = [.. kernel.Select((k, i) => Next(0, (k - 1) * dilation[i]))];
        int[] after = [.. kernel.Select((k, i) => System.Math.Max(Next(0, k), ((k - 1) * dilation[i]) + 1 - size[i] - before[i]))];
        var window = new Window { Kernel = [.. kernel], Strides = [.. kernel.Select(_ => Next(1, 2))], Dilations = [.. dilation], PadsBegin = [.. before], PadsEnd = [.. after] };
        return Layer(new Shape([Shape.Free, channels, .. size]), new Shape([outputs, channels / groups, .. kernel]), tail, 1, (x, w, b) => new IntegerConvolution { Name = "layer", Window = window, Groups = groups, Inputs = [x, w, b] });
    }

    /// <summary>A map of more pixels than steps take at a time, 3 × 3 taps, padding all around.</summary>
    public Graph Map(int channels, int outputs, int height, int width, Tail tail)
    {
        var window = new Window { Kernel = [3, 3], Strides = [1, 1], Dilations = [1, 1], PadsBegin = [1, 1], PadsEnd = [1, 1] };
        return Layer(Shape.Of(Shape.Free, channels, height, width), Shape.Of(outputs, channels, 3, 3), tail, 1, (x, w, b) => new IntegerConvolution { Name = "layer", Window = window, Inputs = [x, w, b] });
    }

    /// <summary>codes [N, K] or [N, T, K] → dense → tail.</summary>
    public Graph Dense(Tail tail)
    {
        int inputs = Next(1, 300);
        Shape shape = Next(0, 2) == 0 ? Shape.Of(Shape.Free, Next(1, 5), inputs) : Shape.Of(Shape.Free, inputs);
        return Layer(shape, Shape.Of(Next(1, 70), inputs), tail, shape.Rank - 1, (x, w, b) => new IntegerDense { Name = "layer", Inputs = [x, w, b] });
    }

    private Graph Layer(Shape input, Shape weights, Tail tail, int axis, System.Func<ValueId, ValueId, ValueId, Node> node)
    {
        var builder = new GraphBuilder();
        int bits = Next(1, 3) == 1 ? Next(1, 7) : 8;
        AffineQuantization codes = bits < 8 && Next(0, 1) == 0
            ? HandmadeGraphs.MidRise(bits, 0.1f)
            : HandmadeGraphs.Activations(bits, 0.1f, Next(0, (1 << bits) - 1));
        ValueId x = builder.AddInput("x", ValueType.Codes(codes, input));
        AffineQuantization weightCodes = WeightCodes(weights[0]);
        ValueId w = builder.AddConstant("w", RandomTensors.Codes(weightCodes, weights, (ulong)Next(1, 99)), weightCodes);
        ValueId b = builder.AddConstant("b", RandomTensors.Integers(Shape.Of(weights[0]), (ulong)Next(1, 99), -3000, 3000));
        ValueId accumulator = builder.Add(node(x, w, b));
        ValueId output = AddTail(builder, accumulator, tail, axis, weights);
        builder.AddOutput(output);
        return builder.Build();
    }

    private ValueId AddTail(GraphBuilder builder, ValueId accumulator, Tail tail, int axis, Shape weights)
    {
        int count = Next(0, 1) == 0 ? 1 : weights[0];
        float scale = 100f / (16 * 128 * weights.CountOf(1, weights.Rank));
        ImmutableArray<float> multipliers = [.. Enumerable.Range(0, count).Select(i => scale * (1 + (_random.Uniform(i) * 7)))];
        ImmutableArray<float> offsets = [.. Enumerable.Range(0, count).Select(i => _random.Uniform(i + 1000) - 0.5f)];
        AffineQuantization bytes = HandmadeGraphs.Activations(8, 0.1f, Next(0, 255));
        var wide = new CodeType(new BitWidth(16), true);
        AffineQuantization stream = AffineQuantization.PerTensor(wide, wide.Range, new AffineParameters(0.01f, 0));
        return tail switch
        {
            Tail.Codes => builder.Add(new Requantize { Inputs = [accumulator], Multipliers = multipliers, Offsets = offsets, Axis = axis, Minimum = Next(0, 40), Maximum = Next(200, 255), Result = bytes }),
            Tail.Stream => builder.Add(new Requantize { Inputs = [accumulator], Multipliers = multipliers, Offsets = offsets, Axis = axis, Minimum = -30000, Maximum = 32767, Result = stream }),
            Tail.Float => builder.Add(new DequantizeAccumulator { Inputs = [accumulator], Multipliers = multipliers, Offsets = offsets, Axis = axis, Activation = Next(0, 1) == 0 ? Activation.Relu : Activation.None }),
            Tail.Decoded => builder.Add(new Dequantize { Inputs = [AddTail(builder, accumulator, Tail.Codes, axis, weights)] }),
            _ => accumulator,
        };
    }

    private AffineQuantization WeightCodes(int rows)
    {
        if (CodebookBits > 0)
        {
            int most = 1 << CodebookBits;
            return HandmadeGraphs.Codebook(CodebookBits, Next(0, 1) == 0 ? most : Next((most / 2) + 1, most), rows, Next(0, 2) switch { 0 => 0, 1 => 1, _ => Next(2, 40) }, (ulong)Next(1, 99));
        }

        bool unsigned = Next(0, 3) == 0;
        bool midRise = Next(0, 2) == 0;
        CodeType code = midRise ? HandmadeGraphs.MidRise(Next(1, 7), 1).Code : new CodeType(new BitWidth(Next(1, 8)), !unsigned);
        bool perRow = Next(0, 1) == 0;
        int groups = perRow ? rows : 1;
        return new AffineQuantization
        {
            Code = code,
            Range = code.Range,
            Granularity = perRow ? Granularity.PerAxis : Granularity.PerTensor,
            Axis = 0,
            Scales = [.. Enumerable.Repeat(0.01f, groups)],
            ZeroPoints = [.. Enumerable.Range(0, groups).Select(_ => unsigned && !midRise ? Next(code.Range.Min, code.Range.Max) : 0)],
        };
    }

    private int Next(int minimum, int maximum) => _random.Integer(_index++, minimum, maximum);
}
