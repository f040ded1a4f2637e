using System;
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

/// <summary>What stands behind the accumulator of a random layer of few bits.</summary>
public enum PlaneTail
{
    Thresholds,
    FewCodes,
    Codes,
    Stream,
    Float,
    Twice,
}

/// <summary>Random layers whose inputs and weights have 1 or 2 bits: floats → quantize → layer → tail (→ another layer, where the tail gives few bits).</summary>
internal sealed class PlaneLayerCases(ulong seed)
{
    private readonly CounterRandom _random = new(seed, 78);
    private readonly GraphBuilder _builder = new();
    private long _index;

    public Graph Convolution(PlaneTail tail)
    {
        (int groups, int channels) = Next(0, 2) == 0 ? (2, 64) : (1, Next(0, 3) == 0 ? 32 * Next(1, 2) : Next(1, 70));
        int outputs = groups * Next(1, 40);
        int kernel = Next(1, 3);
        int pad = Next(0, kernel - 1);
        var window = new Window { Kernel = [kernel, kernel], Strides = [Next(1, 2), 1], Dilations = [1, Next(1, 2)], PadsBegin = [pad, 0], PadsEnd = [0, pad] };
        ValueId x = Input(channels, Next(4, 8), Next(5, 8));
        ValueId layer = _builder.Add(new IntegerConvolution { Name = "layer", Window = window, Groups = groups, Inputs = [x, Weights(outputs, channels / groups, kernel, kernel), Bias(outputs)] });
        return Finish(layer, outputs, tail, (id, c) => _builder.Add(new IntegerConvolution { Name = "next", Window = HandmadeGraphs.Square(1, 1, 0), Inputs = [id, Weights(5, c, 1, 1)] }));
    }

    public Graph Dense(PlaneTail tail)
    {
        int inputs = Next(1, 300);
        int outputs = Next(1, 70);
        bool flatten = Next(0, 1) == 0;
        ValueId x = flatten ? Input(inputs = Next(1, 70), 2, 3) : Input(inputs);
        x = flatten ? _builder.Add(new Reshape { Name = "flat", Inputs = [_builder.Add(new MaxPool { Inputs = [x], Window = HandmadeGraphs.Square(1, 1, 0) })], Target = [0, -1] }) : x;
        ValueId layer = _builder.Add(new IntegerDense { Name = "layer", Inputs = [x, Weights(outputs, flatten ? inputs * 6 : inputs), Bias(outputs)] });
        return Finish(layer, outputs, tail, (id, c) => _builder.Add(new IntegerDense { Name = "next", Inputs = [id, Weights(5, c)] }));
    }

    private Graph Finish(ValueId layer, int outputs, PlaneTail tail, Func<ValueId, int, ValueId> next)
    {
        ValueId result = Tail(layer, outputs, tail);
        _builder.AddOutput(tail is PlaneTail.Thresholds or PlaneTail.FewCodes or PlaneTail.Twice ? next(result, outputs) : result);
        if (tail == PlaneTail.Twice)
        {
            _builder.AddOutput(layer);
            _builder.AddOutput(result);
        }

        return _builder.Build();
    }

    private ValueId Tail(ValueId layer, int outputs, PlaneTail tail)
    {
        int count = Next(0, 1) == 0 ? 1 : outputs;
        ImmutableArray<float> multipliers = [.. Enumerable.Range(0, count).Select(_ => (Next(0, 200) - 60) / 700f)];
        ImmutableArray<float> offsets = [.. Enumerable.Range(0, count).Select(_ => Next(-20, 40) / 10f)];
        AffineQuantization few = HandmadeGraphs.Activations(Next(1, 2), 0.1f, Next(0, 1));
        AffineQuantization bytes = HandmadeGraphs.Activations(8, 0.1f, Next(0, 255));
        var wide = new CodeType(new BitWidth(16), true);
        AffineQuantization stream = AffineQuantization.PerTensor(wide, wide.Range, new AffineParameters(0.01f, 0));
        Requantize To(AffineQuantization result) => new() { Inputs = [layer], Multipliers = multipliers, Offsets = offsets, Axis = 1, Minimum = result.Range.Min, Maximum = result.Range.Max, Result = result };
        return tail switch
        {
            PlaneTail.FewCodes => _builder.Add(To(few) with { Minimum = Next(0, 1) == 0 ? few.Range.Max : 0 }),
            PlaneTail.Codes => _builder.Add(To(bytes)),
            PlaneTail.Stream => _builder.Add(To(stream)),
            PlaneTail.Float => _builder.Add(new DequantizeAccumulator { Inputs = [layer], Multipliers = multipliers, Offsets = offsets, Axis = 1, Activation = Activation.Relu }),
            _ => _builder.Add(Thresholds(layer, outputs)),
        };
    }

    private Thresholds Thresholds(ValueId layer, int outputs)
    {
        AffineQuantization result = Codes();
        int rows = Next(0, 1) == 0 ? 1 : outputs;
        return new Thresholds
        {
            Inputs = [layer],
            Integers = [.. Enumerable.Range(0, rows * result.Range.Max).Select(_ => Next(0, 9) == 0 ? int.MaxValue : Next(-30, 30))],
            Directions = Next(0, 1) == 0 ? [1] : [.. Enumerable.Range(0, outputs).Select(_ => Next(0, 2) == 0 ? -1 : 1)],
            Result = result,
        };
    }

    private ValueId Input(params int[] row)
    {
        ValueId x = _builder.AddInput("x", ValueType.Float(new Shape([Shape.Free, .. row])));
        return _builder.Add(new Quantize { Name = "enter", Inputs = [x], Result = Codes() });
    }

    private AffineQuantization Codes()
    {
        int bits = Next(1, 2);
        return Next(0, 1) == 0 ? HandmadeGraphs.MidRise(bits, 0.7f) : HandmadeGraphs.Activations(bits, 0.7f, Next(0, (1 << bits) - 1));
    }

    private ValueId Weights(params int[] shape)
    {
        int kind = Next(0, 3);
        CodeType code = kind switch
        {
            0 => HandmadeGraphs.MidRise(1, 1).Code,
            1 => HandmadeGraphs.MidRise(2, 1).Code,
            2 => new CodeType(new BitWidth(2), true),
            _ => new CodeType(new BitWidth(Next(1, 2)), false),
        };
        IntegerRange range = kind == 2 && Next(0, 1) == 0 ? IntegerRange.SignedNarrow(2) : code.Range;
        AffineQuantization quantizer = AffineQuantization.PerTensor(code, range, new AffineParameters(0.5f, 0));
        return _builder.AddConstant("w", RandomTensors.Codes(quantizer, Shape.Of(shape), (ulong)Next(1, 999)), quantizer);
    }

    private ValueId Bias(int outputs) => _builder.AddConstant("b", RandomTensors.Integers(Shape.Of(outputs), (ulong)Next(1, 99), -20, 20));

    private int Next(int minimum, int maximum) => _random.Integer(_index++, minimum, maximum);
}
