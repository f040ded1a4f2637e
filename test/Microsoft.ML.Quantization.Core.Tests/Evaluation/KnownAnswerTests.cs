using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.ML.Quantization.Threading;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using ValueType = Microsoft.ML.Quantization.Graphs.ValueType;

namespace Microsoft.ML.Quantization.Core.Tests.Evaluation;

/// <summary>Numbers worked out by hand; both operator tables must give them.</summary>
[TestClass]
[TestCategory("Portable")]
public sealed class KnownAnswerTests
{
    private static readonly AffineQuantization _bytes = Quantizer(8, signed: false, 1, 0);

    [TestMethod]
    public void Convolution_multiplies_without_flipping_and_skips_padding()
    {
        var node = new Convolution { Window = GraphCases.Window(2, 2) };
        Tensor x = Floats([1, 1, 3, 3], 1, 2, 3, 4, 5, 6, 7, 8, 9);
        Tensor w = Floats([1, 1, 2, 2], 1, 2, 3, 4);
        Equal(node, [37, 47, 67, 77], x, w);
        Equal(node, [47, 57, 77, 87], x, w, Floats([1], 10));
        Equal(node with { Activation = new Activation(40, 70) }, [40, 47, 67, 70], x, w);
        Equal(node with { Window = GraphCases.Window(2, 2, stride: 3, pad: 1) }, [1 * 4, 3 * 3, 7 * 2, 9 * 1], x, w);
    }

    [TestMethod]
    public void Dilation_spreads_the_taps()
        => Equal(new Convolution { Window = GraphCases.Window(1, 2, dilation: 2) }, [31, 42, 53], Floats([1, 1, 5], 1, 2, 3, 4, 5), Floats([1, 1, 2], 1, 10));

    [TestMethod]
    public void Groups_see_their_own_channels()
        => Equal(new Convolution { Window = GraphCases.Window(1, 1), Groups = 2 }, [10, 20, 300, 400], Floats([1, 2, 2], 1, 2, 3, 4), Floats([2, 1, 1], 10, 100));

    [TestMethod]
    public void Transposed_convolution_adds_overlapping_stamps()
        => Equal(new ConvolutionTranspose { Window = GraphCases.Window(1, 3, stride: 2), OutputPadding = [0] }, [1, 10, 102, 20, 200], Floats([1, 1, 2], 1, 2), Floats([1, 1, 3], 1, 10, 100));

    [TestMethod]
    public void Requantization_rounds_ties_to_even_and_clamps_before_converting()
    {
        var node = new Requantize { Multipliers = [0.5f], Offsets = [0], Minimum = 0, Maximum = 255, Result = Quantizer(8, signed: false, 1, 3) };
        Tensor accumulators = Tensor.Create<int>(Shape.Of(1, 9), [1, 3, 5, -1, -3, -100, 1000, int.MaxValue, int.MinValue]);
        CodesEqual(node, [3, 5, 5, 3, 1, 0, 255, 255, 0], (accumulators, null));
        CodesEqual(node with { Offsets = [0.5f] }, [4, 5, 6], (Tensor.Create<int>(Shape.Of(1, 3), [1, 2, 5]), null));
    }

    [TestMethod]
    public void Codes_lose_their_zero_point_before_they_are_requantized()
    {
        var node = new Requantize { Multipliers = [2], Offsets = [0], Minimum = 1, Maximum = 255, Result = _bytes };
        CodesEqual(node, [1, 2, 1], (Bytes([1, 3], 5, 6, 0), Quantizer(8, signed: false, 1, 5)));
    }

    [TestMethod]
    public void Residual_add_rounds_the_sum_once()
    {
        var node = new IntegerAdd { LeftMultiplier = 0.5f, RightMultiplier = 0.5f, Minimum = 0, Maximum = 255, Result = _bytes };
        CodesEqual(node, [2, 4, 3], (Bytes([3], 7, 8, 9), Quantizer(8, signed: false, 1, 3)), (Bytes([3], 1, 2, 0), _bytes));
    }

    [TestMethod]
    public void Integer_padding_contributes_nothing_whatever_the_zero_point()
    {
        var node = new IntegerConvolution { Window = GraphCases.Window(1, 2, pad: 1) };
        Graph graph = Build(node, [(Bytes([1, 1, 2], 5, 7), Quantizer(8, signed: false, 1, 5))], [(Tensor.Create<sbyte>(Shape.Of(1, 1, 2), [1, 1]), Quantizer(8, signed: true, 1, 0))]);
        ForBoth(graph, [Bytes([1, 1, 2], 5, 7)], t => CollectionAssert.AreEqual(new[] { 0, 2, 2 }, t.Values<int>().ToArray()));
    }

