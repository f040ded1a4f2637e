using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using System.Threading;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Calibration.Biases;

/// <summary>
/// Takes the mean error that quantization causes out of the biases: b ← b − (mean of the quantized output − mean of the float output) for each output channel,
/// layer by layer in topological order, each layer reading the quantized and already corrected values before it. Means are over rows and positions, before the
/// clamp behind the layer. A layer without a bias gets one. The means are exact sums, so the result does not depend on how rows are cut into batches.
/// Source: Nagel et al., "Data-free quantization through weight equalization and bias correction" (2019), empirical form.
/// </summary>
public static class BiasCorrection
{
    /// <summary>Corrects a graph.</summary>
    /// <param name="floatGraph">The float graph.</param>
    /// <param name="quantized">The same with FakeQuantize nodes; layers have the same names.</param>
    /// <param name="batches">Calibration rows; read once for the float graph and once for each layer, with the same rows each time.</param>
    /// <param name="evaluator">Runs a graph, for example an evaluator's <c>Run</c>.</param>
    /// <param name="options">Limits.</param>
    /// <param name="progress">Told after each pass: stage "bias correction", passes done, passes in all.</param>
    /// <param name="cancellationToken">Looked at before each batch.</param>
    /// <exception cref="QuantizationException">
    /// <see cref="QuantizationErrorCode.EmptyCalibrationData"/>; <see cref="QuantizationErrorCode.InconsistentData"/> when a later pass has another number of rows.
    /// </exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static BiasCorrectionResult Run(
        Graph floatGraph,
        Graph quantized,
        IEnumerable<IReadOnlyList<Tensor>> batches,
        Func<Graph, ObservedRun> evaluator,
        BiasCorrectionOptions? options = null,
        IProgress<QuantizationProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(floatGraph);
        ArgumentNullException.ThrowIfNull(quantized);
        ArgumentNullException.ThrowIfNull(batches);
        ArgumentNullException.ThrowIfNull(evaluator);
        options ??= new BiasCorrectionOptions();
        ImmutableArray<string> layers = QuantizedLayers.Names(floatGraph, quantized);
        if (layers.IsEmpty)
        {
            return new BiasCorrectionResult(quantized, [], 0);
        }

        var pass = new ChannelMeansPass(batches, evaluator, cancellationToken);
        (Graph split, ImmutableDictionary<ValueId, string> raw) = QuantizedLayers.Split(floatGraph, layers);
        Dictionary<string, ChannelMeans> reference = pass.Run(split, raw);
        progress?.Report(new QuantizationProgress("bias correction", 1, layers.Length + 1));
        var biases = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        var report = ImmutableArray.CreateBuilder<LayerBiasCorrection>(layers.Length);
        foreach (string layer in layers)
        {
            Graph prefix = QuantizedLayers.UpTo(quantized, layer, biases);
            ChannelMeans means = pass.Run(prefix, ImmutableDictionary.Create<ValueId, string>().Add(prefix.Outputs[0], layer))[layer];
            float[] bias = BiasOf(quantized, layer, means.Channels);
            LayerBiasCorrection line = Decide(layer, bias, means, reference[layer], pass.Rows, options);
            if (line.IsApplied)
            {
                biases[layer] = Corrected(bias, means, reference[layer]);
            }

            report.Add(line);
            progress?.Report(new QuantizationProgress("bias correction", report.Count + 1, layers.Length + 1));
        }

        return new BiasCorrectionResult(QuantizedLayers.WithBiases(quantized, biases), report.ToImmutable(), pass.Rows);
    }

    private static float[] BiasOf(Graph graph, string layer, int channels)
    {
        Node node = graph.Nodes.First(n => n.Name == layer);
        return node.Inputs.Length > QuantizedLayers.Bias ? graph.ConstantOf(node.Inputs[QuantizedLayers.Bias]).Values<float>().ToArray() : new float[channels];
    }

    private static Tensor Corrected(float[] bias, ChannelMeans quantized, ChannelMeans reference)
    {
        var corrected = new float[bias.Length];
        for (int c = 0; c < corrected.Length; c++)
        {
            corrected[c] = (float)(bias[c] - Shift(c, quantized, reference));
        }

        return Tensor.Create(Shape.Of(corrected.Length), corrected);
    }

    private static LayerBiasCorrection Decide(string layer, float[] bias, ChannelMeans quantized, ChannelMeans reference, long rows, BiasCorrectionOptions options)
    {
        double sum = 0;
        double largest = 0;
        double relative = 0;
        for (int c = 0; c < bias.Length; c++)
        {
            double shift = Math.Abs(Shift(c, quantized, reference));
            double size = Math.Max(Math.Abs(bias[c]), reference.MeanMagnitude(c));
            sum += shift;
            largest = Math.Max(largest, shift);
            relative = Math.Max(relative, shift == 0 ? 0 : shift / size);
        }

        string note = (rows < options.MinimumRows, quantized.IsUsable && reference.IsUsable, relative > options.MaximumRelativeShift) switch
        {
            (true, _, _) => string.Create(CultureInfo.InvariantCulture, $"{rows} rows are too few: expected {options.MinimumRows}"),
            (_, false, _) => "outputs are not finite or too large",
            (_, _, true) => string.Create(CultureInfo.InvariantCulture, $"a shift of {relative:G4} times bias and output exceeds {options.MaximumRelativeShift}"),
            _ => string.Empty,
        };
        return new LayerBiasCorrection(layer, sum / Math.Max(bias.Length, 1), largest, note);
    }

    private static double Shift(int channel, ChannelMeans quantized, ChannelMeans reference) => quantized.Mean(channel) - reference.Mean(channel);
}
