using System;
using System.Collections.Frozen;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Graphs.Rules;

namespace Microsoft.ML.Quantization.Graphs;

/// <summary>The one list of node kinds: how to read each from attributes and which outputs its inputs give.</summary>
public static class NodeCatalog
{
    private static readonly FrozenDictionary<Type, NodeKind> _byType = All().ToFrozenDictionary(k => k.Type);
    private static readonly FrozenDictionary<string, NodeKind> _byName = _byType.Values.ToFrozenDictionary(k => k.Type.Name, StringComparer.Ordinal);

    /// <summary>All kinds, by name.</summary>
    public static IEnumerable<NodeKind> Kinds => _byName.OrderBy(k => k.Key, StringComparer.Ordinal).Select(k => k.Value);

    /// <summary>The kind of a node.</summary>
    public static NodeKind KindOf(Node node)
    {
        ArgumentNullException.ThrowIfNull(node);
        return _byType[node.GetType()];
    }

    /// <summary>The types of a node's outputs.</summary>
    /// <exception cref="QuantizationException">The rule refuses; the message names the node.</exception>
    public static ImmutableArray<ValueType> Infer(Node node, ImmutableArray<Value> inputs)
    {
        NodeKind kind = KindOf(node);
        var context = new RuleContext(node, inputs);
        CodebookRules.Check(context);
        ActivationRules.Check(context);
        return kind.Rule(context);
    }

    /// <summary>Makes a node of the named kind.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.UnsupportedOperator"/> for an unknown kind; InvalidAttribute.</exception>
    public static Node Read(string kind, NodeAttributes attributes) => _byName.TryGetValue(kind, out NodeKind? found)
        ? found.Read(attributes)
        : throw new QuantizationException(QuantizationErrorCode.UnsupportedOperator, $"Node kind: expected one of this version's kinds, found '{kind}'.");

    private static NodeKind[] All() =>
    [
        new(typeof(Convolution), Convolution.Read, LinearRules.Convolution),
        new(typeof(ConvolutionTranspose), ConvolutionTranspose.Read, LinearRules.ConvolutionTranspose),
        new(typeof(Dense), Dense.Read, LinearRules.Dense),
        new(typeof(MatMul), _ => new MatMul(), LinearRules.MatMul),
        new(typeof(Unary), Unary.Read, ElementwiseRules.Unary),
        new(typeof(Binary), Binary.Read, ElementwiseRules.Binary),
        new(typeof(Where), _ => new Where(), ElementwiseRules.Where),
        new(typeof(Cast), Cast.Read, ElementwiseRules.Cast),
        new(typeof(MaxPool), MaxPool.Read, PoolingRules.MaxPool),
        new(typeof(AveragePool), AveragePool.Read, PoolingRules.AveragePool),
        new(typeof(GlobalAveragePool), _ => new GlobalAveragePool(), PoolingRules.GlobalAveragePool),
        new(typeof(BatchNormalization), BatchNormalization.Read, NormalizationRules.BatchNormalization),
        new(typeof(LayerNormalization), LayerNormalization.Read, NormalizationRules.LayerNormalization),
        new(typeof(InstanceNormalization), InstanceNormalization.Read, NormalizationRules.InstanceNormalization),
        new(typeof(LocalResponseNormalization), LocalResponseNormalization.Read, NormalizationRules.LocalResponseNormalization),
        new(typeof(Softmax), Softmax.Read, NormalizationRules.Softmax),
        new(typeof(Reduce), Reduce.Read, ReductionRules.Reduce),
        new(typeof(Concat), Concat.Read, StructuralRules.Concat),
        new(typeof(Slice), Slice.Read, StructuralRules.Slice),
        new(typeof(Split), Split.Read, StructuralRules.Split),
        new(typeof(Pad), Pad.Read, StructuralRules.Pad),
        new(typeof(Gather), Gather.Read, StructuralRules.Gather),
        new(typeof(Transpose), Transpose.Read, StructuralRules.Transpose),
        new(typeof(Reshape), Reshape.Read, ReshapeRules.Reshape),
        new(typeof(Expand), Expand.Read, ReshapeRules.Expand),
        new(typeof(Resize), Resize.Read, ReshapeRules.Resize),
        new(typeof(FakeQuantize), FakeQuantize.Read, QuantizationRules.FakeQuantize),
        new(typeof(LearnedQuantize), LearnedQuantize.Read, QuantizationRules.LearnedQuantize),
        new(typeof(FoldedWeights), FoldedWeights.Read, NormalizationRules.FoldedWeights),
        new(typeof(FoldedNormalization), FoldedNormalization.Read, NormalizationRules.FoldedNormalization),
        new(typeof(Quantize), Quantize.Read, QuantizationRules.Quantize),
        new(typeof(Dequantize), _ => new Dequantize(), QuantizationRules.Dequantize),
        new(typeof(IntegerConvolution), IntegerConvolution.Read, IntegerRules.Convolution),
        new(typeof(IntegerDense), _ => new IntegerDense(), IntegerRules.Dense),
        new(typeof(IntegerMatMul), _ => new IntegerMatMul(), IntegerRules.MatMul),
        new(typeof(GroupedDense), GroupedDense.Read, IntegerRules.GroupedDense),
        new(typeof(Requantize), Requantize.Read, IntegerRules.Requantize),
        new(typeof(DequantizeAccumulator), DequantizeAccumulator.Read, IntegerRules.DequantizeAccumulator),
        new(typeof(IntegerAdd), IntegerAdd.Read, IntegerRules.Add),
        new(typeof(IntegerMultiply), IntegerMultiply.Read, IntegerRules.Multiply),
        new(typeof(IntegerAveragePool), IntegerAveragePool.Read, IntegerRules.AveragePool),
        new(typeof(LookupTable), LookupTable.Read, IntegerRules.LookupTable),
        new(typeof(Staircase), _ => new Staircase(), StaircaseRules.Staircase),
        new(typeof(Thresholds), Thresholds.Read, StaircaseRules.Thresholds),
        new(typeof(CombineAccumulators), CombineAccumulators.Read, StaircaseRules.CombineAccumulators),
    ];
}
