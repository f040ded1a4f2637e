using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using System.Text;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;
using Microsoft.ML.Quantization.Serialization;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.QuantizationAware;

/// <summary>
/// What few levels do to the geometry of each layer (after Anderson and Berg, "The high-dimensional geometry of binary neural networks", 2018), as numbers that tell sick layers from sound ones.
/// </summary>
/// <param name="Rows">One a quantized weight, in the order of the graph.</param>
public sealed record LevelReport(ImmutableArray<LevelReport.Row> Rows)
{
    private const int MostChanges = 1 << 20;

    /// <summary>One layer.</summary>
    /// <param name="Name">The weights.</param>
    /// <param name="Method">Method and bits.</param>
    /// <param name="Inputs">n: products of one output.</param>
    /// <param name="Outputs">Output channels.</param>
    /// <param name="Cosine">Mean over channels of the cosine between weights and quantized weights; 0.798 for signs of Gaussian weights, 0.900 for their best ternary form.</param>
    /// <param name="SmallestCosine">The smallest of a channel.</param>
    /// <param name="Positive">Share of levels above 0; far from a half (a quarter for ternary ones) is unsound.</param>
    /// <param name="Zero">Share of levels that are 0 (those of dead channels count); about 0.42 to 0.46 for ternary ones.</param>
    /// <param name="Dead">Channels whose weights have all one level, or a size below 1e-9.</param>
    /// <param name="MeanSize">mean |w| of the latent weights.</param>
    /// <param name="Flipped">Share of levels that differ from those of an earlier graph; NaN without one.</param>
    /// <param name="Proportion">Correlation, over random Gaussian inputs, of w·a and ŵ·â with â the sign where activations have one bit, a where not; NaN for no channel that is alive.</param>
    public sealed record Row(
        string Name, string Method, int Inputs, int Outputs, double Cosine, double SmallestCosine, double Positive, double Zero, int Dead, double MeanSize, double Flipped, double Proportion)
    {
        /// <summary>Share of latent weights at the bound where they are clipped; NaN for none.</summary>
        public double AtBound { get; init; } = double.NaN;

        /// <summary>Share of inputs through which gradients pass; below 0.2 starves, 1 makes the window useless. NaN without rows, as the next ones.</summary>
        public double Window { get; init; } = double.NaN;

        /// <summary>Mean over channels of the entropy of the input's levels, in bits.</summary>
        public double Entropy { get; init; } = double.NaN;

        /// <summary>As <see cref="Proportion"/>, over inputs of real rows: w·a and ŵ·â.</summary>
        public double RowProportion { get; init; } = double.NaN;

        /// <summary>The angle of <see cref="Cosine"/> in degrees.</summary>
        public double Angle => Math.Acos(Math.Clamp(Cosine, -1, 1)) * 180 / Math.PI;

        /// <summary>10·log10 of signal over error at the best scale, −10·log10(1 − cos²); 4.40 dB for signs of Gaussian weights.</summary>
        public double SignalToNoise => -10 * Math.Log10(Math.Max(1e-12, 1 - (Cosine * Cosine)));
    }

    /// <summary>The report of a graph that still has the quantizers of training.</summary>
    /// <param name="trained">The graph.</param>
    /// <param name="earlier">The same graph at an earlier moment, to count levels that changed since; null for none.</param>
    /// <param name="values">Values of the graph on some rows in evaluation, by name (<see cref="Training.ActivationSample"/>); null leaves out what is said of inputs.</param>
    public static LevelReport Of(Graph trained, Graph? earlier = null, Func<string, Tensor>? values = null)
    {
        ArgumentNullException.ThrowIfNull(trained);
        Dictionary<string, Node> readers = trained.Nodes.SelectMany(n => n.Inputs.Select(i => (trained[i].Name, n))).GroupBy(p => p.Name).ToDictionary(g => g.Key, g => g.First().n, StringComparer.Ordinal);
        var rows = ImmutableArray.CreateBuilder<Row>();
        foreach (LearnedQuantize node in trained.Nodes.OfType<LearnedQuantize>().Where(n => n.Site == QuantizerSites.Weights))
        {
            LearnedQuantize? before = earlier?.Nodes.OfType<LearnedQuantize>().FirstOrDefault(n => n.Name == node.Name);
            bool isSigned = readers.TryGetValue(trained[node.Output].Name, out Node? layer) && trained.Nodes.OfType<LearnedQuantize>().Any(a => a.Output == layer.Inputs[0] && a.Method.Bits == 1);
            Row row = Layer(trained, node, before is null ? null : Hard(earlier!, before), isSigned);
            rows.Add(values is not null && layer is not null && LayerSample.Of(trained, layer, values) is { } sample ? WithInputs(row, Hard(trained, node), layer, sample) : row);
        }

        return new LevelReport(rows.ToImmutable());
    }

