using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.ML.Quantization.Threading;
using Microsoft.ML.Quantization.Training;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training;

/// <summary>Every gradient rule against finite differences of the forward pass, for every input of the node that can be trained.</summary>
[TestClass]
public sealed class GradientRuleTests
{
    private const float Step = 1f / 128;

    private static readonly Dictionary<string, Func<Case>> _cases = new(StringComparer.Ordinal)
    {
        ["convolution"] = () => Convolution([35, 3, 5, 4], [4, 3, 3, 2], 1, [1, 1], [1, 1], [1, 0], [1, 1]),
        ["convolution, stride 2"] = () => Convolution([3, 2, 7, 6], [3, 2, 3, 3], 1, [2, 2], [1, 1], [1, 1], [1, 1]),
        ["convolution, 1x1 stride 2"] = () => Convolution([3, 4, 5, 5], [3, 4, 1, 1], 1, [2, 2], [1, 1], [0, 0], [0, 0]),
        ["convolution, dilated"] = () => Convolution([2, 2, 8, 7], [2, 2, 3, 3], 1, [1, 2], [2, 1], [1, 1], [2, 0]),
        ["convolution, groups"] = () => Convolution([2, 4, 5, 5], [6, 2, 3, 3], 2, [1, 1], [1, 1], [1, 1], [1, 1]),
        ["convolution, depthwise"] = () => Convolution([34, 3, 5, 5], [3, 1, 3, 3], 3, [1, 1], [1, 1], [1, 1], [1, 1]),
        ["convolution, depthwise stride 2"] = () => Convolution([2, 3, 6, 5], [3, 1, 3, 3], 3, [2, 1], [1, 1], [1, 1], [1, 1]),
        ["convolution, wide padding"] = () => Convolution([2, 2, 4, 4], [2, 2, 2, 2], 1, [1, 1], [1, 1], [2, 2], [2, 2]),
        ["convolution, one axis"] = () => Convolution([2, 2, 9], [3, 2, 3], 1, [2], [1], [1], [0]),
        ["convolution, three axes"] = () => Convolution([2, 2, 4, 3, 5], [2, 2, 2, 2, 3], 1, [1, 1, 2], [1, 1, 1], [0, 1, 1], [1, 0, 1]),
        ["dense"] = () => new Case([37, 6], [RandomTensors.Floats(Shape.Of(5, 6), 2), RandomTensors.Floats(Shape.Of(5), 3)], new Dense()),
        ["dense, three axes"] = () => new Case([3, 4, 6], [RandomTensors.Floats(Shape.Of(5, 6), 2)], new Dense()),
        ["dense, clamped"] = () => new Case([5, 6], [RandomTensors.Floats(Shape.Of(5, 6), 2)], new Dense { Activation = new Activation(-1, 2) }),
        ["batch normalization"] = () => Normalization(isTrained: true),
        ["padding"] = () => new Case([2, 3, 4, 5], [], new Pad { Before = [0, 0, 1, 0], After = [0, 1, 2, 1], Value = 0.5f }),
        ["batch normalization, fixed"] = () => Normalization(isTrained: false),
        ["folded weights"] = () => new Case([6, 3, 4], [RandomTensors.Floats(Shape.Of(6), 2), RandomTensors.Floats(Shape.Of(6), 5, 0.5f, 2)], new FoldedWeights(), TrainedOperands: 1),
        ["folded normalization"] = () => Folded(freezeAt: 1),
        ["folded normalization, frozen"] = () => Folded(freezeAt: 0),
        ["max pool"] = () => new Case([2, 3, 7, 5], [], new MaxPool { Window = Window([3, 2], [2, 1], [1, 2], [1, 0], [1, 1]) }),
        ["average pool"] = () => new Case([2, 3, 7, 5], [], new AveragePool { Window = Window([3, 2], [2, 1], [1, 1], [1, 0], [1, 1]) }),
        ["average pool, padding counted"] = () => new Case([2, 3, 6, 5], [], new AveragePool { Window = Window([3, 2], [2, 2], [1, 1], [1, 0], [0, 1]), CountPadding = true, CeilMode = true }),
        ["global average pool"] = () => new Case([2, 3, 4, 5], [], new GlobalAveragePool()),
        ["concat"] = () => new Case([2, 3, 4], [RandomTensors.Floats(Shape.Of(2, 2, 4), 5)], new Concat { Axis = 1 }),
        ["reshape"] = () => new Case([2, 3, 4], [], new Reshape { Target = [0, -1] }),
        ["transpose"] = () => new Case([2, 3, 4], [], new Transpose { Permutation = [0, 2, 1] }),
        ["gather"] = () => new Case([5, 2], [Tensor.Create<long>(Shape.Of(2, 4), [1, 0, 1, -1, 3, 1, 3, 4])], new Gather(), TrainedOperands: 0),
        ["softmax"] = () => new Case([3, 4, 2], [], new Softmax { Axis = 1 }),
        ["log softmax"] = () => new Case([3, 4], [], new Softmax { Logarithm = true }),
        ["residual add"] = () => new Case([3, 2, 4], [RandomTensors.Floats(Shape.Of(3, 2, 4), 5)], new Binary { Operator = BinaryOperator.Add, Activation = Activation.Relu }),
        ["add, broadcast"] = () => new Case([35, 2, 4], [RandomTensors.Floats(Shape.Of(2, 1), 5)], new Binary { Operator = BinaryOperator.Add }),
        ["subtract"] = () => new Case([3, 2, 4], [RandomTensors.Floats(Shape.Of(4), 5)], new Binary { Operator = BinaryOperator.Subtract }),
        ["subtract, of a channel"] = () => new Case([35, 2, 4], [RandomTensors.Floats(Shape.Of(2, 1), 5)], new Binary { Operator = BinaryOperator.Subtract }),
        ["add, of a channel of rows"] = () => new Case([35, 3], [RandomTensors.Floats(Shape.Of(3), 5)], new Binary { Operator = BinaryOperator.Add }),
        ["prelu, clamped"] = () => new Case([36, 2, 4], [RandomTensors.Floats(Shape.Of(1, 2, 1), 5)], new Binary { Operator = BinaryOperator.PRelu, Activation = new Activation(-1, 2) }),
        ["multiply"] = () => new Case([3, 2, 4], [RandomTensors.Floats(Shape.Of(2, 1), 5)], new Binary { Operator = BinaryOperator.Multiply }),
        ["divide"] = () => new Case([3, 2, 4], [RandomTensors.Floats(Shape.Of(2, 1), 5, 1, 2)], new Binary { Operator = BinaryOperator.Divide }),
        ["minimum"] = () => new Case([3, 2, 4], [RandomTensors.Floats(Shape.Of(4), 6)], new Binary { Operator = BinaryOperator.Minimum }),
        ["maximum"] = () => new Case([3, 2, 4], [RandomTensors.Floats(Shape.Of(4), 6)], new Binary { Operator = BinaryOperator.Maximum }),
        ["prelu"] = () => new Case([36, 2, 4], [RandomTensors.Floats(Shape.Of(2, 1), 5)], new Binary { Operator = BinaryOperator.PRelu }),
    };