    [TestMethod]
    public void Average_pool_counts_as_told()
    {
        Tensor x = Floats([1, 1, 2, 2], 1, 2, 3, 4);
        var node = new AveragePool { Window = GraphCases.Window(2, 2, pad: 1) };
        Equal(node, [1, 1.5f, 2, 2, 2.5f, 3, 3, 3.5f, 4], x);
        Equal(node with { CountPadding = true }, [0.25f, 0.75f, 0.5f, 1, 2.5f, 1.5f, 0.75f, 1.75f, 1], x);
    }

    [TestMethod]
    public void A_window_that_rounding_up_pushes_over_the_edge_counts_only_what_exists()
    {
        var node = new AveragePool { Window = GraphCases.Window(1, 3, stride: 2), CeilMode = true, CountPadding = true };
        Equal(node, [2, 3.5f], Floats([1, 1, 4], 1, 2, 3, 4));
    }

    [TestMethod]
    public void Integer_average_pool_takes_the_zero_point_off_and_rounds_ties_to_even()
    {
        var node = new IntegerAveragePool { Window = GraphCases.Window(1, 2), Multiplier = 1, Result = _bytes };
        AffineQuantization ten = Quantizer(8, signed: false, 1, 10);
        CodesEqual(node, [2], (Bytes([1, 1, 2], 11, 12), ten));
        node = node with { Window = GraphCases.Window(1, 2, stride: 2, pad: 1) };
        CodesEqual(node, [1, 2], (Bytes([1, 1, 2], 11, 12), ten));
        CodesEqual(node with { CountPadding = true }, [0, 1], (Bytes([1, 1, 2], 11, 12), ten));
        CodesEqual(node with { IsGlobal = true }, [2], (Bytes([1, 1, 2], 11, 12), ten));
    }

    [TestMethod]
    public void Response_normalization_looks_further_forward_than_back()
    {
        Tensor x = Floats([1, 3, 1], 1, 2, 3);
        var node = new LocalResponseNormalization { Size = 3, Alpha = 3, Beta = 1, Bias = 1 };
        Near(node, [1 / 6.0, 2 / 15.0, 3 / 14.0], x);
        Near(node with { Size = 2, Alpha = 2 }, [1 / 6.0, 2 / 14.0, 3 / 10.0], x);
    }

    [TestMethod]
    public void Softmax_of_logarithms_gives_shares()
    {
        Tensor x = Floats([1, 3], 0, 0.6931472f, 1.0986123f);
        Near(new Softmax(), [1 / 6.0, 2 / 6.0, 3 / 6.0], x);
        Near(new Softmax { Logarithm = true }, [-1.791759469, -1.098612289, -0.693147181], x);
        Near(new Softmax { Axis = 0 }, [1, 1, 1], x);
    }

    [TestMethod]
    public void Resize_places_samples_as_onnx_says()
    {
        Tensor x = Floats([1, 2], 1, 2);
        var node = new Resize { Mode = ResizeMode.Linear, Coordinates = ResizeCoordinates.HalfPixel, Sizes = [0, 4], Scales = [1, 2] };
        Equal(node, [1, 1.25f, 1.75f, 2], x);
        Equal(node with { Mode = ResizeMode.Nearest, Coordinates = ResizeCoordinates.Asymmetric, Nearest = ResizeNearest.Floor }, [1, 1, 2, 2], x);
        Equal(node with { Coordinates = ResizeCoordinates.AlignCorners, Sizes = [0, 3], Scales = [1, 1.5f] }, [1, 1.5f, 2], x);
        node = node with { Mode = ResizeMode.Cubic, Coordinates = ResizeCoordinates.Asymmetric, Sizes = [0, 8] };
        float[] cubic = Run(node, Floats([1, 4], 1, 2, 4, 8));
        Assert.AreEqual(2f, cubic[2]);
        Assert.AreEqual(2.71875f, cubic[3]);
    }

    [TestMethod]
    public void Normalisations_center_and_scale()
    {
        Equal(new LayerNormalization { Epsilon = 0 }, [8, 23], Floats([1, 2], 1, 3), Floats([2], 2, 3), Floats([2], 10, 20));
        Equal(new InstanceNormalization { Epsilon = 0 }, [8, 12], Floats([1, 1, 2], 1, 3), Floats([1], 2), Floats([1], 10));
        Equal(new BatchNormalization { Epsilon = 0 }, [3], Floats([1, 1], 5), Floats([1], 2), Floats([1], 1), Floats([1], 3), Floats([1], 4));
    }

    [TestMethod]
    public void Fake_quantization_rounds_ties_to_even_and_sends_nan_to_zero()
    {
        var node = new FakeQuantize { Code = new CodeType(new BitWidth(4), Signed: false), Range = IntegerRange.Unsigned(4) };
        Graph graph = Build(node, [(Floats([6], 0, 0, 0, 0, 0, 0), null)], [(Floats([1], 0.5f), null), (Tensor.Create<int>(Shape.Of(1), [2]), null)]);
        ForBoth(graph, [Floats([6], 0.75f, 0.25f, -5, 100, float.NaN, -0.75f)], t => CollectionAssert.AreEqual(new[] { 1, 0, -1, 6.5f, 0, -1 }, t.Values<float>().ToArray()));
    }

