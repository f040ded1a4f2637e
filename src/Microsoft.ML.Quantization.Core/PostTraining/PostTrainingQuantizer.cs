using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Threading;
using Microsoft.ML.Quantization.Calibration;
using Microsoft.ML.Quantization.Calibration.Biases;
using Microsoft.ML.Quantization.Calibration.Weights;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Serialization;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.PostTraining;

/// <summary>
/// Float network and calibration rows to a verified integer network: clean, plan, calibrate, fit weights, insert quantizers, correct biases, lower, verify
/// (Jacob et al., 2018; Nagel et al., 2019, for the bias correction). The same network, rows, options and seed give the same bytes on every machine.
/// </summary>
public sealed class PostTrainingQuantizer
{
    private readonly IGraphRunnerFactory _engine;
    private readonly OperatorTable _operators;
    private readonly Action<string> _log;
    private readonly IProgress<QuantizationProgress>? _progress;

    /// <summary>Prepares a quantizer.</summary>
    /// <param name="engine">The engine that will run the result; it must agree with the interpreter before a result is handed over.</param>
    /// <param name="operators">What calibration runs on.</param>
    /// <param name="log">Told which layers are treated how, and every warning.</param>
    /// <param name="progress">Told after each stage and each batch.</param>
    public PostTrainingQuantizer(IGraphRunnerFactory engine, OperatorTable operators, Action<string>? log = null, IProgress<QuantizationProgress>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(engine);
        ArgumentNullException.ThrowIfNull(operators);
        _engine = engine;
        _operators = operators;
        _log = log ?? (_ => { });
        _progress = progress;
    }

    /// <summary>Quantizes a network.</summary>
    /// <param name="graph">The float network.</param>
    /// <param name="options">How.</param>
    /// <param name="batches">Calibration rows, read once: one tensor an input, rows in the first dimension.</param>
    /// <param name="cancellationToken">Looked at before each batch and stage.</param>
    /// <exception cref="QuantizationException">
    /// <see cref="QuantizationErrorCode.AlreadyQuantized"/>, <see cref="QuantizationErrorCode.NothingToQuantize"/>, <see cref="QuantizationErrorCode.NonFiniteWeight"/>,
    /// <see cref="QuantizationErrorCode.MissingCalibrationData"/>, <see cref="QuantizationErrorCode.EmptyCalibrationData"/>, <see cref="QuantizationErrorCode.NonFiniteInput"/>,
    /// <see cref="QuantizationErrorCode.UnknownLayer"/>, <see cref="QuantizationErrorCode.InvalidBitWidth"/>, <see cref="QuantizationErrorCode.InvalidOptions"/>,
    /// <see cref="QuantizationErrorCode.VerificationFailed"/>.
    /// </exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public QuantizationResult Run(Graph graph, PostTrainingOptions options, IEnumerable<IReadOnlyList<Tensor>>? batches, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        Graph clean = Clean(graph, options);
        QuantizationPlan plan = QuantizationPlan.Create(clean, options.Scheme);
        NetworkChecks.RequireLayers(plan.Layers);
        NetworkChecks.RequireFiniteWeights(clean, plan.Layers);
        LogPlan(plan);
        var notes = new List<string>();
        var sample = new RowSample(clean);
        CalibrationResult? calibration = plan.Sites.IsEmpty ? null : Calibrate(clean, plan, options, sample, batches, cancellationToken);
        Dictionary<ActivationSite, AffineQuantization> activations = Ranges(plan, options.Scheme, calibration, notes);
        Stage("weights", cancellationToken);
        InputMoments? moments = WeightImportance.Of(clean, options.Scheme, _operators, sample, plan.Sites.IsEmpty ? batches : null, note => Note(notes, note), cancellationToken);
        TernaryTermPlan? terms = TernaryTermPlan.Of(clean, plan.Layers, options.Scheme, moments, cancellationToken);
        LogTerms(terms);
        Graph fake = InsertFakeQuantize.Run(clean, plan, activations, (layer, weights) => PlannedWeights.Fit(clean, layer, weights, options.Scheme, moments), layer => terms?.PlanesOf(layer) ?? []);
        if (options.Scheme.BiasCorrection && sample.Rows > 0)
        {
            Stage("bias correction", cancellationToken);
            fake = CorrectBiases(clean, fake, sample, notes, cancellationToken);
        }

