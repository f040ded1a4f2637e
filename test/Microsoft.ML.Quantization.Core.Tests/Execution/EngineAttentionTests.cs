using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Packing;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using ValueType = Microsoft.ML.Quantization.Graphs.ValueType;

namespace Microsoft.ML.Quantization.Core.Tests.Execution;

/// <summary>Attention over floats runs as one step and gives the bits of its nodes.</summary>
[TestClass]
[TestCategory("Portable")]
public sealed class EngineAttentionTests
{
    [TestMethod]
    [DataRow(9, 9, 4, 4, 1, false)]
    [DataRow(37, 21, 5, 7, 3, true)]
    [DataRow(70, 300, 8, 6, 2, true)]
    [DataRow(1, 3, 1, 1, 2, false)]
    public void Attention_is_one_step_and_equals_the_interpreter(int rows, int columns, int depth, int width, int heads, bool masked)
    {
        Graph graph = Attention(rows, columns, depth, width, heads, masked);
        Assert.AreEqual(1, Steps(graph));
        EngineAssert.EqualsInterpreter(graph, batch => Inputs(graph, batch));
    }

    [TestMethod]
    public void Operands_in_any_order_of_axes_equal_the_interpreter()
    {
        foreach (int[] keys in new int[][] { [0, 2, 3, 1], [0, 2, 1, 3], [0, 1, 3, 2], [0, 1, 2, 3] })
        {
            var builder = new GraphBuilder();
            // The key is [batch, 3 heads, 8 deep, 11 columns] before its axes are moved.
            int[] sizes = new int[4];
            int[] wanted = [Shape.Free, 3, 8, 11];
            for (int i = 0; i < sizes.Length; i++)
            {
                sizes[keys[i]] = wanted[i];
            }

            ValueId q = builder.AddInput("q", ValueType.Float(Shape.Of(Shape.Free, 3, 13, 8)));
            ValueId k = builder.Add(new Transpose { Name = "k", Inputs = [builder.AddInput("keys", ValueType.Float(Shape.Of(sizes)))], Permutation = [.. keys] });
            ValueId v = builder.Add(new Transpose { Name = "v", Inputs = [builder.AddInput("values", ValueType.Float(Shape.Of(Shape.Free, 3, 6, 11)))], Permutation = [0, 1, 3, 2] });
            ValueId scores = builder.Add(new Softmax { Name = "softmax", Inputs = [builder.Add(new MatMul { Name = "scores", Inputs = [q, k] })], Axis = 3 });
            builder.AddOutput(builder.Add(new MatMul { Name = "sums", Inputs = [scores, v] }));
            Graph graph = builder.Build();
            Assert.AreEqual(1, Steps(graph));
            EngineAssert.EqualsInterpreter(graph, batch => Inputs(graph, batch));
        }
    }

    [TestMethod]
    public void Infinite_masks_and_values_that_are_no_numbers_equal_the_interpreter()
    {
        Graph graph = Attention(12, 40, 4, 4, 2, masked: true);
        EngineAssert.EqualsInterpreter(graph, batch =>
        {
            Tensor[] inputs = Inputs(graph, batch);
            float[] mask = inputs[3].Values<float>().ToArray();
            mask[3] = float.NegativeInfinity;
            mask[17] = -1e9f;
            mask[^1] = float.NegativeInfinity;
            float[] query = inputs[0].Values<float>().ToArray();
            query[5] = float.NaN;
            query[^1] = float.PositiveInfinity;
            return [Tensor.Create(inputs[0].Shape, query), inputs[1], inputs[2], Tensor.Create(inputs[3].Shape, mask)];
        });
    }

    [TestMethod]
    public void Scores_that_others_read_stay_steps_of_their_own()
    {
        var builder = new GraphBuilder();
        ValueId q = builder.AddInput("q", ValueType.Float(Shape.Of(Shape.Free, 5, 4)));
        ValueId k = builder.Add(new Transpose { Name = "k", Inputs = [q], Permutation = [0, 2, 1] });
        ValueId product = builder.Add(new MatMul { Name = "product", Inputs = [q, k] });
        ValueId scores = builder.Add(new Softmax { Name = "softmax", Inputs = [product] });
        builder.AddOutput(builder.Add(new MatMul { Name = "sums", Inputs = [scores, q] }));
        builder.AddOutput(product);
        Graph graph = builder.Build();
        Assert.AreEqual(0, Steps(graph));
        EngineAssert.EqualsInterpreter(graph, batch => Inputs(graph, batch));
    }

    /// <summary>x[batch, rows, heads, depth] and so on: heads are moved forward, scores scaled (and masked), and the result's heads moved back.</summary>
    private static Graph Attention(int rows, int columns, int depth, int width, int heads, bool masked)
    {
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("queries", ValueType.Float(Shape.Of(Shape.Free, rows, heads, depth)));
        ValueId y = builder.AddInput("keys", ValueType.Float(Shape.Of(Shape.Free, columns, heads, depth)));
        ValueId z = builder.AddInput("values", ValueType.Float(Shape.Of(Shape.Free, columns, heads, width)));
        ValueId q = builder.Add(new Transpose { Name = "q", Inputs = [x], Permutation = [0, 2, 1, 3] });
        ValueId k = builder.Add(new Transpose { Name = "k", Inputs = [y], Permutation = [0, 2, 3, 1] });
        ValueId v = builder.Add(new Transpose { Name = "v", Inputs = [z], Permutation = [0, 2, 1, 3] });
        ValueId scores = builder.Add(new MatMul { Name = "scores", Inputs = [q, k] });
        scores = builder.Add(new Binary { Name = "scaled", Operator = BinaryOperator.Divide, Inputs = [scores, builder.AddConstant("scale", Tensor.Create(Shape.Scalar, [1.7f]))] });
        if (masked)
        {
            ValueId mask = builder.AddInput("mask", ValueType.Float(Shape.Of(Shape.Free, 1, 1, columns)));
            scores = builder.Add(new Binary { Name = "masked", Operator = BinaryOperator.Add, Inputs = [mask, scores] });
        }

        ValueId sums = builder.Add(new MatMul { Name = "sums", Inputs = [builder.Add(new Softmax { Name = "softmax", Inputs = [scores] }), v] });
        builder.AddOutput(builder.Add(new Transpose { Name = "back", Inputs = [sums], Permutation = [0, 2, 1, 3] }));
        return builder.Build();
    }

    private static int Steps(Graph graph)
    {
        using PackedProgram program = Packer.Pack(graph, ModelSignature.Of(graph), KernelRegistry.Active);
        return program.Steps.Count(s => s.Operation == "Attention");
    }

    private static Tensor[] Inputs(Graph graph, int batch)
        => [.. graph.Inputs.Select((id, i) => RandomTensors.Floats(graph[id].Type.Shape.Bind(batch), 11 + (ulong)i))];
}
