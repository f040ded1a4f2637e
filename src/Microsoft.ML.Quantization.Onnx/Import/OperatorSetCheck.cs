using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Microsoft.ML.Quantization.Onnx.Proto;

namespace Microsoft.ML.Quantization.Onnx.Import;

/// <summary>Refuses what cannot be imported before anything is built, all of it in one message.</summary>
internal static class OperatorSetCheck
{
    /// <summary>The version of the default operator set.</summary>
    public static int VersionOf(ModelMessage model)
    {
        long[] versions = [.. model.OperatorSets.Where(s => s.Domain is "" or "ai.onnx").Select(s => s.Version)];
        return versions.Length == 1 && versions[0] is > 0 and < 10_000
            ? (int)versions[0]
            : throw new QuantizationException(
                QuantizationErrorCode.UnsupportedOperatorSet,
                string.Create(CultureInfo.InvariantCulture, $"Model: expected one version of the default operator set, found {(versions.Length == 0 ? "none" : string.Join(", ", versions))}."));
    }

    /// <summary>Checks all nodes.</summary>
    public static void Check(IReadOnlyList<NodeMessage> nodes, int operatorSet, List<string> warnings)
    {
        NodeMessage[] nested = [.. nodes.Where(n => n.Attributes.Any(a => a.Graph is not null || a.Graphs.Count > 0))];
        if (nested.Length > 0)
        {
            throw new QuantizationException(QuantizationErrorCode.UnsupportedSubgraph, $"Graph: expected no nodes that hold graphs, found {Counted(nested)}. Export the model without control flow.");
        }

        NodeMessage[] unknown = [.. nodes.Where(n => OperatorList.Find(n.Operator, n.Domain) is null)];
        if (unknown.Length > 0)
        {
            throw new QuantizationException(QuantizationErrorCode.UnsupportedOperator, $"Graph: expected operators that {nameof(OnnxOperators)}.{nameof(OnnxOperators.All)} lists, found {Counted(unknown)} (operator set {operatorSet}), the first being '{Name(unknown[0])}'. Export the model with other operators, or cut these parts off and compute them outside.");
        }

        NodeMessage[] old = [.. nodes.Where(n => OperatorList.Find(n.Operator, n.Domain)!.Operator.Since > operatorSet)];
        if (old.Length > 0)
        {
            throw new QuantizationException(QuantizationErrorCode.UnsupportedOperatorSet, $"Graph: expected operator set 7 to {OnnxOperators.NewestOperatorSet}, found {operatorSet} with {Counted(old)}, which meant something else then. Convert the file to a newer operator set.");
        }

        if (operatorSet > OnnxOperators.NewestOperatorSet)
        {
            warnings.Add($"Operator set {operatorSet} is newer than {OnnxOperators.NewestOperatorSet}; operators were read as of the latter.");
        }
    }

    private static string Name(NodeMessage node) => node.Name.Length > 0 ? node.Name : node.Outputs.FirstOrDefault() ?? string.Empty;

    private static string Counted(IEnumerable<NodeMessage> nodes) => string.Join(", ", nodes
        .GroupBy(n => n.Domain is "" or "ai.onnx" ? n.Operator : $"{n.Domain}.{n.Operator}")
        .OrderBy(g => g.Key, System.StringComparer.Ordinal)
        .Take(100)
        .Select(g => string.Create(CultureInfo.InvariantCulture, $"{g.Key} ({g.Count()})")));
}
