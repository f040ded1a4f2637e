using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using Microsoft.ML.Quantization.Calibration.Weights;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Serialization;

namespace Microsoft.ML.Quantization.PostTraining;

/// <summary>
/// Makes a cheaper model of one with <see cref="QuantizationScheme.TernaryTerms"/> (ternary residual networks, Kundu et al., 2017): the last terms of every block are left out, and with them their
/// integer layers. Needs no data: ranges and biases stay as fitted (biases were corrected for all terms). The dearer model stays as it is; keep its file to go back up.
/// </summary>
/// <remarks>
/// Left out: a model in memory does not change its number of terms from run to run, and one cut can not spare the blocks that would lose most. For a smaller budget spent where it helps most,
/// fit again with fewer <see cref="TernaryTerms.ExtraTerms"/>: its terms are a part of those of the larger budget.
/// </remarks>
public static class TernaryTermDowngrade
{
    /// <summary>The fact of a document that names the most terms of a block.</summary>
    public const string Fact = "ternary.terms";

    private const string Extra = "ternary.extra";

    /// <summary>Leaves out all terms of a block but the first ones.</summary>
    /// <param name="document">A document of post-training quantization with ternary terms, from a <see cref="QuantizationResult"/> or a file.</param>
    /// <param name="terms">Terms that a block may keep, from 1; as many as the document has, or more, leave it as it is.</param>
    /// <param name="engine">Runs the result; it must agree with the interpreter on as many rows as when it was fitted.</param>
    /// <returns>The cheaper document, verified.</returns>
    /// <exception cref="QuantizationException">
    /// <see cref="QuantizationErrorCode.InvalidOptions"/>: less than 1 term, or a document without ternary terms; <see cref="QuantizationErrorCode.VerificationFailed"/>.
    /// </exception>
    public static ModelDocument Run(ModelDocument document, int terms, IGraphRunnerFactory engine)
    {
        ArgumentNullException.ThrowIfNull(document);
        ArgumentNullException.ThrowIfNull(engine);
        if (terms < 1)
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidOptions, FormattableString.Invariant($"{nameof(terms)}: expected 1 or more terms to keep, found {terms}."));
        }

        ModelMetadata metadata = document.Metadata;
        if (!metadata.Facts.TryGetValue(Fact, out string? most) || !int.TryParse(most, CultureInfo.InvariantCulture, out int had))
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidOptions, $"Model: expected ternary terms, found no fact '{Fact}'. Fit it with {nameof(QuantizationScheme)}.{nameof(QuantizationScheme.TernaryTerms)}.");
        }

        if (terms >= had)
        {
            return document;
        }

        Graph graph = Cut(document.Graph, terms);
        (int rows, ulong seed) = metadata.ReferenceRuns is [var first, ..] ? (first.Batch, first.Seed) : (1, 0);
        return new ModelDocument(graph, document.Signature, metadata with
        {
            Facts = metadata.Facts.SetItem(Fact, FormattableString.Invariant($"{terms}")).Remove(Extra),
            ReferenceRuns = [ModelVerification.Run(graph, document.Signature, engine, rows, seed)],
        });
    }

    /// <summary>Facts with the number of terms.</summary>
    internal static ImmutableSortedDictionary<string, string> Told(ImmutableSortedDictionary<string, string> facts, TernaryTermPlan? plan)
        => plan is null ? facts : facts.SetItem(Fact, FormattableString.Invariant($"{plan.Most}"))
            .SetItem("ternary.blocks", FormattableString.Invariant($"{plan.Blocks}"))
            .SetItem(Extra, FormattableString.Invariant($"{plan.Extra}"));

    private static Graph Cut(Graph graph, int terms)
    {
        Node?[] producers = graph.Producers();
        Graph cut = PassWalk.Rewrite(graph, (rewriter, node) =>
        {
            if (node is not CombineAccumulators combine || !combine.Inputs.All(i => IsTerm(graph, producers[i.Index])))
            {
                return false;
            }

            CombineAccumulators less = Cut(combine, producers, terms);
            rewriter.Emit(node, less with { Inputs = rewriter.Map(less.Inputs) });
            return true;
        });
        Graph result = RemoveDead.Run(cut);
        GraphVerifier.Verify(result);
        return result;
    }

    /// <summary>The accumulators of the first terms: those of one run of channels read the same input, in the order of terms.</summary>
    private static CombineAccumulators Cut(CombineAccumulators combine, Node?[] producers, int terms)
    {
        var seen = new Dictionary<ValueId, int>();
        var kept = new List<int>();
        for (int i = 0; i < combine.Inputs.Length; i++)
        {
            ValueId source = producers[combine.Inputs[i].Index]!.Inputs[0];
            int term = seen.GetValueOrDefault(source);
            seen[source] = term + 1;
            if (term < terms)
            {
                kept.Add(i);
            }
        }

        int channels = combine.Multipliers.Length / combine.Inputs.Length;
        return combine with
        {
            Inputs = [.. kept.Select(i => combine.Inputs[i])],
            Multipliers = [.. kept.SelectMany(i => combine.Multipliers.AsSpan(i * channels, channels).ToArray())],
        };
    }

    private static bool IsTerm(Graph graph, Node? node) => node is IntegerConvolution or IntegerDense
        && graph[node.Inputs[1]] is { Constant: not null, Type.Quantization: { Code: { Signed: true, Bits.Bits: 2 }, Range: { Min: -1, Max: 1 } } };
}