    private static readonly (UnaryOperator Operator, float Alpha, float Beta, float Lift)[] _functions =
    [
        (UnaryOperator.Clip, 0, float.PositiveInfinity, 0), (UnaryOperator.Clip, -0.5f, 1, 0), (UnaryOperator.LeakyRelu, 0.2f, 0, 0), (UnaryOperator.Elu, 0.7f, 0, 0),
        (UnaryOperator.Sigmoid, 0, 0, 0), (UnaryOperator.HardSigmoid, 0.3f, 0.5f, 0), (UnaryOperator.HardSwish, 0, 0, 0), (UnaryOperator.Tanh, 0, 0, 0), (UnaryOperator.Softplus, 0, 0, 0),
        (UnaryOperator.Exp, 0, 0, 0), (UnaryOperator.Log, 0, 0, 3), (UnaryOperator.Sqrt, 0, 0, 3), (UnaryOperator.Abs, 0, 0, 0), (UnaryOperator.Negate, 0, 0, 0),
        (UnaryOperator.Reciprocal, 0, 0, 3), (UnaryOperator.Erf, 0, 0, 0), (UnaryOperator.Gelu, 0, 0, 0), (UnaryOperator.Swish, 1.2f, 0, 0),
    ];

    public static IEnumerable<object[]> Names => _cases.Keys.Select(k => new object[] { k });

