using System;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;

namespace Microsoft.ML.Quantization.Training;

/// <summary>How a graph is trained. The same graph, rows and options give the same constants, bit for bit, at any thread count and on any kernel set.</summary>
public sealed record TrainingOptions
{
    // An option that came later and never matters is left out of the description, so that older checkpoints stay good.
    private const string NoSteps = $", {nameof(CheckpointSteps)} = 0";

    // The same of one that is at its default.
    private const string NoSmoothing = $", {nameof(LabelSmoothing)} = 0, ";

    /// <summary>Passes over the rows.</summary>
    public int Epochs { get; init; } = 10;

    /// <summary>Rows of a step; the last step of an epoch takes what is left.</summary>
    public int BatchSize { get; init; } = 128;

    /// <summary>Seed of everything random.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>What is made small.</summary>
    public TrainingLoss Loss { get; init; } = TrainingLoss.SoftmaxCrossEntropy;

    /// <summary>
    /// ε in [0, 1): targets of the softmax cross entropy become t = (1 − ε)·onehot + ε/K over K classes, the loss −Σ t·log p, its gradient p − t (Szegedy et al., 2016, section 7; 0.1 there and in
    /// Bi-Real Net). For training alone: rows held back are told by the cross entropy without it. Refused with another loss, which has no such targets.
    /// </summary>
    public float LabelSmoothing { get; init; }

    /// <summary>A teacher whose softened outputs are learned beside the classes; null for none.</summary>
    public Distillation? Distillation { get; init; }

    /// <summary>A float network that is trained beside this one and guides it; null for none. Such a run has no checkpoint.</summary>
    public Guide? Guide { get; init; }

    /// <summary>Weights that become and stay 0, in order; epochs before the last pruning never count as the best.</summary>
    public ImmutableArray<MagnitudePruning> Pruning { get; init; } = [];

    /// <summary>λ of the term λ·Σ|γ| over the scales of batch normalizations (network slimming, Liu et al., 2017): γ's gradient gains λ·sign(γ).</summary>
    public float ScalePenalty { get; init; }

    /// <summary>How a step follows from a gradient.</summary>
    public Optimizer Optimizer { get; init; } = new Sgd();

    /// <summary>Learning rate.</summary>
    public float Rate { get; init; } = 0.05f;

    /// <summary>λ of the decay term λ·w of constants that no group names, but for learned parameters of quantizers and weights of methods that take none (<see cref="Quantizers.Methods.QuantizationMethod.TakesDecay"/>).</summary>
    public float Decay { get; init; }

    /// <summary>Constants with a rate and decay of their own.</summary>
    public ImmutableArray<ParameterGroup> Groups { get; init; } = [];

    /// <summary>The learning rate's factor over the run.</summary>
    public Schedule Schedule { get; init; } = new ConstantSchedule();

    /// <summary>Largest Euclidean norm of all gradients together; a longer gradient is shortened to it. Infinity for none.</summary>
    public float LargestGradientNorm { get; init; } = float.PositiveInfinity;

    /// <summary>Share of the rows held back for validation, in [0, 1); which rows is a function of the seed.</summary>
    public float ValidationShare { get; init; }

    /// <summary>Epochs without a better validation (or, without validation, training) result after which training ends; 0 for never.</summary>
    public int Patience { get; init; }

    /// <summary>Random changes of training images, in order.</summary>
    public ImmutableArray<Augmentation> Augmentations { get; init; } = [];

    /// <summary>Dropout behind values.</summary>
    public ImmutableArray<DropoutSite> Dropout { get; init; } = [];

    /// <summary>Weight of a batch's statistics in the running mean and variance of batch normalization, in (0, 1].</summary>
    public float StatisticsMomentum { get; init; } = 0.1f;

    /// <summary>Batches over which the statistics of batch normalization are measured anew, with the constants held and hard quantizers, however training ends and before rows held back are scored; 0 keeps the running ones.</summary>
    public int ReestimationBatches { get; init; }

    /// <summary>A file that receives the whole state after each epoch and from which a run that finds it goes on, to the same bits; null for none.</summary>
    public string? CheckpointPath { get; init; }

    /// <summary>Steps after which, within an epoch, the state is also written to <see cref="CheckpointPath"/>; 0 for the ends of epochs only. Has no influence on the result.</summary>
    public int CheckpointSteps { get; init; }

