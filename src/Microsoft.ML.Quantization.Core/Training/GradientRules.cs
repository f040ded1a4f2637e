using System;
using System.Collections.Frozen;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Training.Rules;

namespace Microsoft.ML.Quantization.Training;

/// <summary>The table node kind → gradient rule. A kind without a row can stand in a trained graph only where no gradient passes.</summary>
internal static class GradientRules
{
    private static readonly FrozenDictionary<Type, GradientRule> _rules = new Dictionary<Type, GradientRule>
    {
        [typeof(Convolution)] = new ConvolutionGradient(),
        [typeof(Dense)] = new DenseGradient(),
        [typeof(BatchNormalization)] = new BatchNormalizationGradient(),
        [typeof(MaxPool)] = new MaxPoolGradient(),
        [typeof(AveragePool)] = new AveragePoolGradient(),
        [typeof(GlobalAveragePool)] = new GlobalAveragePoolGradient(),
        [typeof(Unary)] = new UnaryGradient(),
        [typeof(Binary)] = new BinaryGradient(),
        [typeof(Concat)] = new ConcatGradient(),
        [typeof(Gather)] = new GatherGradient(),
        [typeof(Pad)] = new PadGradient(),
        [typeof(Reshape)] = new ReshapeGradient(),
        [typeof(Transpose)] = new TransposeGradient(),
        [typeof(LearnedQuantize)] = new LearnedQuantizeGradient(),
        [typeof(FoldedWeights)] = new FoldedWeightsGradient(),
        [typeof(FoldedNormalization)] = new FoldedNormalizationGradient(),
        [typeof(Softmax)] = new SoftmaxGradient(),
    }.ToFrozenDictionary();

    /// <summary>The kinds that have a rule.</summary>
    public static IEnumerable<Type> Kinds => _rules.Keys;

    /// <summary>The rule of a node, if it has one.</summary>
    public static bool TryFind(Node node, [NotNullWhen(true)] out GradientRule? rule) => _rules.TryGetValue(node.GetType(), out rule) && rule.Covers(node);
}
