using System;
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

/// <summary>Stems: convolution, max pool and what follows, a few rows at a time; equal to the interpreter and to the same program in separate steps.</summary>
[TestClass]
[TestCategory("Portable")]
public sealed class EngineBandTests
{
    private const int Width = 37;

    [TestMethod]
    [DataRow(7, 2, 3, 3, 2, 1, 33, 16)]
    [DataRow(3, 1, 1, 2, 2, 0, 24, 8)]
    [DataRow(5, 1, 0, 3, 1, 1, 40, 16)]
    [DataRow(3, 2, 1, 3, 3, 1, 19, 0)]
    [DataRow(7, 2, 3, 3, 2, 1, 70, -16)]
    [DataRow(3, 1, 1, 2, 2, 0, 64, -16)]
    public void Stems_equal_the_interpreter_and_the_program_in_separate_steps(int kernel, int stride, int pad, int pool, int poolStride, int poolPad, int channels, int streamBits)
    {
        Graph graph = Stem(HandmadeGraphs.Square(kernel, stride, pad), HandmadeGraphs.Square(pool, poolStride, poolPad), channels, streamBits);
        Tensor[] Inputs(int batch) => [RandomTensors.Floats(Shape.Of(batch, 3, 41, Width), 5, 3)];
        EngineAssert.EqualsInterpreter(graph, Inputs);
        foreach (KernelSet set in KernelRegistry.Available)
        {
            using Engine plain = Create(graph, set, joins: false);
            using Engine fused = Create(graph, set, joins: true);
            Assert.IsTrue(fused.Explain().Steps.Any(s => s.Operation.StartsWith("IntegerConvolution+MaxPool", StringComparison.Ordinal)));
            EngineAssert.AreEqual(plain.Run(Inputs(2)), fused.Run(Inputs(2)), set.Name);
        }
    }

    [TestMethod]
    [DataRow(33)]
    [DataRow(64)]
    public void A_normalization_behind_the_pool_is_part_of_the_stem(int channels)
    {
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", ValueType.Float(Shape.Of(Shape.Free, 3, 41, Width)));
        ValueId q = builder.Add(new Quantize { Inputs = [x], Result = HandmadeGraphs.Activations(8, 0.1f, 12) });
        ValueId acc = builder.Add(new IntegerConvolution { Inputs = [q, HandmadeGraphs.Weights(builder, "w", Shape.Of(channels, 3, 7, 7), 8, new CounterRandom(2))], Window = HandmadeGraphs.Square(7, 2, 3) });
        ValueId floats = builder.Add(new DequantizeAccumulator { Inputs = [acc], Multipliers = [0.0004f], Offsets = [0.2f], Axis = 1, Activation = Activation.Relu });
        ValueId pooled = builder.Add(new MaxPool { Inputs = [floats], Window = HandmadeGraphs.Square(3, 2, 1) });
        ValueId[] p = [.. Enumerable.Range(0, 4).Select(i => builder.AddConstant($"p{i}", RandomTensors.Floats(Shape.Of(channels), (ulong)i, i == 3 ? 0.5f : -1, 2)))];
        ValueId normal = builder.Add(new BatchNormalization { Inputs = [pooled, .. p] });
        builder.AddOutput(builder.Add(new Quantize { Inputs = [normal], Result = HandmadeGraphs.Activations(8, 0.05f, 128) }));
        Graph graph = builder.Build();
        Tensor[] Inputs(int batch) => [RandomTensors.Floats(Shape.Of(batch, 3, 41, Width), 5, 3)];
        EngineAssert.EqualsInterpreter(graph, Inputs);
        foreach (KernelSet set in KernelRegistry.Available)
        {
            using Engine plain = Create(graph, set, joins: false);
            using Engine fused = Create(graph, set, joins: true);
            Assert.IsTrue(fused.Explain().Steps.Any(s => s.Operation.StartsWith("IntegerConvolution+MaxPool+BatchNormalization+Quantize", StringComparison.Ordinal)), string.Join("; ", fused.Explain().Steps.Select(s => s.Operation)));
            EngineAssert.AreEqual(plain.Run(Inputs(2)), fused.Run(Inputs(2)), set.Name);
        }
    }