    public static IEnumerable<object[]> Functions => Enumerable.Range(0, _functions.Length).Select(i => new object[] { i });

    [TestMethod]
    [DynamicData(nameof(Names))]
    public void Gradients_are_the_slopes_of_the_forward_pass(string name) => Check(_cases[name](), 0);

    [TestMethod]
    [DynamicData(nameof(Functions))]
    public void Gradients_of_functions_are_their_slopes(int index)
    {
        (UnaryOperator function, float alpha, float beta, float lift) = _functions[index];
        Check(new Case([4, 5], [], new Unary { Operator = function, Alpha = alpha, Beta = beta }), lift);
    }

    [TestMethod]
    [DataRow(BinaryOperator.Add)]
    [DataRow(BinaryOperator.Subtract)]
    [DataRow(BinaryOperator.PRelu)]
    public void Numbers_of_a_channel_give_the_same_bits_in_either_order_and_as_the_interpreter(BinaryOperator how)
    {
        // Behind the convolution that changes nothing, elements lie channels-last.
        (float[] y, float[] own, float[] back) = Through(false, how);
        (float[] last, float[] ownLast, float[] backLast) = Through(true, how);
        CollectionAssert.AreEqual(y, last);
        CollectionAssert.AreEqual(own, ownLast);
        CollectionAssert.AreEqual(back, backLast);
    }

    [TestMethod]
    public void Every_rule_has_a_case()
    {
        HashSet<Type> tested = [.. _cases.Values.Select(c => c().Node.GetType()), typeof(Unary)];

        // Gradients of quantizers are straight-through by design: MethodConformanceTests and the tests of each method hold them.
        tested.Add(typeof(LearnedQuantize));
        CollectionAssert.AreEquivalent(GradientRules.Kinds.Select(k => k.Name).ToArray(), tested.Select(t => t.Name).ToArray());
        UnaryOperator[] covered = [.. Enum.GetValues<UnaryOperator>().Where(o => GradientRules.TryFind(new Unary { Operator = o }, out _))];
        CollectionAssert.AreEquivalent(covered, _functions.Select(f => f.Operator).Distinct().ToArray());
    }

    [TestMethod]
    public void Dropout_passes_back_what_it_passed_forward()
    {
        Graph graph = Networks.SmallNetworks.Mlp(Shape.Of(6), [8], 3);
        Tensor input = RandomTensors.Floats(Shape.Of(4, 6), 1);
        var dropout = new Dropout([new DropoutSite("dense1.relu", 0.5f)], 3, 7);
        var reverse = new ReverseMode(graph, graph.Outputs[0], KernelRegistry.Active, WorkerPool.Single);
        Dictionary<string, Tensor> constants = new TrainingState(graph, 0).Constants;
        ForwardPass pass = reverse.Forward([input], constants, training: true, dropout);
        float[] factors = [.. dropout.Factors("dense1.relu", Shape.Of(4, 8))!.Values<float>()];
        Assert.IsTrue(factors.All(f => f is 0 or 2) && factors.Distinct().Count() == 2);
        float[] kept = [.. pass["dense1.relu"].Values<float>()];
        Assert.IsTrue(kept.Zip(factors).All(p => p.Second != 0 || p.First == 0));
        Tensor direction = RandomTensors.Floats(Shape.Of(4, 3), 9);
        Dictionary<string, Tensor> gradients = reverse.Backward(pass, direction);
        Compare(constants["dense1.weight"], gradients["dense1.weight"], () => Along(direction, reverse.Forward([input], constants, true, dropout)["scores"]), "dense1.weight");
    }

