using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using ValueType = Microsoft.ML.Quantization.Graphs.ValueType;

namespace Microsoft.ML.Quantization.Core.Tests.Evaluation;

/// <summary>A graph of one node with its input tensors.</summary>
internal sealed class NodeCase(Dice dice)
{
    private readonly GraphBuilder _builder = new();
    private readonly List<Tensor> _inputs = [];

    public Dice Dice => dice;

    public IReadOnlyList<Tensor> Inputs => _inputs;

    public Graph Graph { get; private set; } = null!;

    public ValueId Input(Tensor tensor, AffineQuantization? quantization = null)
    {
        _inputs.Add(tensor);
        return _builder.AddInput($"input{_inputs.Count}", new ValueType(tensor.Type, tensor.Shape, quantization));
    }

    public ValueId Constant(Tensor tensor, AffineQuantization? quantization = null) => _builder.AddConstant("constant", tensor, quantization);

    public ValueId Floats(params ImmutableArray<int> shape) => Input(RandomTensors.Floats(new Shape(shape), dice.Seed()));

    public ValueId OddFloats(params ImmutableArray<int> shape) => Input(RandomTensors.OddFloats(new Shape(shape), dice.Seed()));

    public ValueId FloatConstant(params ImmutableArray<int> shape) => Constant(RandomTensors.Floats(new Shape(shape), dice.Seed()));

    public ValueId Codes(AffineQuantization quantizer, params ImmutableArray<int> shape)
        => Input(RandomTensors.Codes(quantizer, new Shape(shape), dice.Seed()), quantizer);

    public ValueId CodeConstant(AffineQuantization quantizer, params ImmutableArray<int> shape)
        => Constant(RandomTensors.Codes(quantizer, new Shape(shape), dice.Seed()), quantizer);

    /// <summary>A per-tensor quantizer of 2 to 8 bits, signed or not, sometimes narrow; or of 16 bits.</summary>
    public AffineQuantization Quantizer(bool residual = false)
    {
        int bits = residual && dice.Chance(3) ? 16 : dice.Next(2, 8);
        var code = new CodeType(new BitWidth(bits), bits == 16 || dice.Chance(2));
        IntegerRange range = code.Signed && dice.Chance(2) ? IntegerRange.SignedNarrow(bits) : code.Range;
        return AffineQuantization.PerTensor(code, range, new AffineParameters(dice.Float(0.01f, 0.2f), dice.Next(range.Min, range.Max)));
    }

    /// <summary>The quantizer of an operand: as <see cref="Quantizer"/>, one time in three mid-rise of 1 to 7 bits.</summary>
    public AffineQuantization Operand(bool residual = false)
    {
        if (!dice.Chance(3))
        {
            return Quantizer(residual);
        }

        var code = new CodeType(new BitWidth(dice.Next(1, 7)), Signed: false, CodeSpace.MidRise);
        return AffineQuantization.PerTensor(code, code.Range, new AffineParameters(dice.Float(0.01f, 0.2f), 0));
    }

    /// <summary>A quantizer with one group an index of an axis.</summary>
    public AffineQuantization PerAxis(int axis, int count)
    {
        AffineQuantization one = Operand();
        return one with
        {
            Granularity = Granularity.PerAxis,
            Axis = axis,
            Scales = [.. Enumerable.Range(0, count).Select(_ => dice.Float(0.01f, 0.2f))],
            ZeroPoints = one.IsMidRise ? [.. Enumerable.Repeat(0, count)] : dice.Many(count, one.Range.Min, one.Range.Max),
        };
    }

    /// <summary>A window of random numbers and a spatial size that it fits into.</summary>
    public (Window Window, ImmutableArray<int> Size) Window(int rank)
    {
        ImmutableArray<int> kernel = dice.Many(rank, 1, rank == 3 ? 2 : 4);
        ImmutableArray<int> dilations = dice.Many(rank, 1, 2);
        var window = new Window
        {
            Kernel = kernel,
            Strides = dice.Many(rank, 1, 3),
            Dilations = dilations,
            PadsBegin = [.. kernel.Select(k => dice.Next(0, k))],
            PadsEnd = [.. kernel.Select(k => dice.Next(0, k))],
        };
        int most = rank == 3 ? 3 : 7;
        return (window, [.. Enumerable.Range(0, rank).Select(i => ((kernel[i] - 1) * dilations[i]) + dice.Next(1, most))]);
    }

    public Activation Activation() => dice.Next(0, 3) switch
    {
        0 => Quantization.Graphs.Nodes.Activation.Relu,
        1 => new Activation(-0.5f, 1.5f),
        _ => Quantization.Graphs.Nodes.Activation.None,
    };

    /// <summary>Finishes the case.</summary>
    public NodeCase Build(Node node)
    {
        foreach (ValueId output in _builder.AddAll(node))
        {
            _builder.AddOutput(output);
        }

        Graph = _builder.Build();
        return this;
    }
}