    [TestMethod]
    public void A_sum_takes_the_place_of_what_it_was_made_of_only_where_nothing_else_reads_that()
    {
        AffineQuantization codes = HandmadeGraphs.Activations(8, 0.1f, 100);
        foreach (bool readLater in new[] { false, true })
        {
            var builder = new GraphBuilder();
            ValueId x = builder.AddInput("x", ValueType.Float(Shape.Of(Shape.Free, 8, 9, 9)));
            ValueId first = builder.Add(new Quantize { Inputs = [x], Result = codes });
            ValueId sum = first;
            for (int i = 0; i < 3; i++)
            {
                ValueId w = HandmadeGraphs.Weights(builder, "w", Shape.Of(8, 8, 3, 3), 8, new CounterRandom((ulong)i));
                ValueId acc = builder.Add(new IntegerConvolution { Inputs = [sum, w], Window = HandmadeGraphs.Square(3, 1, 1) });
                ValueId own = builder.Add(new Requantize { Inputs = [acc], Multipliers = [0.002f], Offsets = [0.5f], Minimum = 0, Maximum = 255, Result = codes });
                sum = builder.Add(new IntegerAdd { Inputs = [own, sum], LeftMultiplier = 0.7f, RightMultiplier = 0.6f, Minimum = 20, Maximum = 255, Result = codes });
            }

            builder.AddOutput(sum);
            if (readLater)
            {
                builder.AddOutput(first);
            }

            EngineAssert.EqualsInterpreter(builder.Build(), n => [RandomTensors.Floats(Shape.Of(n, 8, 9, 9), 5, 9)]);
        }
    }

    private static Engine Create(Graph graph, KernelSet set, bool joins)
        => new(Packer.Pack(graph, ModelSignature.Of(graph), set, PlanePolicy.Automatic, joins), Pools.Create(1), long.MaxValue, smallestChunk: 1);

    /// <summary>Floats → codes → convolution → floats or codes → max pool → stream → few bits → layer.</summary>
    private static Graph Stem(Window window, Window pool, int channels, int streamBits)
    {
        AffineQuantization bytes = HandmadeGraphs.Activations(8, 0.05f, 31);
        AffineQuantization few = HandmadeGraphs.Activations(2, 0.5f, 0);
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", ValueType.Float(Shape.Of(Shape.Free, 3, 41, Width)));
        ValueId q = builder.Add(new Quantize { Inputs = [x], Result = HandmadeGraphs.Activations(8, 0.1f, 12) });
        ValueId w = HandmadeGraphs.Weights(builder, "w", Shape.Of(channels, 3, window.Kernel[0], window.Kernel[0]), 8, new CounterRandom(2));
        ValueId acc = builder.Add(new IntegerConvolution { Inputs = [q, w], Window = window });
        float[] m = [.. Enumerable.Range(0, channels).Select(i => (i - 5) / 3000f)];
        if (streamBits == 0)
        {
            ValueId codes = builder.Add(new Requantize { Inputs = [acc], Multipliers = [.. m], Offsets = [.. m], Minimum = 3, Maximum = 250, Result = bytes });
            builder.AddOutput(builder.Add(new MaxPool { Inputs = [codes], Window = pool }));
            return builder.Build();
        }

        // Negative: codes before the pool.
        AffineQuantization stream = streamBits == 8 ? bytes : AffineQuantization.PerTensor(new CodeType(new BitWidth(16), true), IntegerRange.SignedNarrow(16), new AffineParameters(0.002f, 0));
        ValueId joined = streamBits < 0
            ? builder.Add(new MaxPool { Inputs = [builder.Add(new Requantize { Inputs = [acc], Multipliers = [.. m.Select(v => v * 500)], Offsets = [.. m], Minimum = -1500, Maximum = 32000, Result = stream })], Window = pool })
            : Real();
        ValueId bits = builder.Add(new Requantize { Inputs = [joined], Multipliers = [streamBits == 8 ? 0.05f : 0.004f], Offsets = [0.3f], Minimum = 0, Maximum = 3, Result = few });
        AffineQuantization weights = HandmadeGraphs.MidRise(2, 1);
        ValueId v = builder.AddConstant("v", RandomTensors.Codes(weights, Shape.Of(5, channels, 1, 1), 2), weights);
        builder.AddOutput(builder.Add(new IntegerConvolution { Inputs = [bits, v], Window = HandmadeGraphs.Square(1, 1, 0) }));
        builder.AddOutput(builder.Add(new Dequantize { Inputs = [joined] }));
        return builder.Build();

        ValueId Real()
        {
            ValueId real = builder.Add(new DequantizeAccumulator { Inputs = [acc], Multipliers = [.. m], Offsets = [.. m.Reverse()], Activation = new Activation(-3, 4) });
            return builder.Add(new Quantize { Inputs = [builder.Add(new MaxPool { Inputs = [real], Window = pool })], Result = stream });
        }
    }
}