    /// <summary>cos∠(v, b); 0 where one of them is 0.</summary>
    public static double CosineOf(ReadOnlySpan<float> v, ReadOnlySpan<float> b)
    {
        (double product, double left, double right) = (0, 0, 0);
        for (int i = 0; i < v.Length; i++)
        {
            (product, left, right) = (product + ((double)v[i] * b[i]), left + ((double)v[i] * v[i]), right + ((double)b[i] * b[i]));
        }

        return left > 0 && right > 0 ? product / Math.Sqrt(left * right) : 0;
    }

    /// <summary>Facts for a model's metadata: one a layer.</summary>
    public IEnumerable<KeyValuePair<string, string>> Facts => Rows.Select(r => KeyValuePair.Create(
        "levels." + r.Name,
        string.Create(CultureInfo.InvariantCulture, $"{r.Method}; cosine {r.Cosine:F4} (least {r.SmallestCosine:F4}); above zero {r.Positive:F3}; zero {r.Zero:F3}; dead {r.Dead} of {r.Outputs}; flipped {Number(r.Flipped)}; proportion {Number(r.Proportion)}, on rows {Number(r.RowProportion)}; at bound {Number(r.AtBound)}; window {Number(r.Window)}; entropy {Number(r.Entropy)}")));

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
        text.AppendLine("| weights | method | n | channels | cosine mean/least | angle | dB | above 0 | zero | dead | mean size | at bound | flipped | proportion | on rows | window | entropy |");
        text.AppendLine("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|");
        foreach (Row r in Rows)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"| {r.Name} | {r.Method} | {r.Inputs} | {r.Outputs} | {r.Cosine:F4}/{r.SmallestCosine:F4} | {r.Angle:F1}° | {r.SignalToNoise:F2} | {r.Positive:F3} | {r.Zero:F3} | {r.Dead} | {r.MeanSize:G3} | {Number(r.AtBound)} | {Number(r.Flipped)} | {Number(r.Proportion)} | {Number(r.RowProportion)} | {Number(r.Window)} | {Number(r.Entropy)} |");
        }

        return text.ToString();
    }

    private static string Number(double value) => double.IsNaN(value) ? "-" : value.ToString("G3", CultureInfo.InvariantCulture);

    private static (float[] Weights, float[] Levels) Hard(Graph graph, LearnedQuantize node)
    {
        Tensor[] inputs = [QuantizedWeights.Values(graph, node)!, .. node.Inputs.Skip(1).Select(graph.ConstantOf)];
        Tensor y = Tensor.Allocate(ElementType.Float32, inputs[0].Shape);
        node.Evaluate(inputs, y, WorkerPool.Single);
        return (inputs[0].Values<float>().ToArray(), y.Values<float>().ToArray());
    }

    private static Row Layer(Graph graph, LearnedQuantize node, (float[] Weights, float[] Levels)? earlier, bool isSigned)
    {
        Shape shape = graph[node.Inputs[0]].Type.Shape;
        (float[] w, float[] y) = Hard(graph, node);
        int length = w.Length / shape[0];
        (float[] W, float[] Y)[] channels = [.. Enumerable.Range(0, shape[0]).Select(c => (w.AsSpan(c * length, length).ToArray(), y.AsSpan(c * length, length).ToArray()))];
        double[] cosines = [.. channels.Select(c => CosineOf(c.W, c.Y))];
        (float[] W, float[] Y)[] alive = [.. channels.Where(c => !IsDead(c.Y))];
        double flipped = earlier is { } old ? old.Levels.Zip(y, (a, b) => Math.Sign(a) != Math.Sign(b) ? 1.0 : 0).Average() : double.NaN;
        return new Row(
            graph[QuantizedWeights.Latent(graph, node)].Name,
            string.Create(CultureInfo.InvariantCulture, $"{node.Method.Name} {node.Method.Bits}"),
            length,
            shape[0],
            cosines.Average(),
            cosines.Min(),
            y.Count(v => v > 0) / (double)y.Length,
            y.Count(v => v == 0) / (double)y.Length,
            channels.Length - alive.Length,
            w.Average(v => Math.Abs((double)v)),
            flipped,
            Proportion(alive, length, isSigned))
        {
            AtBound = node.Method is FewLevelMethod method ? method.AtBound(graph.ConstantOf(node.Inputs[0])) : double.NaN,
        };
    }

    private static Row WithInputs(Row row, (float[] Weights, float[] Levels) weights, Node layer, LayerSample sample)
    {
        var pairs = new List<(double X, double Y)>();
        foreach ((float[] reals, float[] levels) in sample.Patches(layer, row.Inputs))
        {
            pairs.AddRange(Enumerable.Range(0, row.Outputs).Select(c => (Dot(weights.Weights.AsSpan(c * row.Inputs, row.Inputs), reals), Dot(weights.Levels.AsSpan(c * row.Inputs, row.Inputs), levels))));
        }

        return row with { Window = sample.Window(), Entropy = sample.Entropy(), RowProportion = Correlation(pairs) };
    }

    /// <summary>All of one level, or as good as zero.</summary>
    private static bool IsDead(float[] levels) => (levels.Length > 1 && !levels.AsSpan().ContainsAnyExcept(levels[0])) || levels.All(v => Math.Abs(v) < 1e-9f);

    /// <summary>Pearson's correlation over samples and channels.</summary>
    private static double Proportion((float[] W, float[] Y)[] channels, int length, bool isSigned)
    {
        if (channels.Length == 0)
        {
            return double.NaN;
        }

        int samples = Math.Clamp(MostChanges / Math.Max(1, channels.Length * length), 8, 256);
        var random = new CounterRandom(1);
        var pairs = new List<(double X, double Y)>();
        for (int sample = 0; sample < samples; sample++)
        {
            double[] a = [.. Enumerable.Range(0, length).Select(i => Gaussian(random, ((long)sample * length) + i))];
            pairs.AddRange(channels.Select(c => (Dot(c.W, a, false), Dot(c.Y, a, isSigned))));
        }

        return Correlation(pairs);
    }

    private static double Correlation(List<(double X, double Y)> pairs)
    {
        (double mx, double my) = (pairs.Average(p => p.X), pairs.Average(p => p.Y));
        double product = pairs.Sum(p => (p.X - mx) * (p.Y - my));
        double sizes = Math.Sqrt(pairs.Sum(p => (p.X - mx) * (p.X - mx)) * pairs.Sum(p => (p.Y - my) * (p.Y - my)));
        return sizes > 0 ? product / sizes : double.NaN;
    }

    private static double Dot(ReadOnlySpan<float> w, float[] a)
    {
        double sum = 0;
        for (int i = 0; i < w.Length; i++)
        {
            sum += (double)w[i] * a[i];
        }

        return sum;
    }

    private static double Dot(float[] w, double[] a, bool isSigned)
    {
        double sum = 0;
        for (int i = 0; i < w.Length; i++)
        {
            sum += w[i] * (isSigned ? (a[i] >= 0 ? 1 : -1) : a[i]);
        }

        return sum;
    }

    /// <summary>Twelve uniform numbers less six: variance 1, near enough to Gaussian here.</summary>
    private static double Gaussian(CounterRandom random, long index)
    {
        double sum = -6;
        for (int i = 0; i < 12; i++)
        {
            sum += random.Uniform((index * 12) + i);
        }

        return sum;
    }
}