        return Finish(fake, plan.Layers, terms, options, calibration, notes, cancellationToken);
    }

    /// <summary>Collects the statistics of a share of the calibration rows, to be merged with those of other shares and given back by <see cref="PostTrainingOptions.Statistics"/>.</summary>
    /// <param name="graph">The float network.</param>
    /// <param name="options">The same as for <see cref="Run"/>.</param>
    /// <param name="batches">The rows of this share, read once.</param>
    /// <param name="cancellationToken">Looked at before each batch.</param>
    /// <exception cref="QuantizationException">As <see cref="Run"/>.</exception>
    public CalibrationResult Calibrate(Graph graph, PostTrainingOptions options, IEnumerable<IReadOnlyList<Tensor>> batches, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(batches);
        options.Validate();
        Graph clean = Clean(graph, options);
        return Calibrate(clean, QuantizationPlan.Create(clean, options.Scheme), options, new RowSample(clean), batches, cancellationToken);
    }

    /// <summary>Lowers a network that brings its own quantizers (imported with Quantize and Dequantize, or trained) with their parameters, and verifies it.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="options">Signature, class names, rows to verify; the scheme is not looked at.</param>
    /// <param name="cancellationToken">Looked at before each stage.</param>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.NothingToQuantize"/> when it has no quantizers; <see cref="QuantizationErrorCode.VerificationFailed"/>.</exception>
    public QuantizationResult RunQuantized(Graph graph, PostTrainingOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        Graph fake = CleanPasses.Run(graph, Evaluate);
        return fake.Nodes.Any(n => n is Graphs.Nodes.FakeQuantize or Graphs.Nodes.GroupedDense)
            ? Finish(fake, [], null, options, null, [], cancellationToken)
            : throw new QuantizationException(QuantizationErrorCode.NothingToQuantize, "Network: expected quantizers of its own, found none. Quantize it with calibration data.");
    }

    /// <summary>The integer graph of a network with quantizers, without verification and document.</summary>
    internal static Graph Lower(Graph graph) => LowerToInteger.Run(CleanPasses.Run(graph, Evaluate), Evaluate).Graph;

    /// <summary>A float network as it runs best in float: constants folded, biases, normalisations and functions that are written out read as parts of layers and as nodes. Last bits may differ.</summary>
    public static Graph Clean(Graph graph) => CleanPasses.Run(graph, Evaluate);

    private static Graph Clean(Graph graph, PostTrainingOptions options)
    {
        Graph merged = NormalizeQdq.Run(graph);
        NetworkChecks.RequireFloat(merged, options.AllowQuantized);
        return CleanPasses.Run(options.AllowQuantized ? RemoveFakeQuantize.Run(merged) : merged, Evaluate);
    }

    private static IReadOnlyList<Tensor> Evaluate(Graph graph, IReadOnlyList<Tensor> inputs)
    {
        using var evaluator = new Evaluator(graph, OperatorTable.Reference);
        return evaluator.Run(inputs);
    }

    private void LogPlan(QuantizationPlan plan)
    {
        foreach (LayerPlan layer in plan.Layers)
        {
            string widths = layer.WeightBits == LayerPlan.FloatBits ? "float" : FormattableString.Invariant($"W{layer.WeightBits}A{layer.ActivationBits}");
            _log($"Layer '{layer.Name}' ({layer.Kind}{(layer.IsEdge ? ", first or last" : string.Empty)}): {widths}{(layer.Reason.Length > 0 ? ", " + layer.Reason : string.Empty)}.");
        }
    }

    private void LogTerms(TernaryTermPlan? terms)
    {
        if (terms is not null)
        {
            double error = terms.Fits.Values.Sum(f => f.Error) / Math.Max(terms.Fits.Values.Sum(f => f.Size), double.Epsilon);
            _log(FormattableString.Invariant($"Ternary terms: {terms.Blocks} blocks in {terms.Fits.Count} layers, {terms.Extra} extra terms, {terms.Most} in the richest block; squared error of weights {error:G6} of their squares."));
        }
    }

    private CalibrationResult Calibrate(
        Graph clean,
        QuantizationPlan plan,
        PostTrainingOptions options,
        RowSample sample,
        IEnumerable<IReadOnlyList<Tensor>>? batches,
        CancellationToken cancellationToken)
    {
        CalibrationOptions settings = CalibrationOptions.For(options.Scheme.ActivationRange) with
        {
            Values = [.. plan.Sites.Select(s => s.ValueName).Distinct()],
            NonFiniteRows = options.NonFiniteRows,
        };
        using var evaluator = new Evaluator(clean, _operators);
        var calibrator = new QuantizationCalibrator(clean, evaluator.Run, settings);
        if (options.Statistics is { } statistics)
        {
            calibrator.Resume(statistics);
        }

        CalibrationResult result = batches is null && options.Statistics is not null
            ? calibrator.ToResult()
            : calibrator.Run(batches is null ? null : sample.Take(batches), _progress, cancellationToken);
        if (result.Skipped.Count > 0)
        {
            _log(FormattableString.Invariant($"{result.Skipped.Count} calibration rows with NaN or infinity were skipped, the first being row {result.Skipped.Rows[0]}."));
        }

        return result;
    }

    private Dictionary<ActivationSite, AffineQuantization> Ranges(QuantizationPlan plan, QuantizationScheme scheme, CalibrationResult? calibration, List<string> notes)
    {
        var quantizers = new Dictionary<ActivationSite, AffineQuantization>();
        bool few = calibration is { Rows: < RangeSolver.EnoughRows };
        if (few)
        {
            Note(notes, FormattableString.Invariant($"{calibration!.Rows} calibration rows are few: expected {RangeSolver.EnoughRows} or more; the extremes serve as ranges."));
        }

        foreach (ActivationSite site in plan.Sites)
        {
            RangeSolution solution = calibration!.Solve(site, scheme.ActivationRange);
            quantizers[site] = AffineQuantization.PerTensor(site.Code, site.Range, solution.Parameters);
            foreach (string note in few ? [] : solution.Notes)
            {
                Note(notes, $"Value '{site.ValueName}' in {site.Code}: {note}");
            }
        }

        return quantizers;
    }

    private Graph CorrectBiases(Graph clean, Graph fake, RowSample sample, List<string> notes, CancellationToken cancellationToken)
    {
        BiasCorrectionResult result = BiasCorrection.Run(clean, fake, sample.Batches, graph => new Evaluator(graph, _operators).Run, null, _progress, cancellationToken);
        foreach (LayerBiasCorrection layer in result.Layers.Where(l => !l.IsApplied))
        {
            Note(notes, $"Layer '{layer.Layer}': bias not corrected, {layer.Note}.");
        }

        // Right means can still make wrong outputs behind a ReLU when the weights are coarse; the objective decides.
        double before = OutputError.Of(clean, fake, sample.Batches, _operators);
        double after = OutputError.Of(clean, result.Graph, sample.Batches, _operators);
        _log(FormattableString.Invariant($"Bias correction: squared output error {before:G6} before, {after:G6} after, on {sample.Rows} rows."));
        if (after <= before)
        {
            return result.Graph;
        }

        Note(notes, FormattableString.Invariant($"Biases are not corrected: the squared output error would rise from {before:G6} to {after:G6}."));
        return fake;
    }

    private QuantizationResult Finish(
        Graph fake,
        ImmutableArray<LayerPlan> plans,
        TernaryTermPlan? terms,
        PostTrainingOptions options,
        CalibrationResult? calibration,
        List<string> notes,
        CancellationToken cancellationToken)
    {
        Stage("lower", cancellationToken);
        bool grouped = !plans.IsEmpty && options.Scheme.WeightGranularity == Granularity.PerGroup;
        LoweredGraph lowered = LowerToInteger.Run(fake, Evaluate, quantizeRows: grouped, floatInputs: options.Scheme.FloatInputs);
        ImmutableArray<LayerOutcome> layers = [.. lowered.Layers.Select(l => Explain(l, plans.FirstOrDefault(p => p.Name == l.Name))).Select(l => terms?.Explain(l) ?? l)];
        foreach (LayerOutcome layer in layers.Where(l => !l.IsInteger))
        {
            Note(notes, $"Layer '{layer.Name}' runs in float: {layer.Reason}.");
        }

        Stage("verify", cancellationToken);
        ModelSignature signature = options.Signature ?? ModelSignature.Of(lowered.Graph);
        ReferenceRun run = ModelVerification.Run(lowered.Graph, signature, _engine, options.VerifiedRows, options.Scheme.Seed);
        var metadata = new ModelMetadata
        {
            Producer = typeof(PostTrainingQuantizer).Assembly.GetName().Version?.ToString() ?? string.Empty,
            ClassNames = options.ClassNames,
            CalibrationFingerprint = calibration?.Fingerprint ?? string.Empty,
            FloatLayers = [.. layers.Where(l => !l.IsInteger).Select(l => l.Name)],
            EightBitLayers = [.. plans.Where(p => p.IsEdge && p is { WeightBits: 8, ActivationBits: 8, Reason.Length: > 0 }).Select(p => p.Name)],
            Facts = TernaryTermDowngrade.Told(Facts(options, calibration, layers, plans.IsEmpty), terms),
            ReferenceRuns = [run],
        };
        return new QuantizationResult(lowered.Graph, fake, new ModelDocument(lowered.Graph, signature, metadata), layers, calibration, [.. notes]);
    }

    /// <summary>The plan knows why a layer was left alone; the lowering only sees that it was.</summary>
    private static LayerOutcome Explain(LayerOutcome layer, LayerPlan? plan)
        => plan is null || plan.Reason.Length == 0 || (layer.Reason.Length > 0 && !plan.IsFloat) ? layer : layer with { Reason = plan.Reason };

    private static ImmutableSortedDictionary<string, string> Facts(PostTrainingOptions options, CalibrationResult? calibration, ImmutableArray<LayerOutcome> layers, bool own)
    {
        ImmutableSortedDictionary<string, string>.Builder facts = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        facts["scheme"] = own ? "the network's own" : options.Scheme.ToString();
        facts["accumulator.bound"] = FormattableString.Invariant($"{layers.Select(l => l.Bound).DefaultIfEmpty().Max()}");
        if (calibration is not null)
        {
            facts["calibration.rows"] = FormattableString.Invariant($"{calibration.Rows}");
        }

        return facts.ToImmutable();
    }

    private void Note(List<string> notes, string note)
    {
        notes.Add(note);
        _log(note);
    }

    private void Stage(string name, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _progress?.Report(new QuantizationProgress(name, 0, 1));
    }
}
