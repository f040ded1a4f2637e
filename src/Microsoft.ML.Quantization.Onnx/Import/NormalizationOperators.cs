using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Onnx.Import;

/// <summary>Normalisations and Softmax.</summary>
internal static class NormalizationOperators
{
    public static ImportValue BatchNormalization(NodeCall call)
    {
        call.RequireFloat(0, 1, 2, 3, 4);
        call.RequireSupported(!call.Attributes.Flag("training_mode"), "training_mode = 1 is not supported");
        call.RequireSupported(call.Attributes.Flag("spatial", true), "spatial = 0 is not supported");
        call.RequireSupported(call.OperatorSet >= 7 || call.Attributes.Flag("is_test"), "training (is_test = 0 of old operator sets) is not supported");
        call.RequireOutputs(1);
        var node = new BatchNormalization { Epsilon = call.Attributes.Float("epsilon", 1e-5f) };
        return call.Emit(node, call.Input(0), call.Input(1), call.Input(2), call.Input(3), call.Input(4));
    }

    public static ImportValue InstanceNormalization(NodeCall call)
    {
        call.RequireFloat(0, 1, 2);
        return call.Emit(new InstanceNormalization { Epsilon = call.Attributes.Float("epsilon", 1e-5f) }, call.Input(0), call.Input(1), call.Input(2));
    }

    public static ImportValue LocalResponseNormalization(NodeCall call)
    {
        call.RequireFloat(0);
        var node = new LocalResponseNormalization
        {
            Size = call.Attributes.Int("size", 0),
            Alpha = call.Attributes.Float("alpha", 1e-4f),
            Beta = call.Attributes.Float("beta", 0.75f),
            Bias = call.Attributes.Float("bias", 1),
        };
        return call.Emit(node, call.Input(0));
    }

    /// <summary>With mean and 1/√(variance + ε) as outputs 1 and 2 when the file reads them.</summary>
    public static ImportValue LayerNormalization(NodeCall call)
    {
        call.RequireFloat(0, 1, 2);
        ImportValue x = call.Input(0);
        int axis = call.Axis(call.Attributes.Long("axis", -1), x.Shape.Rank);
        float epsilon = call.Attributes.Float("epsilon", 1e-5f);
        if (call.Wants(1) || call.Wants(2))
        {
            ImmutableArray<int> axes = [.. Enumerable.Range(axis, x.Shape.Rank - axis)];
            ImportValue mean = call.Emit(new Reduce { Operator = ReduceOperator.Mean, Axes = axes }, x);
            ImportValue centered = call.Binary(BinaryOperator.Subtract, x, mean);
            ImportValue squares = call.Emit(new Reduce { Operator = ReduceOperator.Mean, Axes = axes }, call.Binary(BinaryOperator.Multiply, centered, centered));
            ImportValue root = call.Emit(new Unary { Operator = UnaryOperator.Sqrt }, call.Binary(BinaryOperator.Add, squares, call.Scalar(epsilon)));
            call.MoreOutputs[1] = mean;
            call.MoreOutputs[2] = call.Emit(new Unary { Operator = UnaryOperator.Reciprocal }, root);
        }

        var node = new LayerNormalization { Axis = axis, Epsilon = epsilon };
        return call.Has(2) ? call.Emit(node, x, call.Input(1), call.Input(2)) : call.Emit(node, x, call.Input(1));
    }

    /// <summary>x [N, C, ..] in groups of channels: an instance normalisation of [N, groups, rest], then scale and shift.</summary>
    public static ImportValue GroupNormalization(NodeCall call)
    {
        call.RequireFloat(0, 1, 2);
        Shape shape = call.Shape(0);
        int groups = call.Attributes.Int("num_groups", 0);
        call.RequireValid(shape.Rank >= 2 && shape[1] > 0 && groups > 0 && shape[1] % groups == 0, $"an input [N, C, ..] and num_groups that divide C, found {shape} and {groups}");
        int rest = NodeCallExtensions.Product(shape.Dimensions[1..]) is { IsBatch: false } product ? (int)product.Factor / groups : throw call.Unsupported("a free axis behind the batch");
        ImportValue x = call.ReshapeTo(call.Input(0), Shape.Of(shape[0], groups, rest));
        bool byGroup = call.Shape(1).FixedCount == groups && groups != shape[1];
        ImportValue one = byGroup ? call.Input(1) : Filled(call, groups, 1);
        ImportValue zero = byGroup ? call.Input(2) : Filled(call, groups, 0);
        x = call.Emit(new InstanceNormalization { Epsilon = call.Attributes.Float("epsilon", 1e-5f) }, x, one, zero);
        x = call.ReshapeTo(x, shape);
        if (byGroup)
        {
            return x;
        }

        var channel = new Shape([shape[1], .. Enumerable.Repeat(1, shape.Rank - 2)]);
        x = call.Binary(BinaryOperator.Multiply, x, call.ReshapeTo(call.Input(1), channel));
        return call.Binary(BinaryOperator.Add, x, call.ReshapeTo(call.Input(2), channel));
    }

    public static ImportValue Softmax(NodeCall call) => Softmax(call, false);

    public static ImportValue LogSoftmax(NodeCall call) => Softmax(call, true);

    /// <summary>From operator set 13 along one axis; before, over all axes from the given one on, flattened.</summary>
    private static ImportValue Softmax(NodeCall call, bool logarithm)
    {
        call.RequireFloat(0);
        ImportValue x = call.Input(0);
        bool flattens = call.OperatorSet < 13;
        int axis = call.Axis(call.Attributes.Long("axis", flattens ? 1 : -1), x.Shape.Rank);
        Symbol behind = NodeCallExtensions.Product(x.Shape.Dimensions[(axis + 1)..]);
        if (!flattens || behind == new Symbol(1, false))
        {
            return call.Emit(new Softmax { Axis = axis, Logarithm = logarithm }, x);
        }

        Symbol all = NodeCallExtensions.Product(x.Shape.Dimensions[axis..]);
        call.RequireSupported(!all.IsBatch, "a Softmax over the batch is not supported");
        ImportValue flat = call.ReshapeTo(x, new Shape([.. x.Shape.Dimensions[..axis], (int)all.Factor]));
        return call.ReshapeTo(call.Emit(new Softmax { Axis = axis, Logarithm = logarithm }, flat), x.Shape);
    }

    private static ImportValue Filled(NodeCall call, int count, float value)
        => call.NewConstant(Tensor.Create(Shape.Of(count), Enumerable.Repeat(value, count).ToArray()));
}