    private static (float[] Y, float[] Own, float[] Back) Through(bool isBehindConvolution, BinaryOperator how)
    {
        const int Channels = 5;
        var builder = new GraphBuilder();
        Tensor values = RandomTensors.Floats(Shape.Of(37, Channels, 3, 7), 3);
        ValueId input = builder.AddInput("input", Microsoft.ML.Quantization.Graphs.ValueType.Float(values.Shape));
        ValueId first = builder.Add(new Binary { Operator = BinaryOperator.Add, Inputs = [input, builder.AddConstant("x", Tensor.Allocate(ElementType.Float32, values.Shape), isTrainable: true)] });
        float[] identity = [.. Enumerable.Range(0, Channels * Channels).Select(i => i % (Channels + 1) == 0 ? 1f : 0f)];
        ValueId before = !isBehindConvolution ? first : builder.Add(new Convolution
        {
            Window = Window([1, 1], [1, 1], [1, 1], [0, 0], [0, 0]),
            Inputs = [first, builder.AddConstant("identity", Tensor.Create(Shape.Of(Channels, Channels, 1, 1), identity))],
        });
        ValueId own = builder.AddConstant("own", RandomTensors.Floats(Shape.Of(Channels, 1, 1), 5), isTrainable: true);
        builder.AddOutput(builder.Add(new Binary { Operator = how, Inputs = [before, own] }));
        Graph graph = builder.Build();
        var reverse = new ReverseMode(graph, graph.Outputs[0], KernelRegistry.Active, new ParallelPool(2));
        ForwardPass pass = reverse.Forward([values], new TrainingState(graph, 0).Constants, training: true);
        float[] y = [.. pass[reverse.OutputName].Values<float>()];
        using var interpreter = new Evaluator(graph, OperatorTable.Reference);
        CollectionAssert.AreEqual(interpreter.Run([values])[0].Values<float>().ToArray(), y);
        Dictionary<string, Tensor> gradients = reverse.Backward(pass, RandomTensors.Floats(values.Shape, 11));
        return (y, [.. gradients["own"].Values<float>()], [.. gradients["x"].Values<float>()]);
    }

    private static void Check(Case @case, float lift)
    {
        (Graph graph, Tensor zeros) = @case.Build(lift);
        var reverse = new ReverseMode(graph, graph.Outputs[0], KernelRegistry.Active, new ParallelPool(2));
        Dictionary<string, Tensor> constants = new TrainingState(graph, 0).Constants;
        ForwardPass pass = reverse.Forward([zeros], constants, training: true);
        Tensor direction = RandomTensors.Floats(pass[reverse.OutputName].Shape, 11);
        Dictionary<string, Tensor> gradients = reverse.Backward(pass, direction);
        foreach ((string name, Tensor constant) in constants.Where(c => !TrainableConstants.Statistics(graph).Contains(c.Key)))
        {
            Tensor gradient = gradients.GetValueOrDefault(name) ?? Tensor.Allocate(ElementType.Float32, constant.Shape);
            Compare(constant, gradient, () => Along(direction, reverse.Forward([zeros], constants, true)[reverse.OutputName]), name);
        }
    }

    private static void Compare(Tensor constant, Tensor gradient, Func<double> loss, string name)
    {
        Assert.AreEqual(constant.Shape, gradient.Shape);
        float largest = Math.Max(1, gradient.Values<float>().ToArray().Max(Math.Abs));
        var random = new CounterRandom(5);
        for (int sample = 0; sample < Math.Min(24, constant.Shape.Count); sample++)
        {
            int i = constant.Shape.Count <= 24 ? sample : random.Integer(sample, 0, constant.Shape.Count - 1);
            float value = constant.Values<float>()[i];
            constant.Writable<float>()[i] = value + Step;
            double above = loss();
            constant.Writable<float>()[i] = value - Step;
            double below = loss();
            constant.Writable<float>()[i] = value;
            double middle = loss();

            // Where the function bends within the step, the gradient lies between the slopes of the two sides; elsewhere it is their mean.
            double left = (middle - below) / Step;
            double right = (above - middle) / Step;
            double bend = Math.Abs(right - left) / 2;
            double tolerance = (0.004 * largest) + (bend > 0.05 * largest ? bend : 0);
            Assert.AreEqual((left + right) / 2, gradient.Values<float>()[i], tolerance, $"{name}[{i}]");
        }
    }