    [TestMethod]
    public void Casts_truncate_and_saturate()
    {
        Tensor x = Floats([6], 3e9f, -1.7f, float.NaN, 300, -3e9f, 0.4f);
        Graph graph = Build(new Cast { To = ElementType.Int32 }, [(x, null)], []);
        ForBoth(graph, [x], t => CollectionAssert.AreEqual(new[] { int.MaxValue, -1, 0, 300, int.MinValue, 0 }, t.Values<int>().ToArray()));
        graph = Build(new Cast { To = ElementType.UInt8 }, [(x, null)], []);
        ForBoth(graph, [x], t => CollectionAssert.AreEqual(new byte[] { 255, 0, 0, 255, 0, 0 }, t.Values<byte>().ToArray()));
    }

    [TestMethod]
    public void Reflection_does_not_repeat_the_edge()
        => Equal(new Pad { Mode = PadMode.Reflect, Before = [2], After = [1] }, [3, 2, 1, 2, 3, 2], Floats([3], 1, 2, 3));

    [TestMethod]
    public void Max_pool_of_padding_only_gives_the_lowest_code()
    {
        var node = new MaxPool { Window = GraphCases.Window(1, 1, pad: 1) };
        AffineQuantization four = Quantizer(4, signed: true, 1, 0);
        Tensor x = Tensor.Create<sbyte>(Shape.Of(1, 1, 1), [-3]);
        ForBoth(Build(node, [(x, four)], []), [x], t => CollectionAssert.AreEqual(new sbyte[] { -8, -3, -8 }, t.Values<sbyte>().ToArray()));
    }

    private static AffineQuantization Quantizer(int bits, bool signed, float scale, int zero)
    {
        var code = new CodeType(new BitWidth(bits), signed);
        return AffineQuantization.PerTensor(code, code.Range, new AffineParameters(scale, zero));
    }

    private static Tensor Floats(ImmutableArray<int> shape, params float[] values) => Tensor.Create(new Shape(shape), values);

    private static Tensor Bytes(ImmutableArray<int> shape, params byte[] values) => Tensor.Create(new Shape(shape), values);

    private static Graph Build(Node node, (Tensor Tensor, AffineQuantization? Quantizer)[] inputs, (Tensor Tensor, AffineQuantization? Quantizer)[] constants)
    {
        var builder = new GraphBuilder();
        var ids = new List<ValueId>();
        foreach ((Tensor tensor, AffineQuantization? quantizer) in inputs)
        {
            ids.Add(builder.AddInput($"input{ids.Count}", new ValueType(tensor.Type, tensor.Shape, quantizer)));
        }

        ids.AddRange(constants.Select(c => builder.AddConstant("constant", c.Tensor, c.Quantizer)));
        builder.AddOutput(builder.Add(node with { Inputs = [.. ids] }));
        return builder.Build();
    }

    private static void ForBoth(Graph graph, Tensor[] inputs, System.Action<Tensor> check)
    {
        foreach (OperatorTable table in new[] { OperatorTable.Reference, OperatorTable.Fast(KernelRegistry.Active, WorkerPool.Single) })
        {
            using var evaluator = new Evaluator(graph, table);
            check(evaluator.Run(inputs)[0]);
        }
    }

    private static float[] Run(Node node, params Tensor[] inputs)
    {
        float[] result = [];
        ForBoth(Build(node, [.. inputs.Select(i => (i, (AffineQuantization?)null))], []), inputs, t => result = t.Values<float>().ToArray());
        return result;
    }

    private static void Equal(Node node, float[] expected, params Tensor[] inputs)
        => ForBoth(Build(node, [.. inputs.Select(i => (i, (AffineQuantization?)null))], []), inputs, t => CollectionAssert.AreEqual(expected, t.Values<float>().ToArray()));

    private static void Near(Node node, double[] expected, params Tensor[] inputs)
        => ForBoth(Build(node, [.. inputs.Select(i => (i, (AffineQuantization?)null))], []), inputs, t =>
        {
            for (int i = 0; i < expected.Length; i++)
            {
                Assert.AreEqual(expected[i], t.Values<float>()[i], 1e-6);
            }
        });

    private static void CodesEqual(Node node, byte[] expected, params (Tensor Tensor, AffineQuantization? Quantizer)[] inputs)
        => ForBoth(Build(node, inputs, []), [.. inputs.Select(i => i.Tensor)], t => CollectionAssert.AreEqual(expected, t.Values<byte>().ToArray()));
}
