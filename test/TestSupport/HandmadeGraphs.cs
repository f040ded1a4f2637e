using System;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Serialization;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.TestSupport;

/// <summary>Small integer graphs written by hand, so that tests of the engine and the file need no other stage.</summary>
public static class HandmadeGraphs
{
    /// <summary>float [N,2,5,5] → quantize u8 → convolution 3x3 with weights of the given width → requantize u8 → max pool → flatten → dense → float [N,3].</summary>
    public static Graph IntegerNet(int weightBits = 8, int activationBits = 8)
    {
        var random = new CounterRandom(17, (ulong)weightBits, (ulong)activationBits);
        AffineQuantization input = Activations(activationBits, 0.03f, 1 << (activationBits - 1));
        AffineQuantization hidden = Activations(activationBits, 0.05f, 0);
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", Graphs.ValueType.Float(Shape.Of(Shape.Free, 2, 5, 5)));
        ValueId q = builder.Add(new Quantize { Name = "enter", Inputs = [x], Result = input });
        ValueId w = Weights(builder, "w1", Shape.Of(4, 2, 3, 3), weightBits, random);
        ValueId b = builder.AddConstant("b1", Tensor.Create(Shape.Of(4), [5, -7, 0, 100]));
        ValueId acc = builder.Add(new IntegerConvolution { Name = "conv", Inputs = [q, w, b], Window = Square(3, 1, 1) });
        ValueId y = builder.Add(new Requantize
        {
            Name = "conv.codes",
            Inputs = [acc],
            Multipliers = [0.01f, 0.02f, 0.015f, 0.01f],
            Offsets = [0, 0.5f, 0, -0.25f],
            Minimum = hidden.Range.Min,
            Maximum = hidden.Range.Max,
            Result = hidden,
        });
        ValueId p = builder.Add(new MaxPool { Name = "pool", Inputs = [y], Window = Square(2, 2, 0) });
        ValueId f = builder.Add(new Reshape { Name = "flatten", Inputs = [p], Target = [0, -1] });
        ValueId w2 = Weights(builder, "w2", Shape.Of(3, 16), weightBits, random);
        ValueId acc2 = builder.Add(new IntegerDense { Name = "dense", Inputs = [f, w2] });
        ValueId output = builder.Add(new DequantizeAccumulator { Name = "leave", Inputs = [acc2], Multipliers = [0.001f], Offsets = [0], Axis = 1 }, "y");
        builder.AddOutput(output);
        return builder.Build();
    }

    /// <summary>
    /// What version 1.1 of the file added: float [N,3,6,6] → thresholds (floats) → convolution of one-bit weights → thresholds (accumulators, falling channels too) → two dense layers whose sum
    /// is a float → staircase → float [N,3].
    /// </summary>
    public static Graph LowBitNet()
    {
        AffineQuantization sign = MidRise(1, 0.5f);
        AffineQuantization two = MidRise(2, 0.25f);
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", Graphs.ValueType.Float(Shape.Of(Shape.Free, 3, 6, 6)));
        ValueId enter = builder.Add(new Thresholds { Name = "enter", Inputs = [x], Reals = [-1, 0, 1], Result = two });
        ValueId w = builder.AddConstant("w1", RandomTensors.Codes(sign, Shape.Of(5, 3, 3, 3), 21), sign);
        ValueId acc = builder.Add(new IntegerConvolution { Name = "conv", Inputs = [enter, w], Window = Square(3, 2, 1) });
        ValueId y = builder.Add(new Thresholds { Name = "conv.thresholds", Inputs = [acc], Integers = [3, -2, int.MinValue, 7, 0], Directions = [1, -1, 1, -1, 1], Result = sign });
        ValueId flat = builder.Add(new Reshape { Name = "flatten", Inputs = [y], Target = [0, -1] });
        ValueId[] dense = [.. new[] { sign, two }.Select((q, i) => builder.Add(new IntegerDense { Name = "dense", Inputs = [flat, builder.AddConstant("v", RandomTensors.Codes(q, Shape.Of(3, 45), 22), q)] }))];
        ValueId sum = builder.Add(new CombineAccumulators { Name = "sum", Inputs = [.. dense], Multipliers = [0.25f, 0.5f, 0.125f, 0.1f, 0.2f, 0.3f], Offsets = [1, 0, -1], Activation = Activation.Relu });
        ValueId t = builder.AddConstant("t", Tensor.Create(Shape.Of(3), [0.5f, 1f, 4f]));
        ValueId l = builder.AddConstant("l", Tensor.Create(Shape.Of(4), [0f, 0.7f, 1.9f, 6f]));
        builder.AddOutput(builder.Add(new Staircase { Name = "levels", Inputs = [sum, t, l] }, "y"));
        return builder.Build();
    }

