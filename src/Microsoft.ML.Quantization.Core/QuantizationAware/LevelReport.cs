using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Text;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.PostTraining;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Serialization;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.QuantizationAware;

/// <summary>
/// What few levels do to the geometry of each layer (after Anderson and Berg, "The high-dimensional geometry of binary neural networks", 2018), as numbers that tell sick layers from sound ones.
/// </summary>
/// <param name="Rows">One a quantized weight, in the order of the graph.</param>
public sealed partial record LevelReport(ImmutableArray<LevelReport.Row> Rows)
{
    private const string Head = "| weights | method | n | channels | levels a | cosine mean/least | angle | dB | above 0 | zero | dead | mean size | bound | at bound | flipped | by a step | soft gap | proportion | on rows | window | entropy | constant outputs | alarms |";

    /// <summary>The report of a graph that still has the quantizers of training.</summary>
    /// <param name="trained">The graph.</param>
    /// <param name="earlier">The same graph at an earlier moment, to count codes that changed since; null for none.</param>
    /// <param name="values">Values of the graph on some rows in evaluation, by name (<see cref="Training.ActivationSample"/>); null leaves out what is said of inputs.</param>
    /// <param name="end">The last step of training, at which soft levels and windows that change in the run are looked at; null for the first.</param>
    public static LevelReport Of(Graph trained, Graph? earlier = null, Func<string, Tensor>? values = null, MethodContext? end = null)
    {
        ArgumentNullException.ThrowIfNull(trained);
        Dictionary<string, Node> readers = trained.Nodes.SelectMany(n => n.Inputs.Select(i => (trained[i].Name, n))).GroupBy(p => p.Name).ToDictionary(g => g.Key, g => g.First().n, StringComparer.Ordinal);
        Dictionary<string, LearnedQuantize> before = (earlier?.Nodes.OfType<LearnedQuantize>() ?? []).ToDictionary(n => n.Name, StringComparer.Ordinal);
        var rows = ImmutableArray.CreateBuilder<Row>();
        foreach (LearnedQuantize node in trained.Nodes.OfType<LearnedQuantize>().Where(n => n.Site == QuantizerSites.Weights))
        {
            LayerInput? input = readers.TryGetValue(trained[node.Output].Name, out Node? layer) ? LayerInput.Of(trained, layer) : null;
            var geometry = new LevelGeometry(trained, node, end ?? MethodContext.Evaluation);
            Row row = geometry.Describe(before.TryGetValue(node.Name, out LearnedQuantize? old) ? (earlier!, old) : null, input?.Levels(trained) ?? InputLevels.Real);
            rows.Add(values is not null && layer is not null && input is not null ? geometry.WithInputs(row, layer, new LayerSample(trained, input, values, end ?? MethodContext.Evaluation)) : row);
        }

        return new LevelReport(rows.ToImmutable());
    }

    /// <summary>cos∠(v, b); 0 where one of them is 0.</summary>
    public static double CosineOf(ReadOnlySpan<float> v, ReadOnlySpan<float> b) => LevelGeometry.CosineOf(v, b);

    /// <summary>Facts for a model's metadata: one a layer.</summary>
    public IEnumerable<KeyValuePair<string, string>> Facts => Rows.Select(r => KeyValuePair.Create("levels." + r.Name, r.Fact));

    /// <summary>The report with the share of codes that the last step of training changed.</summary>
    /// <param name="flips">By weights (<see cref="Training.TrainingResult.Flips"/>).</param>
    public LevelReport WithFlips(IReadOnlyDictionary<string, float> flips)
    {
        ArgumentNullException.ThrowIfNull(flips);
        return this with { Rows = [.. Rows.Select(r => flips.TryGetValue(r.Name, out float share) ? r with { FlippedByStep = share } : r)] };
    }

    /// <summary>The report with the number of output channels that the integer network compares with thresholds out of reach.</summary>
    /// <param name="trained">The graph of the report.</param>
    /// <param name="lowered">What became of it.</param>
    public LevelReport WithConstantOutputs(Graph trained, QuantizationResult lowered)
    {
        ArgumentNullException.ThrowIfNull(trained);
        ArgumentNullException.ThrowIfNull(lowered);
        Dictionary<string, int> constant = ConstantOutputs.Of(trained, lowered);
        return this with { Rows = [.. Rows.Select(r => constant.TryGetValue(r.Name, out int channels) ? r with { ConstantOutputs = channels } : r)] };
    }

    /// <summary>The metadata with the report among its facts.</summary>
    public ModelMetadata AddTo(ModelMetadata metadata)
    {
        ArgumentNullException.ThrowIfNull(metadata);
        return metadata with { Facts = metadata.Facts.SetItems(Facts) };
    }

    /// <summary>The report as a table of text.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.AppendLine(Head);
        text.AppendLine("|" + string.Concat(Enumerable.Repeat("---|", Head.Count(c => c == '|') - 1)));
        foreach (Row r in Rows)
        {
            text.AppendLine(r.Line);
        }

        return text.ToString();
    }
}
