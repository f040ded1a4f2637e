using System;
using System.IO;
using System.Linq;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Networks;
using Microsoft.ML.Quantization.QuantizationAware;
using Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.ML.Quantization.Threading;
using Microsoft.ML.Quantization.Training;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training;

/// <summary>Targets of the cross entropy that leave a share to every class.</summary>
[TestClass]
public sealed class LabelSmoothingTests
{
    [TestMethod]
    public void Losses_and_gradients_are_those_of_smoothed_targets()
    {
        // Shares ¾ and ¼ against 0.95 and 0.05; four equal shares against 0.05, 0.85, 0.05, 0.05.
        LossValue two = Losses.Of(TrainingLoss.SoftmaxCrossEntropy, Tensor.Create<float>(Shape.Of(1, 2), [(float)Math.Log(3), 0]), [0], 0.1f);
        Assert.AreEqual((-0.95 * Math.Log(0.75)) - (0.05 * Math.Log(0.25)), two.Sum, 1e-6);
        Near([0.75f - 0.95f, 0.25f - 0.05f], two);
        LossValue four = Losses.Of(TrainingLoss.SoftmaxCrossEntropy, Tensor.Create<float>(Shape.Of(2, 4), [7, 7, 7, 7, 1, 2, 3, 4]), [1, 3], 0.2f);
        Near([0.1f, -0.3f, 0.1f, 0.1f], four);
        Assert.AreEqual(1, four.Correct, "of two equal ones the first counts");
    }

    [TestMethod]
    public void Shares_that_are_the_targets_are_the_minimum()
    {
        float[] t = [0.05f, 0.85f, 0.05f, 0.05f];
        LossValue value = Losses.Of(TrainingLoss.SoftmaxCrossEntropy, Tensor.Create<float>(Shape.Of(1, 4), [.. t.Select(v => 3 + (float)Math.Log(v))]), [1], 0.2f);
        Assert.AreEqual(-t.Sum(v => v * Math.Log(v)), value.Sum, 1e-6);
        Assert.IsTrue(value.Gradient.Values<float>().ToArray().All(g => Math.Abs(g) < 1e-6f));
    }

    [TestMethod]
    public void The_gradient_is_that_of_differences()
    {
        float[] x = RandomTensors.Floats(Shape.Of(3, 5), 3).Values<float>().ToArray();
        float[] labels = [0, 4, 2];
        LossValue At(float[] at) => Losses.Of(TrainingLoss.SoftmaxCrossEntropy, Tensor.Create(Shape.Of(3, 5), at), labels, 0.3f);
        float[] gradient = At(x).Gradient.Values<float>().ToArray();
        for (int i = 0; i < x.Length; i++)
        {
            const float Step = 1f / 64;
            float up = At([.. x.Select((v, j) => j == i ? v + Step : v)]).Sum;
            float down = At([.. x.Select((v, j) => j == i ? v - Step : v)]).Sum;
            Assert.AreEqual((up - down) / (2 * Step * 3), gradient[i], 2e-4f, $"[{i}]");
        }
    }

    [TestMethod]
    public void Without_smoothing_nothing_changes()
    {
        Tensor x = RandomTensors.Floats(Shape.Of(3, 5), 3);
        (LossValue plain, LossValue none) = (Losses.Of(TrainingLoss.SoftmaxCrossEntropy, x, [0, 4, 2]), Losses.Of(TrainingLoss.SoftmaxCrossEntropy, x, [0, 4, 2], 0));
        Assert.AreEqual(plain.Sum, none.Sum);
        CollectionAssert.AreEqual(plain.Gradient.Values<float>().ToArray(), none.Gradient.Values<float>().ToArray());
        var options = new TrainingOptions();
        Assert.IsFalse(options.Describe().Contains(nameof(TrainingOptions.LabelSmoothing), StringComparison.Ordinal), "checkpoints from before stay good");
        StringAssert.Contains((options with { LabelSmoothing = 0.1f }).Describe(), "LabelSmoothing = 0.1,");
        StringAssert.Contains(options.Describe(), "Loss = SoftmaxCrossEntropy, Distillation = ");
    }

