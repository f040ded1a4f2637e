using System;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Networks;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Training;

namespace Microsoft.ML.Quantization.QuantizationAware;

/// <summary>
/// Whole trainings from scratch of binary networks as they were published for ImageNet. Those of Bethge et al. (2019): signs without scales, Adam, a rate that falls late, no decay; ReActNet (Liu et al., 2020): in two
/// stages, with a teacher; Bi-Real Net with smoothed labels, and for small images BMXNet. Shortcuts and transitions have the bits of first and last layers, as the recipes have it (<see cref="QuantizationAwareScheme.DownsamplingAsEdges"/>). Change what the data asks for by <c>with</c>. Weights begin as the builders draw them, uniform by inputs, where the authors draw by
/// inputs and outputs.
/// </summary>
public static class BinaryTraining
{
    /// <summary>ResNetE-18 and -34 (<see cref="ImageNetworks.BinaryResNet18"/>, <see cref="ImageNetworks.BinaryResNet34"/>, <see cref="BinaryNetworks.ResNet"/>): rate 0.004, times 0.3 at 70, 90 and 110 of 120 epochs, batches of 1024.</summary>
    /// <param name="epochs">Passes; the rate falls at the same shares of them.</param>
    /// <param name="seed">Seed.</param>
    public static QuantizationAwareOptions ResNetE(int epochs = 120, ulong seed = 1) => Options("ResNetE", (epochs, 120), (0.004f, 0.3, 1024), seed, 70, 90, 110);

    /// <summary>BinaryDenseNet-28 (<see cref="BinaryNetworks.DenseNet"/>): rate 0.004, times 0.1 at 100 and 110 of 120 epochs, batches of 256.</summary>
    /// <param name="epochs">Passes; the rate falls at the same shares of them.</param>
    /// <param name="seed">Seed.</param>
    public static QuantizationAwareOptions BinaryDenseNet28(int epochs = 120, ulong seed = 1) => Dense(Options("BinaryDenseNet", (epochs, 120), (0.004f, 0.1, 256), seed, 100, 110));

    /// <summary>BinaryDenseNet-45: rate 0.008, times 0.1 at 80 and 100 of 125 epochs, batches of 384.</summary>
    /// <param name="epochs">Passes; the rate falls at the same shares of them.</param>
    /// <param name="seed">Seed.</param>
    public static QuantizationAwareOptions BinaryDenseNet45(int epochs = 125, ulong seed = 1) => Dense(Options("BinaryDenseNet", (epochs, 125), (0.008f, 0.1, 384), seed, 80, 100));

    /// <summary>
    /// The training of BMXNet's residual network on CIFAR-10 (Bethge et al., 2018; <see cref="BinaryNetworks.ResNet"/>): rate 0.01, falling at 50, 200 and 250 of 300 epochs, batches of 256. By how much it falls, 0.1, is not
    /// among what the authors list.
    /// </summary>
    /// <param name="epochs">Passes; the rate falls at the same shares of them.</param>
    /// <param name="seed">Seed.</param>
    public static QuantizationAwareOptions BmxNet(int epochs = 300, ulong seed = 1) => Options("BMXNet", (epochs, 300), (0.01f, 0.1, 256), seed, 50, 200, 250);

    /// <summary>Bi-Real Net (Liu et al., 2018; <see cref="ImageNetworks.BinaryResNet18"/>): a rate that falls from 0.001 to 0 along a line, batches of 512, no decay, labels smoothed by 0.1.</summary>
    /// <param name="epochs">Passes.</param>
    /// <param name="seed">Seed.</param>
    public static QuantizationAwareOptions BiReal(int epochs = 256, ulong seed = 1)
    {
        QuantizationAwareOptions options = Options("Bi-Real", (epochs, epochs), (0.001f, 1, 512), seed);
        return options with { Training = options.Training with { Schedule = new LinearSchedule(), LabelSmoothing = 0.1f } };
    }

    /// <summary>
    /// ReActNet (<see cref="ImageNetworks.ReActNet"/>, or any residual network), to be run by <see cref="QuantizationAwareTrainer.RunStages"/>: activations become signs first, weights stay float and decay; then both, without decay. Each stage has Adam, a rate that falls from 5e-4 to 0 along a
    /// line, batches of 512, and no loss but the distance of its classes' shares from the teacher's.
    /// </summary>
    /// <param name="teacher">A real network with the same input and as many logits; a deeper one in the paper.</param>
    /// <param name="epochs">Passes of each stage.</param>
    /// <param name="seed">Seed.</param>
    public static ImmutableArray<QuantizationAwareOptions> ReActNet(Graph teacher, int epochs = 256, ulong seed = 1)
    {
        ArgumentNullException.ThrowIfNull(teacher);
        var both = new QuantizationAwareOptions
        {
            Scheme = TrainingRecipes.Find("ReActNet").Scheme(1, 1),
            Training = new TrainingOptions
            {
                Epochs = epochs,
                BatchSize = 512,
                Seed = seed,
                Optimizer = new Adam(),
                Rate = 5e-4f,
                Schedule = new LinearSchedule(),
                Distillation = new Distillation(teacher, Temperature: 1, Weight: 1),
            },
        };
        return [both with { Scheme = both.Scheme with { Weights = null }, Training = both.Training with { Decay = 1e-5f } }, both];
    }

    /// <summary>Transitions by name: in front of dilated stages they stand behind no pool.</summary>
    private static QuantizationAwareOptions Dense(QuantizationAwareOptions options) => options with { Scheme = options.Scheme with { TreatAsEdges = [BinaryNetworks.RealLayers] } };

    private static QuantizationAwareOptions Options(string recipe, (int Own, int Paper) epochs, (float Rate, double Gamma, int Batch) step, ulong seed, params int[] falls) => new()
    {
        Scheme = TrainingRecipes.Find(recipe).Scheme(1, 1),
        Training = new TrainingOptions
        {
            Epochs = epochs.Own,
            BatchSize = step.Batch,
            Seed = seed,
            Optimizer = new Adam(),
            Rate = step.Rate,
            Schedule = new StepSchedule([.. falls.Select(f => Math.Max(1, (int)((long)f * epochs.Own / epochs.Paper)))], step.Gamma),
        },
    };
}
