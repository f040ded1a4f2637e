using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Onnx.Import;

/// <summary>Pools.</summary>
internal static class PoolingOperators
{
    public static ImportValue MaxPool(NodeCall call)
    {
        call.RequireOutputs(1);
        return call.Emit(new MaxPool { Window = WindowReader.Read(call, null), CeilMode = call.Attributes.Flag("ceil_mode") }, call.Input(0));
    }

    public static ImportValue AveragePool(NodeCall call)
    {
        call.RequireFloat(0);
        var node = new AveragePool
        {
            Window = WindowReader.Read(call, null),
            CeilMode = call.Attributes.Flag("ceil_mode"),
            CountPadding = call.Attributes.Flag("count_include_pad"),
        };
        return call.Emit(node, call.Input(0));
    }

    /// <summary>(Σ |x|^p)^(1/p) of each window, by a mean that counts the padding.</summary>
    public static ImportValue LpPool(NodeCall call)
    {
        call.RequireFloat(0);
        call.RequireSupported(!call.Attributes.Flag("ceil_mode"), "ceil_mode is not supported");
        Window window = WindowReader.Read(call, null);
        long p = call.Attributes.Long("p", 2);
        call.RequireValid(p is > 0 and < 64, $"p from 1 to 63, found {p}");
        ImportValue x = call.Emit(new Unary { Operator = UnaryOperator.Abs }, call.Input(0));
        x = p == 1 ? x : call.Binary(BinaryOperator.Power, x, call.Scalar(p));
        x = call.Emit(new AveragePool { Window = window, CountPadding = true }, x);
        x = call.Binary(BinaryOperator.Multiply, x, call.Scalar(window.Kernel.Aggregate(1f, (a, k) => a * k)));
        return p == 1 ? x : call.Binary(BinaryOperator.Power, x, call.Scalar(1f / p));
    }

    public static ImportValue GlobalAveragePool(NodeCall call)
    {
        call.RequireFloat(0);
        return call.Emit(new GlobalAveragePool(), call.Input(0));
    }

    public static ImportValue GlobalMaxPool(NodeCall call) => Global(call, ReduceOperator.Maximum);

    public static ImportValue GlobalLpPool(NodeCall call)
    {
        long p = call.Attributes.Long("p", 2);
        call.RequireSupported(p is 1 or 2, $"p = {p} is not supported, 1 and 2 are");
        return Global(call, p == 1 ? ReduceOperator.L1 : ReduceOperator.L2);
    }

    private static ImportValue Global(NodeCall call, ReduceOperator reduce)
    {
        call.RequireFloat(0);
        Shape x = call.Shape(0);
        call.RequireValid(x.Rank >= 3, $"an input [N, C, spatial], found {x}");
        ImmutableArray<int> axes = [.. Enumerable.Range(2, x.Rank - 2)];
        return call.Emit(new Reduce { Operator = reduce, Axes = axes }, call.Input(0));
    }
}
