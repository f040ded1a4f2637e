using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Execution;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using ValueType = Microsoft.ML.Quantization.Graphs.ValueType;

namespace Microsoft.ML.Quantization.Core.Tests.Execution;

/// <summary>
/// One small layer worked out by hand, on which each rule of the integer engine shows: zero point of the input, padding, odd depth, rounding of ties, zero point of the
/// result, order of clamp and conversion. The engine must give these bytes on every kernel set, and a computation with any one rule wrong must not.
/// </summary>
[TestClass]
[TestCategory("Portable")]
public sealed class WrongRuleTests
{
    private const int Zero = 5;
    private const int ResultZero = 3;
    private static readonly byte[] _x = [5, 6, 9];
    private static readonly sbyte[,] _w = { { 1, 2, 3 }, { -1, 0, 1 }, { 127, 127, 127 } };
    private static readonly float[] _multipliers = [0.5f, 0.5f, 2e7f];

    // Reals 0, 1, 4 with one padded tap on each side. Sums of channel 0: 3, 14, 9; halves 1.5, 7, 4.5; to even 2, 7, 4; plus 3.
    // Channel 1: 1, 4, -1; halves 0.5, 2, -0.5; to even 0, 2, 0; plus 3. Channel 2 is far above any code: 255.
    private static readonly byte[] _expected = [5, 10, 7, 3, 5, 3, 255, 255, 255];

    private static readonly Dictionary<string, Rules> _wrong = new(StringComparer.Ordinal)
    {
        ["ties away from zero"] = new() { Round = v => MathF.Round(v, MidpointRounding.AwayFromZero) },
        ["ties up"] = new() { Round = v => MathF.Floor(v + 0.5f) },
        ["ties toward zero"] = new() { Round = v => MathF.CopySign(MathF.Ceiling(MathF.Abs(v) - 0.5f), v) },
        ["ties not at all"] = new() { Round = MathF.Truncate },
        ["padding is code 0"] = new() { Padding = 0 },
        ["zero point of the input forgotten"] = new() { Zero = 0 },
        ["zero point of the result forgotten"] = new() { ResultZero = 0 },
        ["zero point of the result added before rounding"] = new() { ZeroBeforeRounding = true },
        ["last of an odd number of products dropped"] = new() { Depth = 2 },
        ["converted before it is clamped"] = new() { ClampBehind = true },
    };

    public static IEnumerable<object[]> Names => _wrong.Keys.Select(k => new object[] { k });

    [TestMethod]
    public void The_right_rules_give_the_bytes_worked_out_by_hand()
        => CollectionAssert.AreEqual(_expected, Compute(new Rules()));

    [TestMethod]
    [DynamicData(nameof(Names))]
    public void A_wrong_rule_gives_other_bytes(string rule)
        => CollectionAssert.AreNotEqual(_expected, Compute(_wrong[rule]), "the expectation would not notice: " + rule);

    [TestMethod]
    public void The_engine_and_the_interpreter_give_the_bytes_worked_out_by_hand()
    {
        Graph graph = Layer();
        Tensor x = Tensor.Create(Shape.Of(1, 1, 3), _x);
        using var interpreter = new Evaluator(graph, OperatorTable.Reference);
        CollectionAssert.AreEqual(_expected, interpreter.Run([x])[0].Values<byte>().ToArray(), "interpreter");
        foreach (KernelSet set in KernelRegistry.Available)
        {
            using Engine engine = EngineAssert.Create(graph, ModelSignature.Of(graph), set, 1);
            CollectionAssert.AreEqual(_expected, engine.Run([x])[0].Values<byte>().ToArray(), set.Name);
        }
    }

    private static Graph Layer()
    {
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", new ValueType(ElementType.UInt8, Shape.Of(1, 1, 3), HandmadeGraphs.Activations(8, 1, Zero)));
        var code = new CodeType(new BitWidth(8), true);
        ValueId w = builder.AddConstant("w", Tensor.Create(Shape.Of(3, 1, 3), _w.Cast<sbyte>().ToArray()), AffineQuantization.PerTensor(code, code.Range, new AffineParameters(1, 0)));
        ValueId sums = builder.Add(new IntegerConvolution { Name = "conv", Inputs = [x, w], Window = GraphCases.Window(1, 3, pad: 1) });
        AffineQuantization result = HandmadeGraphs.Activations(8, 1, ResultZero);
        builder.AddOutput(builder.Add(new Requantize { Name = "codes", Inputs = [sums], Multipliers = [.. _multipliers], Offsets = [0, 0, 0], Axis = 1, Minimum = 0, Maximum = 255, Result = result }));
        return builder.Build();
    }

    private static byte[] Compute(Rules rules)
    {
        var result = new byte[9];
        for (int i = 0; i < result.Length; i++)
        {
            int sum = 0;
            for (int k = 0; k < rules.Depth; k++)
            {
                int place = (i % 3) + k - 1;
                int code = place is >= 0 and < 3 ? _x[place] : rules.Padding;
                sum += (code - rules.Zero) * _w[i / 3, k];
            }

            result[i] = Finish(sum * _multipliers[i / 3], rules);
        }

        return result;
    }

    private static byte Finish(float value, Rules rules)
    {
        if (rules.ClampBehind)
        {
            // What a processor without saturation does with a number beyond int32.
            int converted = value is > 2147483520f or < -2147483648f ? int.MinValue : (int)rules.Round(value);
            return (byte)Math.Clamp((long)converted + rules.ResultZero, 0, 255);
        }

        float clamped = Math.Clamp(value, 0 - rules.ResultZero, 255 - rules.ResultZero);
        return (byte)(rules.ZeroBeforeRounding ? rules.Round(clamped + rules.ResultZero) : rules.Round(clamped) + rules.ResultZero);
    }

    private sealed record Rules
    {
        public Func<float, float> Round { get; init; } = MathF.Round;

        public int Padding { get; init; } = WrongRuleTests.Zero;

        public int Zero { get; init; } = WrongRuleTests.Zero;

        public int ResultZero { get; init; } = WrongRuleTests.ResultZero;

        public bool ZeroBeforeRounding { get; init; }

        public int Depth { get; init; } = 3;

        public bool ClampBehind { get; init; }
    }
}
