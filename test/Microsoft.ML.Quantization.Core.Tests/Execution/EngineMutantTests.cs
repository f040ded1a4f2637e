using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Core.Tests.Evaluation;
using Microsoft.ML.Quantization.Core.Tests.Passes;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Execution;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Packing;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Execution;

/// <summary>Graphs whose attributes and image sizes were changed at random: what the rules let pass gives the interpreter's bytes, on any kernel set and any way of packing; the rest is refused with a code.</summary>
[TestClass]
[TestCategory("Portable")]
public sealed class EngineMutantTests
{
    private const int Mutants = 150;
    private const int MostElements = 20_000;

    private static readonly int[] _odd = [0, 1, 2, 3, 4, 5, 7, 9, 16, 31, -1, -2, 127, 255, 1 << 23, int.MaxValue, int.MinValue];
    private static readonly float[] _oddFloats = [0, 1, -1, float.NaN, float.PositiveInfinity, 1e-45f, 3e38f];

    [TestMethod]
    [DataRow("integers")]
    [DataRow("few bits")]
    [DataRow("codebooks")]
    [DataRow("floats")]
    [DataRow("lowered")]
    public void What_the_rules_let_pass_equals_the_interpreter(string name)
    {
        Graph seed = name switch
        {
            "integers" => HandmadeGraphs.IntegerNet(),
            "few bits" => HandmadeGraphs.LowBitNet(),
            "codebooks" => HandmadeGraphs.CodebookNet(),
            "floats" => GraphCases.Pools(),
            _ => Harness.Lower(GraphCases.Residual(), QuantizationScheme.EightBits, GraphCases.Inputs(GraphCases.Residual(), 8)).Graph,
        };
        int ran = 0;
        for (ulong i = 0; i < Mutants; i++)
        {
            ran += Passes(seed, new Dice(i), $"mutant {i} of {name}") ? 1 : 0;
        }

        Assert.IsTrue(ran is > Mutants / 20 and < Mutants, $"{ran} of {Mutants} ran: too few to mean anything, or nothing was refused");
    }

    /// <summary>Whether the mutant ran.</summary>
    private static bool Passes(Graph seed, Dice dice, string what)
    {
        try
        {
            if (Mutate(seed, dice) is not { } graph)
            {
                return false;
            }

            KernelSet set = dice.Pick([.. KernelRegistry.Available]);
            using Engine engine = EngineAssert.Create(graph, ModelSignature.Of(graph), set, dice.Next(1, 2), 64 << 20, dice.Pick(Enum.GetValues<PlanePolicy>()));
            using var interpreter = new Evaluator(graph, OperatorTable.Reference);
            Tensor[] inputs = GraphCases.Inputs(graph, dice.Next(1, 3));
            IReadOnlyList<Tensor> expected = interpreter.Run(inputs);
            EngineAssert.AreEqual(expected, engine.Run(inputs), $"{what}, {set.Name}: {GraphPrinter.Print(graph)}");
            return true;
        }
        catch (QuantizationException)
        {
            return false;
        }
    }

    private static Graph? Mutate(Graph graph, Dice dice)
    {
        var builder = new GraphBuilder();
        var map = new Dictionary<ValueId, ValueId>();
        foreach (ValueId input in graph.Inputs)
        {
            ImmutableArray<int> sizes = graph[input].Type.Shape.Dimensions;
            map[input] = builder.AddInput(graph[input].Name, graph[input].Type with { Shape = new Shape([.. sizes.Select((size, axis) => axis >= 2 && dice.Chance(5) ? dice.Next(0, 12) : size)]) });
        }

        ValueId Map(ValueId old) => map.TryGetValue(old, out ValueId found) ? found : map[old] = builder.AddConstant(graph[old].Name, graph[old].Constant!, graph[old].Type.Quantization);
        foreach (Node node in graph.Nodes)
        {
            Node changed = Mutate(node, dice) with { Name = node.Name, Inputs = [.. node.Inputs.Select(Map)] };
            ImmutableArray<ValueId> outputs = builder.AddAll(changed, [.. node.Outputs.Select(o => graph[o].Name)]);
            for (int i = 0; i < outputs.Length; i++)
            {
                map[node.Outputs[i]] = outputs[i];
                if (builder[outputs[i]].Type.Shape.FixedCount > MostElements)
                {
                    return null;
                }
            }
        }

        graph.Outputs.ToList().ForEach(o => builder.AddOutput(Map(o)));
        return builder.Build();
    }

    private static Node Mutate(Node node, Dice dice)
    {
        var attributes = new NodeAttributes();
        node.Describe(attributes);
        var changed = new NodeAttributes();
        foreach ((string name, object value) in attributes.Items)
        {
            changed.Set(name, dice.Chance(20) ? Change(value, dice) : value);
        }

        return NodeCatalog.Read(node.Kind, changed);
    }

    private static object Change(object value, Dice dice) => value switch
    {
        long number => number + dice.Next(-2, 2),
        float number => Change(number, dice),
        ImmutableArray<int> { Length: > 0 } numbers => Change(numbers, dice, n => dice.Chance(2) ? n + dice.Next(-1, 1) : dice.Pick(_odd)),
        ImmutableArray<float> { Length: > 0 } numbers => Change(numbers, dice, n => Change(n, dice)),
        ImmutableArray<byte> { Length: > 0 } numbers => Change(numbers, dice, _ => (byte)dice.Next(0, 255)),
        _ => value,
    };

    private static float Change(float number, Dice dice) => dice.Chance(2) ? -number : dice.Pick(_oddFloats);

    private static ImmutableArray<T> Change<T>(ImmutableArray<T> values, Dice dice, Func<T, T> change)
    {
        int place = dice.Next(0, values.Length - 1);
        return values.SetItem(place, change(values[place]));
    }
}
