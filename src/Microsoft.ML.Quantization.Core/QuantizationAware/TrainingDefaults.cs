using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Training;

namespace Microsoft.ML.Quantization.QuantizationAware;

/// <summary>Options of training to begin with, where a scheme asks for others than <see cref="TrainingOptions"/> has.</summary>
public static class TrainingDefaults
{
    // Errors are normalised to ±1 and summed over places and rows, so biases need a small rate; steps are read off weights near ±1, so not one that rounding eats.
    private const float PlainRate = 1e-4f;

    // Noise makes gradients of few bits vary: the length of a step must not follow from theirs.
    private const float AdaptiveRate = 1e-3f;

    // As many as give the variance of a channel to about a percent.
    private const int Batches = 100;

    /// <summary>
    /// Methods that replace the optimizer's step (WAGE) get plain gradient descent; networks that train with noise or soft levels (Relaxed Quantization, HashNet) are trained by Adam and have
    /// the statistics of batch normalization measured anew with hard quantizers at the end; signs whose scale multiplies the gradient
    /// or that have none (BinaryConnect, BNN, XNOR-Net, BWN, ABC-Net, Tang et al., TBN, ResNetE, BinaryDenseNet, BMXNet), and methods that weigh by the optimizer's second moments (LAB, LAT, LAQ), are trained by Adam as well; the weights of Tang et al. and of ADMM get new statistics at the end, too; methods that work in stages (INQ) get a rate that falls by a cosine and starts over in each; all others get what <see cref="TrainingOptions"/> has.
    /// </summary>
    /// <param name="scheme">The scheme; null for float training.</param>
    public static TrainingOptions For(QuantizationAwareScheme? scheme)
    {
        var options = new TrainingOptions();
        if (scheme is { Weights.NeedsPlainDescent: true })
        {
            options = options with { Optimizer = new Sgd(0), Rate = PlainRate };
        }

        if (scheme is { Weights.Stages: > 1 and int stages })
        {
            // A constant rate has no course to start over.
            options = options with { Schedule = new CosineSchedule { Restarts = stages } };
        }

        bool isNoisy = scheme is { Weights.TrainsWithNoise: true } or { Activations.TrainsWithNoise: true };
        bool isAdaptive = isNoisy || scheme is { Weights.NeedsAdam: true };
        options = isAdaptive ? options with { Optimizer = new Adam(), Rate = AdaptiveRate } : options;
        bool isLate = scheme is { Weights.OutrunsStatistics: true } or { Activations.OutrunsStatistics: true };
        return isLate ? options with { ReestimationBatches = Batches } : options;
    }
}
