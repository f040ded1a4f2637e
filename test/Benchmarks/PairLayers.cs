using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using ValueType = Microsoft.ML.Quantization.Graphs.ValueType;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>A layer to be measured with weights and activations of any widths.</summary>
/// <param name="Name">For people.</param>
/// <param name="Channels">Input channels, or inputs of a dense layer.</param>
/// <param name="Outputs">Output channels.</param>
/// <param name="Size">Width and height of the image; 0 for a dense layer.</param>
/// <param name="Kernel">Kernel size.</param>
/// <param name="Groups">Groups.</param>
/// <param name="Batch">Rows.</param>
internal sealed record PairLayer(string Name, int Channels, int Outputs, int Size, int Kernel, int Groups, int Batch)
{
    /// <summary>Multiplications and additions of a run.</summary>
    public double Operations => 2.0 * Batch * Math.Max(Size * Size, 1) * Outputs * (Channels / Groups) * Kernel * Kernel;
}

/// <summary>What the codes of weights of few bits stand for.</summary>
internal enum PairForm
{
    /// <summary>±1 for one bit, two's complement for others.</summary>
    Usual = 0,

    /// <summary>{0, 1, ...}.</summary>
    Unsigned,

    /// <summary>{−1, 0, 1}.</summary>
    Ternary,

    /// <summary>{−3, −1, 1, 3}.</summary>
    MidRise,
}

/// <summary>Integer models of one layer, with another one behind it, so that its results are what a next layer of the same widths reads.</summary>
internal sealed class PairLayers
{
    /// <summary>Name of the node that is measured.</summary>
    public const string Measured = "layer";

    /// <summary>Name of the node that makes the layer's input codes.</summary>
    public const string Before = "enter";

    /// <summary>Name of the node that makes its output codes.</summary>
    public const string Codes = "codes";

    private const int NextOutputs = 16;
    private readonly Dictionary<(PairLayer Layer, int Bits, PairForm Form), Tensor> _weights = [];

    /// <summary>The layers of the table.</summary>
    public static PairLayer[] All { get; } =
    [
        new("3x3, 64 channels, 28x28", 64, 64, 28, 3, 1, 1),
        new("1x1, 256 channels, 28x28", 256, 256, 28, 1, 1, 1),
        new("depthwise 3x3, 256 channels, 28x28", 256, 256, 28, 3, 256, 1),
        new("dense 4096 x 4096, 1 row", 4096, 4096, 0, 1, 1, 1),
        new("dense 1024 x 1024, 64 rows", 1024, 1024, 0, 1, 1, 64),
    ];

    /// <summary>floats → codes → layer → codes → a small layer → floats.</summary>
    public Graph Build(PairLayer layer, int weightBits, int activationBits, PairForm form)
    {
        var builder = new GraphBuilder();
        AffineQuantization codes = Activations(activationBits);
        Shape row = layer.Size == 0 ? Shape.Of(Shape.Free, layer.Channels) : Shape.Of(Shape.Free, layer.Channels, layer.Size, layer.Size);
        ValueId x = builder.Add(new Quantize { Name = Before, Inputs = [builder.AddInput("x", ValueType.Float(row))], Result = codes });
        ValueId y = builder.Add(Layer(builder, layer, Measured, x, weightBits, form));
        y = builder.Add(activationBits == 1
            ? new Thresholds { Name = Codes, Inputs = [y], Integers = [0], Result = codes }
            : new Requantize { Name = Codes, Inputs = [y], Multipliers = [1f / 4096], Offsets = [1], Axis = 1, Minimum = 0, Maximum = codes.Range.Max, Result = codes });
        PairLayer next = layer with { Channels = layer.Outputs, Outputs = NextOutputs, Kernel = 1, Groups = 1 };
        ValueId z = builder.Add(Layer(builder, next, "next", y, weightBits, form));
        builder.AddOutput(builder.Add(new DequantizeAccumulator { Name = "leave", Inputs = [z], Multipliers = [0.001f], Offsets = [0], Axis = 1 }));
        return builder.Build();
    }

    private Node Layer(GraphBuilder builder, PairLayer layer, string name, ValueId x, int bits, PairForm form)
    {
        AffineQuantization quantizer = Weights(bits, form);
        Shape shape = layer.Size == 0 ? Shape.Of(layer.Outputs, layer.Channels) : Shape.Of(layer.Outputs, layer.Channels / layer.Groups, layer.Kernel, layer.Kernel);
        if (!_weights.TryGetValue((layer, bits, form), out Tensor? codes))
        {
            codes = RandomCodes(quantizer, shape);
            _weights.Add((layer, bits, form), codes);
        }

        ValueId w = builder.AddConstant(name + ".weights", codes, quantizer);
        int pad = layer.Kernel / 2;
        return layer.Size == 0
            ? new IntegerDense { Name = name, Inputs = [x, w] }
            : new IntegerConvolution
            {
                Name = name,
                Inputs = [x, w],
                Groups = layer.Groups,
                Window = new Window { Kernel = [layer.Kernel, layer.Kernel], Strides = [1, 1], Dilations = [1, 1], PadsBegin = [pad, pad], PadsEnd = [pad, pad] },
            };
    }

    private static AffineQuantization Activations(int bits)
    {
        var code = new CodeType(new BitWidth(bits), false, bits == 1 ? CodeSpace.MidRise : CodeSpace.Affine);
        return AffineQuantization.PerTensor(code, code.Range, new AffineParameters(0.5f, 0));
    }

    private static AffineQuantization Weights(int bits, PairForm form)
    {
        bool midRise = form == PairForm.MidRise || (form == PairForm.Usual && bits == 1);
        var code = new CodeType(new BitWidth(bits), !midRise && form != PairForm.Unsigned, midRise ? CodeSpace.MidRise : CodeSpace.Affine);
        IntegerRange range = form == PairForm.Ternary ? new IntegerRange(-1, 1) : code.Range;
        return AffineQuantization.PerTensor(code, range, new AffineParameters(0.01f, 0));
    }

    private static Tensor RandomCodes(AffineQuantization quantizer, Shape shape)
    {
        var random = new Random(1);
        IntegerRange range = quantizer.Range;
        return quantizer.Code.Signed
            ? Tensor.Create(shape, [.. Enumerable.Range(0, shape.Count).Select(_ => (sbyte)random.Next(range.Min, range.Max + 1))])
            : Tensor.Create(shape, [.. Enumerable.Range(0, shape.Count).Select(_ => (byte)random.Next(range.Min, range.Max + 1))]);
    }
}
