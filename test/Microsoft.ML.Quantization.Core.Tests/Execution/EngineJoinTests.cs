using System;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Execution;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Packing;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using ValueType = Microsoft.ML.Quantization.Graphs.ValueType;

namespace Microsoft.ML.Quantization.Core.Tests.Execution;

/// <summary>Convolutions that take along the residual addition and the steps behind it: equal to the interpreter and to the same program without, on every kernel set.</summary>
[TestClass]
[TestCategory("Portable")]
public sealed class EngineJoinTests
{
    [TestMethod]
    [DataRow(1, 16, 64)]
    [DataRow(1, 16, 33)]
    [DataRow(2, 16, 40)]
    [DataRow(2, 8, 96)]
    [DataRow(8, 16, 19)]
    [DataRow(8, 8, 35)]
    public void Residual_blocks_equal_the_interpreter_and_the_program_without_fusing(int bits, int streamBits, int channels)
    {
        Graph graph = new ResidualCase(bits, streamBits, channels).Build();
        Tensor[] Inputs(int batch) => [RandomTensors.Floats(Shape.Of(batch, 5, 9, 7), 5, 3)];
        EngineAssert.EqualsInterpreter(graph, Inputs);
        foreach (KernelSet set in KernelRegistry.Available)
        {
            using Engine plain = Create(graph, set, joins: false);
            using Engine fused = Create(graph, set, joins: true);
            Assert.IsTrue(fused.Explain().Steps.Length < plain.Explain().Steps.Length);
            EngineAssert.AreEqual(plain.Run(Inputs(2)), fused.Run(Inputs(2)), set.Name);
        }
    }

    [TestMethod]
    public void Explain_names_what_a_step_takes_along()
    {
        using Engine engine = Create(new ResidualCase(1, 16, 64).Build(), KernelRegistry.Active, joins: true);
        string[] operations = [.. engine.Explain().Steps.Select(s => s.Operation)];
        CollectionAssert.Contains(operations, "PlaneConvolution+IntegerAdd+Thresholds+Requantize→Int16", string.Join(" ", operations));
        Assert.IsFalse(operations.Contains("IntegerAdd"), string.Join(" ", operations));
    }

    private static Engine Create(Graph graph, KernelSet set, bool joins)
        => new(Packer.Pack(graph, ModelSignature.Of(graph), set, PlanePolicy.Automatic, joins), Pools.Create(1), long.MaxValue, smallestChunk: 1);

    /// <summary>Floats → stream; two blocks of codes → 3x3 → + stream, the shortcut of the second a strided 1x1 of 8 bits.</summary>
    private sealed class ResidualCase(int bits, int streamBits, int channels)
    {
        private readonly GraphBuilder _builder = new();
        private readonly CounterRandom _random = new(7, 11);
        private readonly AffineQuantization _stream = streamBits == 16
            ? AffineQuantization.PerTensor(new CodeType(new BitWidth(16), true), IntegerRange.SignedNarrow(16), new AffineParameters(0.002f, 0))
            : HandmadeGraphs.Activations(8, 0.05f, 90);

        private readonly AffineQuantization _codes = bits == 1 ? HandmadeGraphs.MidRise(1, 0.5f) : HandmadeGraphs.Activations(bits, 0.5f, 0);
        private long _index;
        private int _width;

        public Graph Build()
        {
            ValueId x = _builder.AddInput("x", ValueType.Float(Shape.Of(Shape.Free, 5, 9, 7)));
            ValueId first = Convolution(_builder.Add(new Quantize { Inputs = [x], Result = HandmadeGraphs.Activations(8, 0.1f, 12) }), 8, 5, channels, 3, 1);
            ValueId stream = Requantize(first, channels, 16 / 700f);
            ValueId few = Few(stream);
            ValueId joined = Add(Requantize(Convolution(few, bits, channels, channels, 3, 1), channels, 0.3f), stream);
            few = Few(joined);
            ValueId inner = Requantize(Convolution(few, bits, channels, channels + 8, 3, 2), channels + 8, 0.3f);
            ValueId bytes = _builder.Add(new Requantize { Inputs = [joined], Multipliers = [streamBits == 16 ? 0.03f : 1.1f], Offsets = [0.7f], Minimum = 3, Maximum = 255, Result = HandmadeGraphs.Activations(8, 0.1f, 90) });
            ValueId shortcut = Requantize(Convolution(bytes, 8, channels, channels + 8, 1, 2), channels + 8, 0.01f);
            joined = Add(inner, shortcut);
            few = Few(joined);
            ValueId last = Convolution(few, bits, channels + 8, 4, 1, 1);
            _builder.AddOutput(_builder.Add(new DequantizeAccumulator { Inputs = [last], Multipliers = [0.5f], Offsets = [1] }));
            _builder.AddOutput(_builder.Add(new Dequantize { Inputs = [joined] }));
            return _builder.Build();
        }

        private ValueId Add(ValueId left, ValueId right) => _builder.Add(new IntegerAdd
        {
            Inputs = _index % 2 == 0 ? [left, right] : [right, left],
            LeftMultiplier = 0.83f,
            RightMultiplier = 0.71f,
            Minimum = streamBits == 16 ? -900 : 40,
            Maximum = _stream.Range.Max,
            Result = _stream,
        });

        private ValueId Few(ValueId stream)
        {
            AffineQuantization result = _codes;
            if (bits == 1)
            {
                int width = _width;
                return _builder.Add(new Thresholds
                {
                    Inputs = [stream],
                    Integers = [.. Enumerable.Range(0, width).Select(i => i % 17 == 0 ? int.MaxValue : i % 19 == 0 ? int.MinValue : Next(-300, 300))],
                    Directions = [.. Enumerable.Range(0, width).Select(_ => Next(0, 2) == 0 ? -1 : 1)],
                    Result = result,
                });
            }

            float step = (streamBits == 16 ? 0.004f : 0.05f) * (1 << bits) / 4;
            return _builder.Add(new Requantize { Inputs = [stream], Multipliers = [step], Offsets = [0.2f], Minimum = 0, Maximum = result.Range.Max, Result = result });
        }

        private ValueId Requantize(ValueId accumulator, int outputs, float scale)
        {
            _width = outputs;
            ImmutableArray<float> multipliers = [.. Enumerable.Range(0, outputs).Select(_ => (Next(0, 200) - 60) / 50f * scale * (streamBits == 16 ? 5 : 0.3f))];
            return _builder.Add(new Requantize { Inputs = [accumulator], Multipliers = multipliers, Offsets = [.. multipliers.Select(m => (m * 9) + 1)], Minimum = _stream.Range.Min, Maximum = _stream.Range.Max - 9, Result = _stream });
        }

        private ValueId Convolution(ValueId input, int width, int inputs, int outputs, int kernel, int stride)
        {
            AffineQuantization quantizer = width switch
            {
                1 or 2 => HandmadeGraphs.MidRise(width, 1),
                _ => AffineQuantization.PerTensor(new CodeType(new BitWidth(8), true), IntegerRange.SignedNarrow(8), new AffineParameters(0.01f, 0)),
            };
            ValueId w = _builder.AddConstant("w", RandomTensors.Codes(quantizer, Shape.Of(outputs, inputs, kernel, kernel), (ulong)Next(1, 99)), quantizer);
            return _builder.Add(new IntegerConvolution { Inputs = [input, w], Window = HandmadeGraphs.Square(kernel, stride, kernel / 2) });
        }

        private int Next(int minimum, int maximum) => _random.Integer(_index++, minimum, maximum);
    }
}
