using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using Microsoft.ML.Quantization.Calibration.Weights;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Kernels.Costs;
using Microsoft.ML.Quantization.Packing;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Prediction;

/// <summary>
/// How long a network will take on this machine, without data, fitting or a run: it is lowered with ranges that stand in for calibrated ones and packed as it would be, and each step's time
/// is read off the throughput table of this processor. Values of weights and ranges hardly matter for time, so those of the untrained network do.
/// </summary>
public static class LatencyPredictor
{
    private static readonly ClippingRange _standIn = new(0, 4);

    /// <summary>Predicts the time of a network.</summary>
    /// <param name="graph">A float network, or an integer one where <paramref name="scheme"/> is null.</param>
    /// <param name="scheme">How the network will be quantized; null predicts it as it is.</param>
    /// <param name="batch">Rows of a run.</param>
    /// <param name="threads">Threads of a run, the caller included.</param>
    /// <param name="kernelSet">Name of the kernel set; null for the choice that a model makes by itself.</param>
    /// <exception cref="QuantizationException">
    /// <see cref="QuantizationErrorCode.InvalidBitWidth"/>, <see cref="QuantizationErrorCode.InvalidOptions"/> or <see cref="QuantizationErrorCode.UnknownLayer"/> for the scheme,
    /// <see cref="QuantizationErrorCode.KernelSetUnavailable"/> for the set.
    /// </exception>
    public static LatencyPrediction Predict(Graph graph, QuantizationScheme? scheme = null, int batch = 1, int threads = 1, string? kernelSet = null)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentOutOfRangeException.ThrowIfLessThan(batch, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        Graph run = scheme is null ? graph : Lower(graph, scheme);
        using PackedProgram program = Packer.Pack(run, ModelSignature.Of(run), QuantizedModel.Chooser(kernelSet));
        return Predict(program, batch, threads, ThroughputTable.Current);
    }

    /// <summary>The integer graph of a network with stand-ins for calibrated ranges.</summary>
    internal static Graph Lower(Graph graph, QuantizationScheme scheme)
    {
        Graph clean = CleanPasses.Run(NormalizeQdq.Run(graph), Evaluate);
        QuantizationPlan plan = QuantizationPlan.Create(clean, scheme);
        Dictionary<ActivationSite, AffineQuantization> activations = plan.Sites.ToDictionary(s => s, s => s.Quantizer(_standIn));

        // Without data all layers count alike; how many terms a layer has may come out otherwise when it is fitted.
        TernaryTermPlan? terms = TernaryTermPlan.Of(clean, plan.Layers, scheme, null);
        Graph fake = InsertFakeQuantize.Run(clean, plan, activations, (layer, weights) => Fit(layer, weights, scheme), layer => terms?.PlanesOf(layer) ?? []);
        return LowerToInteger.Run(fake, Evaluate, quantizeRows: scheme.WeightGranularity == Granularity.PerGroup, floatInputs: scheme.FloatInputs).Graph;
    }

    /// <summary>Predicts the time of a packed program.</summary>
    internal static LatencyPrediction Predict(PackedProgram program, int batch, int threads, ThroughputTable table)
    {
        int rows = program.Graph.HasFreeBatch ? batch : program.Signature.FixedRows;
        if (batch % rows != 0)
        {
            throw new QuantizationException(QuantizationErrorCode.InputShapeMismatch, string.Create(CultureInfo.InvariantCulture, $"Batch: expected a multiple of the graph's fixed batch {rows}, found {batch}."));
        }

        // A graph of fixed batch runs several times.
        int runs = batch / rows;
        var bound = new BoundProgram(program, rows, new ThreadSplit(threads), long.MaxValue);
        long bytes = program.Steps.Sum(s => s.Facts.WeightBytes);
        bool cold = bytes > ThroughputTable.SecondLevelBytes;
        var steps = ImmutableArray.CreateBuilder<StepPrediction>(bound.Steps.Length);
        for (int i = 0; i < bound.Steps.Length; i++)
        {
            PackedStep step = program.Steps[i];
            string set = (step.Kernels ?? program.Kernels).Name;
            double alone = table.Nanoseconds(set, bound.Steps[i].Work) + bound.Steps[i].Also.Sum(w => table.Nanoseconds(set, w)) + (cold ? step.Facts.WeightBytes * table.ColdNanosecondsPerByte : 0);
            double least = table.StreamNanoseconds(step.Facts.WeightBytes, bytes, bound.Steps[i].Chunks == 1 ? 1 : threads);
            double time = runs * (Math.Max(Shared(alone, bound.Steps[i].Chunks, threads, table), least) + table.StepNanoseconds) / 1e6;
            steps.Add(new StepPrediction(step.Layer, step.Operation, set, time, table.IsMeasured(set, bound.Steps[i].Work)));
        }

        double sum = steps.Sum(s => s.Milliseconds);
        return new LatencyPrediction(sum, sum > 0 ? steps.Where(s => s.IsMeasured).Sum(s => s.Milliseconds) / sum : 0, batch, threads, steps.MoveToImmutable());
    }

    // Chunks are claimed one by one; the last round may leave threads idle.
    private static double Shared(double alone, int chunks, int threads, ThroughputTable table)
    {
        if (chunks == 1 || threads == 1)
        {
            return alone;
        }

        int rounds = (chunks + threads - 1) / threads;
        return (alone / chunks * rounds) + table.ForkNanoseconds;
    }

    private static AffineQuantization Fit(LayerPlan layer, Tensor weights, QuantizationScheme scheme)
    {
        if (CodebookTarget.Of(scheme, layer.WeightBits) is { } book)
        {
            // Time does not depend on the levels.
            return CodebookWeightFitter.Fit(layer.Name, weights, book with { Book = book.Book with { Method = CodebookMethod.Linear }, LeastSquaresRefit = false }).Quantization;
        }

        bool grouped = scheme.WeightGranularity == Granularity.PerGroup;
        WeightTarget target = WeightTarget.Symmetric(layer.WeightBits, grouped ? 1 : 0) with
        {
            Granularity = scheme.WeightGranularity,
            GroupSize = layer.GroupSize,
            ScaleBits = grouped ? scheme.GroupScaleBits : 32,
            LeastSquaresRefit = false,
        };
        return WeightFitter.For(RangeSource.MinMax, layer.WeightBits).Fit(layer.Name, weights, target).Quantization;
    }

    private static IReadOnlyList<Tensor> Evaluate(Graph graph, IReadOnlyList<Tensor> inputs)
    {
        using var evaluator = new Evaluator(graph, OperatorTable.Reference);
        return evaluator.Run(inputs);
    }
}