    private static double Along(Tensor direction, Tensor output)
    {
        double sum = 0;
        for (int i = 0; i < output.Shape.Count; i++)
        {
            sum += (double)direction.Values<float>()[i] * output.Values<float>()[i];
        }

        return sum;
    }

    private static Window Window(ImmutableArray<int> kernel, ImmutableArray<int> strides, ImmutableArray<int> dilations, ImmutableArray<int> begin, ImmutableArray<int> end)
        => new() { Kernel = kernel, Strides = strides, Dilations = dilations, PadsBegin = begin, PadsEnd = end };

    private static Case Convolution(
        int[] x, int[] weights, int groups, ImmutableArray<int> strides, ImmutableArray<int> dilations, ImmutableArray<int> begin, ImmutableArray<int> end) => new(
        x,
        [RandomTensors.Floats(Shape.Of(weights), 2, 1), RandomTensors.Floats(Shape.Of(weights[0]), 3)],
        new Convolution { Window = Window([.. weights[2..]], strides, dilations, begin, end), Groups = groups });

    private static Case Normalization(bool isTrained) => new(
        [35, 3, 4],
        [RandomTensors.Floats(Shape.Of(3), 2), RandomTensors.Floats(Shape.Of(3), 3), RandomTensors.Floats(Shape.Of(3), 4), RandomTensors.Floats(Shape.Of(3), 5, 0.5f, 2)],
        new BatchNormalization(),
        isTrained ? 4 : 2);

    private static Case Folded(float freezeAt) => new(
        [35, 3, 4],
        [RandomTensors.Floats(Shape.Of(35, 3, 4), 6), RandomTensors.Floats(Shape.Of(3), 2), RandomTensors.Floats(Shape.Of(3), 3), RandomTensors.Floats(Shape.Of(3), 4), RandomTensors.Floats(Shape.Of(3), 5, 0.5f, 2)],
        new FoldedNormalization { FreezeAt = freezeAt },
        TrainedOperands: 5);

    /// <summary>One node over a trainable first operand of distinct values 1/32 apart, none on a kink, and other operands.</summary>
    private sealed record Case(int[] Shape, Tensor[] Operands, Node Node, int TrainedOperands = 4)
    {
        public (Graph Graph, Tensor Zeros) Build(float lift)
        {
            Shape shape = Tensors.Shape.Of(Shape);
            var builder = new GraphBuilder();
            ValueId input = builder.AddInput("input", Microsoft.ML.Quantization.Graphs.ValueType.Float(shape));
            int[] order = Batches.Permutation(shape.Count, 4, 0);
            float spacing = MathF.Max(1f / 32, 4f / shape.Count);
            float[] values = [.. order.Select(o => ((o - (shape.Count / 2)) * spacing % 2.5f) + (spacing / 2) + lift)];
            ValueId x = builder.AddConstant("x", Tensor.Create(shape, values), isTrainable: true);
            ValueId sum = builder.Add(new Binary { Operator = BinaryOperator.Add, Inputs = [input, x] });
            ValueId[] operands = [.. Operands.Select((o, i) => builder.AddConstant($"p{i}", o, isTrainable: i < TrainedOperands))];
            builder.AddOutput(builder.Add(Node with { Inputs = [sum, .. operands] }));
            return (builder.Build(), Tensor.Allocate(ElementType.Float32, shape));
        }
    }
}