    /// <summary>Refuses values out of range.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InvalidOptions"/>.</exception>
    internal void Check()
    {
        (string Name, bool IsGood, string Expected, object Found)[] checks =
        [
            (nameof(Epochs), Epochs > 0, "from 1", Epochs),
            (nameof(BatchSize), BatchSize > 0, "from 1", BatchSize),
            (nameof(ScalePenalty), ScalePenalty >= 0 && float.IsFinite(ScalePenalty), "from 0", ScalePenalty),
            (nameof(Loss), Enum.IsDefined(Loss), "a known loss", Loss),
            (nameof(LabelSmoothing), LabelSmoothing is >= 0 and < 1, "in [0, 1)", LabelSmoothing),
            (nameof(LabelSmoothing), LabelSmoothing == 0 || Loss == TrainingLoss.SoftmaxCrossEntropy, $"0, or {nameof(Loss)} {nameof(TrainingLoss.SoftmaxCrossEntropy)}, whose targets alone can be smoothed", string.Create(CultureInfo.InvariantCulture, $"{LabelSmoothing} and {Loss}")),
            (nameof(Guide), Guide is null || !Optimizer.LooksAhead, "an optimizer that takes its gradients at one place beside a guide", Optimizer),
            (nameof(Rate), Rate > 0 && float.IsFinite(Rate), "above 0 and finite", Rate),
            (nameof(Decay), Decay >= 0 && float.IsFinite(Decay), "from 0", Decay),
            (nameof(Optimizer), Optimizer.IsGood, "numbers in the ranges that its documentation gives", Optimizer),
            (nameof(Groups), Groups.All(g => g.RateFactor >= 0 && float.IsFinite(g.RateFactor) && g.Decay >= 0 && float.IsFinite(g.Decay)), "rates and decays from 0", string.Join("; ", Groups)),
            (nameof(Augmentations), Augmentations.All(a => a is not RandomShift { Pixels: < 0 }), "shifts from 0", string.Join("; ", Augmentations)),
            (nameof(LargestGradientNorm), LargestGradientNorm > 0, "above 0", LargestGradientNorm),
            (nameof(ValidationShare), ValidationShare is >= 0 and < 1, "in [0, 1)", ValidationShare),
            (nameof(Schedule), Schedule.Restarts >= 1, "restarts from 1", Schedule.Restarts),
            (nameof(Schedule), Schedule.IsGood, "numbers in the ranges that its documentation gives", Schedule),
            (nameof(CheckpointPath), CheckpointPath is not { Length: 0 }, "a path, or null for no checkpoint", "an empty one"),
            (nameof(Patience), Patience >= 0, "from 0", Patience),
            (nameof(Dropout), Dropout.All(d => d.Rate is >= 0 and < 1), "rates in [0, 1)", Dropout.Length == 0 ? 0 : Dropout.Max(d => d.Rate)),
            (nameof(StatisticsMomentum), StatisticsMomentum is > 0 and <= 1, "in (0, 1]", StatisticsMomentum),
            (nameof(ReestimationBatches), ReestimationBatches >= 0, "from 0", ReestimationBatches),
            (nameof(CheckpointSteps), CheckpointSteps >= 0, "from 0", CheckpointSteps),
        ];
        foreach ((string name, bool isGood, string expected, object found) in checks)
        {
            if (!isGood)
            {
                throw new QuantizationException(QuantizationErrorCode.InvalidOptions, string.Create(CultureInfo.InvariantCulture, $"{nameof(TrainingOptions)}.{name}: expected {expected}, found {found}."));
            }
        }
    }

    /// <summary>Everything that the course of a run depends on, as text, the same in every culture; a run goes on only with the same.</summary>
    internal string Describe()
    {
        // Records write their numbers as the culture of the moment has them.
        CultureInfo culture = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
            return Text();
        }
        finally
        {
            CultureInfo.CurrentCulture = culture;
        }
    }

    private string Text() => string.Join(
        '\n',
        (this with { CheckpointPath = null, CheckpointSteps = 0, Groups = [], Augmentations = [], Dropout = [], Schedule = new ConstantSchedule(), Distillation = null, Pruning = [] }).ToString()
            .Replace(NoSteps, string.Empty, StringComparison.Ordinal).Replace(NoSmoothing, ", ", StringComparison.Ordinal),
        string.Join(';', Pruning),
        string.Join(';', Groups),
        string.Join(';', Augmentations),
        string.Join(';', Dropout),
        Schedule is StepSchedule steps ? $"{steps.Gamma} {string.Join(',', steps.Epochs)} {steps.WarmUpSteps} {steps.Restarts}" : Schedule.ToString(),
        Distillation is null ? "no teacher" : FormattableString.Invariant($"teacher {Distillation.Temperature:R} {Distillation.Weight:R}"));
}