    [TestMethod]
    [DataRow(1f, TrainingLoss.SoftmaxCrossEntropy, "[0, 1)")]
    [DataRow(-0.1f, TrainingLoss.SoftmaxCrossEntropy, "[0, 1)")]
    [DataRow(float.NaN, TrainingLoss.SoftmaxCrossEntropy, "[0, 1)")]
    [DataRow(0.1f, TrainingLoss.MeanSquaredError, "SoftmaxCrossEntropy")]
    [DataRow(0.1f, TrainingLoss.SquaredHinge, "SoftmaxCrossEntropy")]
    public void Other_shares_and_losses_are_refused(float smoothing, TrainingLoss loss, string expected)
    {
        QuantizationException error = Assert.ThrowsException<QuantizationException>(() => Run(new TrainingOptions { LabelSmoothing = smoothing, Loss = loss }));
        Assert.AreEqual(QuantizationErrorCode.InvalidOptions, error.Code);
        StringAssert.Contains(error.Message, "TrainingOptions.LabelSmoothing");
        StringAssert.Contains(error.Message, expected);
    }

    [TestMethod]
    public void Training_smooths_and_validation_does_not()
    {
        // Steps too short to move a weight.
        var options = new TrainingOptions { Epochs = 1, BatchSize = 8, Rate = 1e-30f, ValidationShare = 0.5f };
        (EpochReport plain, EpochReport smoothed) = (Run(options).History[0], Run(options with { LabelSmoothing = 0.4f }).History[0]);
        Assert.AreEqual(plain.ValidationLoss, smoothed.ValidationLoss);
        Assert.AreNotEqual(plain.Loss, smoothed.Loss);
    }

    [TestMethod]
    public void A_checkpoint_of_other_targets_is_refused()
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            var options = new TrainingOptions { Epochs = 1, BatchSize = 8, CheckpointPath = path, LabelSmoothing = 0.1f };
            Run(options);
            Assert.AreEqual(QuantizationErrorCode.FingerprintMismatch, Assert.ThrowsException<QuantizationException>(() => Run(options with { LabelSmoothing = 0.2f })).Code);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [TestMethod]
    public void The_trainings_of_bireal_and_bmxnet_have_the_published_numbers()
    {
        (TrainingOptions real, TrainingOptions bmx) = (BinaryTraining.BiReal().Validate().Training, BinaryTraining.BmxNet(30).Validate().Training);
        Assert.AreEqual((256, 512, 0.001f, 0f, 0.1f), (real.Epochs, real.BatchSize, real.Rate, real.Decay, real.LabelSmoothing));
        Assert.AreEqual(0, real.Schedule.Factor(2560, 10, 256), 1e-9);
        Assert.AreEqual(0.5, real.Schedule.Factor(1280, 10, 256), 1e-3);
        Assert.AreEqual((30, 256, 0.01f, 0f, 0f), (bmx.Epochs, bmx.BatchSize, bmx.Rate, bmx.Decay, bmx.LabelSmoothing));
        CollectionAssert.AreEqual(new[] { 5, 20, 25 }, ((StepSchedule)bmx.Schedule).Epochs.ToArray());
        Assert.IsTrue(BinaryTraining.BmxNet().Scheme is { Weights: BmxNet, HasOffsets: true });
    }

    private static TrainingResult Run(TrainingOptions options)
    {
        var rows = new MemoryBatchSource(Shape.Of(6), RandomTensors.Floats(Shape.Of(16, 6), 3).Values<float>().ToArray(), [.. Enumerable.Range(0, 16).Select(r => (float)(r % 3))]);
        return new Trainer(KernelRegistry.Active, WorkerPool.Single).Run(SmallNetworks.Mlp(Shape.Of(6), [5], 3), rows, options);
    }

    private static void Near(float[] expected, LossValue value)
    {
        float[] found = value.Gradient.Values<float>().ToArray();
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.AreEqual(expected[i], found[i], 1e-6f, $"[{i}] of {string.Join(", ", found)}");
        }
    }
}