    /// <summary>
    /// What version 1.2 of the file added: float [N,3,6,6] → quantize u8 → convolution, its weights a codebook of 11 integers for each two channels → requantize u8 → flatten → dense, one
    /// codebook of 4 integers → float → dense, its weights codes of 5 floats each channel → float [N,2].
    /// </summary>
    public static Graph CodebookNet()
    {
        AffineQuantization bytes = Activations(8, 0.05f, 7);
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", Graphs.ValueType.Float(Shape.Of(Shape.Free, 3, 6, 6)));
        ValueId enter = builder.Add(new Quantize { Name = "enter", Inputs = [x], Result = bytes });
        AffineQuantization eleven = Codebook(4, 11, 5, 2, 31);
        ValueId w = builder.AddConstant("w1", RandomTensors.Codes(eleven, Shape.Of(5, 3, 3, 3), 21), eleven);
        ValueId acc = builder.Add(new IntegerConvolution { Name = "conv", Inputs = [enter, w], Window = Square(3, 2, 1) });
        ValueId y = builder.Add(new Requantize { Name = "conv.codes", Inputs = [acc], Multipliers = [0.001f], Offsets = [3], Axis = 1, Minimum = 0, Maximum = 255, Result = bytes });
        ValueId flat = builder.Add(new Reshape { Name = "flatten", Inputs = [y], Target = [0, -1] });
        AffineQuantization four = Codebook(2, 4, 3, 0, 32);
        ValueId v = builder.AddConstant("w2", RandomTensors.Codes(four, Shape.Of(3, 45), 22), four);
        ValueId hidden = builder.Add(new DequantizeAccumulator { Name = "leave", Inputs = [builder.Add(new IntegerDense { Name = "dense", Inputs = [flat, v] })], Multipliers = [0.001f], Offsets = [0], Axis = 1 });
        AffineQuantization five = Codebook(3, 5, 2, 1, 33, reals: true);
        ValueId u = builder.AddConstant("w3", RandomTensors.Codes(five, Shape.Of(2, 3), 23), five);
        ValueId decoded = builder.Add(new Dequantize { Name = "decode", Inputs = [u] });
        builder.AddOutput(builder.Add(new Dense { Name = "floats", Inputs = [hidden, decoded] }, "y"));
        return builder.Build();
    }

    /// <summary>A random codebook for weights [channels, ..] with one scale a channel.</summary>
    public static AffineQuantization Codebook(int bits, int entries, int channels, int channelsPerBook, ulong seed, bool reals = false)
    {
        var random = new CounterRandom(seed, 19);
        int books = channelsPerBook == 0 ? 1 : (channels + channelsPerBook - 1) / channelsPerBook;
        int[][] levels = [.. Enumerable.Range(0, books).Select(b => Enumerable.Range(0, entries).Select(i => random.Integer((b * 256) + i, -128, 127)).Order().ToArray())];
        return new AffineQuantization
        {
            Code = new CodeType(new BitWidth(bits), false, CodeSpace.Codebook),
            Range = new IntegerRange(0, entries - 1),
            Granularity = Granularity.PerAxis,
            Axis = 0,
            Scales = [.. Enumerable.Range(1, channels).Select(i => 0.01f * i)],
            ZeroPoints = [.. Enumerable.Repeat(0, channels)],
            Codebook = new Codebook
            {
                Entries = entries,
                ChannelsPerBook = channelsPerBook,
                Integers = reals ? [] : [.. levels.SelectMany(l => l).Select(l => (sbyte)l)],
                Reals = reals ? [.. levels.SelectMany(l => l).Select(l => l / 3f)] : [],
            },
        };
    }

    /// <summary>The document of a graph with plain signature and some metadata.</summary>
    public static ModelDocument Document(Graph graph) => new(graph, ModelSignature.Of(graph), new ModelMetadata
    {
        Producer = "test",
        ClassNames = ["a", "b", "ç"],
        FloatLayers = ["one"],
        Facts = ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal).Add("scheme", "w4a8").Add("source", "hand"),
        ReferenceRuns = [new ReferenceRun(2, 3, "00", "11")],
    });

    /// <summary>A square window over two axes.</summary>
    public static Window Square(int kernel, int stride, int pad) => new()
    {
        Kernel = [kernel, kernel],
        Strides = [stride, stride],
        Dilations = [1, 1],
        PadsBegin = [pad, pad],
        PadsEnd = [pad, pad],
    };

    /// <summary>Unsigned per-tensor activations.</summary>
    public static AffineQuantization Activations(int bits, float scale, int zeroPoint)
    {
        var code = new CodeType(new BitWidth(bits), false);
        return AffineQuantization.PerTensor(code, code.Range, new AffineParameters(scale, zeroPoint));
    }

    /// <summary>Mid-rise per-tensor codes.</summary>
    public static AffineQuantization MidRise(int bits, float scale)
    {
        var code = new CodeType(new BitWidth(bits), false, CodeSpace.MidRise);
        return AffineQuantization.PerTensor(code, code.Range, new AffineParameters(scale, 0));
    }

    /// <summary>Random symmetric weights, one scale an output channel.</summary>
    public static ValueId Weights(GraphBuilder builder, string name, Shape shape, int bits, CounterRandom random)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(shape);
        IntegerRange range = IntegerRange.SignedNarrow(bits);
        sbyte[] codes = [.. Enumerable.Range(0, shape.Count).Select(i => (sbyte)random.Integer((shape.Rank * 10007) + i, range.Min, range.Max))];
        var quantization = new AffineQuantization
        {
            Code = new CodeType(new BitWidth(bits), true),
            Range = range,
            Granularity = Granularity.PerAxis,
            Axis = 0,
            Scales = [.. Enumerable.Range(1, shape[0]).Select(i => 0.01f * i)],
            ZeroPoints = [.. Enumerable.Repeat(0, shape[0])],
        };
        return builder.AddConstant(name, Tensor.Create(shape, codes), quantization);
    }
}
