using System;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Networks;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.ML.Quantization.Threading;
using Microsoft.ML.Quantization.Training;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training;

/// <summary>Distillation: worked numbers, invariances, and a student that follows its teacher.</summary>
[TestClass]
public sealed class DistillationTests
{
    private static readonly Shape _input = Shape.Of(6);

    [TestMethod]
    [DataRow(1f, 0.057806191, new[] { -0.102444, 0.068641, 0.033803 })]
    [DataRow(4f, 0.255161087, new[] { -0.256216, 0.009750, 0.246466 })]
    [DataRow(20f, 0.334976637, null)]
    public void Loss_and_gradient_are_the_worked_ones(float temperature, double loss, double[]? gradient)
    {
        LossValue value = Loss([2, 0.5f, -1], [3, 1, -2], 0, temperature, 0.9f);
        Assert.AreEqual(loss, value.Sum, temperature > 10 ? 1e-4 : 3e-5);
        for (int i = 0; i < (gradient?.Length ?? 0); i++)
        {
            Assert.AreEqual(gradient![i], value.Gradient.Values<float>()[i], 2e-6);
        }
    }

    [TestMethod]
    public void A_hot_teacher_gives_the_difference_of_centred_logits()
    {
        float[] gradient = Loss([2, 0.5f, -1], [3, 1, -2], 0, 1000, 1).Gradient.Values<float>().ToArray();
        double[] limit = [(1.5 - (3 - (2 / 3.0))) / 3, (0 - (1 - (2 / 3.0))) / 3, (-1.5 - (-2 - (2 / 3.0))) / 3];
        for (int i = 0; i < 3; i++)
        {
            Assert.AreEqual(limit[i], gradient[i], 2e-3);
        }
    }

    [TestMethod]
    public void Equal_logits_teach_nothing_and_shifts_change_nothing()
    {
        LossValue same = Loss([2, 0.5f, -1], [2, 0.5f, -1], 1, 4, 1);
        Assert.AreEqual(0, same.Sum, 1e-6);
        Assert.IsTrue(same.Gradient.Values<float>().ToArray().All(v => Math.Abs(v) < 1e-7));
        LossValue first = Loss([2, 0.5f, -1], [3, 1, -2], 1, 4, 0.5f);
        LossValue moved = Loss([7, 5.5f, 4], [-5, -7, -10], 1, 4, 0.5f);
        Assert.AreEqual(first.Sum, moved.Sum, 1e-5);
        Assert.AreEqual(0, first.Gradient.Values<float>().ToArray().Sum(), 1e-6);
    }

    [TestMethod]
    public void A_student_without_labels_of_worth_comes_to_its_teacher()
    {
        Graph teacher = SmallNetworks.Mlp(_input, [8], 3, seed: 5);
        var rows = new MemoryBatchSource(_input, RandomTensors.Floats(Shape.Of(64, 6), 3).Values<float>().ToArray(), new float[64]);
        var options = new TrainingOptions { Epochs = 60, BatchSize = 16, Optimizer = new Adam(), Rate = 0.02f, Distillation = new Distillation(teacher, 2, 1) };
        TrainingResult result = Train(rows, options);
        Assert.IsTrue(result.History[^1].Loss < 0.1f * result.History[0].Loss, $"{result.History[0].Loss} to {result.History[^1].Loss}");
        byte[] before = [.. SmallNetworks.Mlp(_input, [8], 3, seed: 5).Values.Where(v => v.Constant is not null).SelectMany(v => v.Constant!.Bytes.ToArray())];
        CollectionAssert.AreEqual(before, teacher.Values.Where(v => v.Constant is not null).SelectMany(v => v.Constant!.Bytes.ToArray()).ToArray(), "the teacher changed");
    }

    [TestMethod]
    public void Options_out_of_range_and_other_teachers_are_refused()
    {
        var rows = new MemoryBatchSource(_input, new float[12], new float[2]);
        Graph teacher = SmallNetworks.Mlp(_input, [], 3);
        Refused(new Distillation(teacher, 0), QuantizationErrorCode.InvalidOptions);
        Refused(new Distillation(teacher, 4, 1.5f), QuantizationErrorCode.InvalidOptions);
        Refused(new Distillation(SmallNetworks.Mlp(_input, [], 4)), QuantizationErrorCode.InvalidGraph);
        Refused(new Distillation(SmallNetworks.Mlp(Shape.Of(5), [], 3)), QuantizationErrorCode.InvalidGraph);

        void Refused(Distillation wrong, QuantizationErrorCode code)
            => Assert.AreEqual(code, Assert.ThrowsException<QuantizationException>(() => Train(rows, new TrainingOptions { Epochs = 1, Distillation = wrong })).Code);
    }

    [TestMethod]
    public void A_schedule_that_restarts_runs_its_course_in_every_part()
    {
        var schedule = new LinearSchedule { Restarts = 4, WarmUpSteps = 2 };
        double[] factors = [.. Enumerable.Range(0, 40).Select(s => schedule.Factor(s, 10, 4))];
        for (int step = 0; step < 40; step++)
        {
            Assert.AreEqual(factors[step % 10], factors[step], 1e-12, $"{step}");
        }

        Assert.AreEqual(0.5, factors[10], 1e-12, "warm-up");
        var steps = new StepSchedule([1]) { Restarts = 2 };
        CollectionAssert.AreEqual((double[])[1, 0.1, 1, 0.1], Enumerable.Range(0, 4).Select(e => steps.Factor(e * 10, 10, 4)).ToArray());
    }

    private static TrainingResult Train(MemoryBatchSource rows, TrainingOptions options)
        => new Trainer(KernelRegistry.Active, WorkerPool.Single).Run(SmallNetworks.Mlp(_input, [8], 3, seed: 9), rows, options);

    private static LossValue Loss(float[] own, float[] its, int label, float temperature, float weight)
    {
        Shape shape = Shape.Of(1, own.Length);
        Tensor logits = Tensor.Create<float>(shape, own);
        using var teacher = new TeacherLoss(new Distillation(SmallNetworks.Mlp(_input, [], 3), temperature, weight), KernelRegistry.Active, WorkerPool.Single);
        return teacher.Of(Losses.Of(TrainingLoss.SoftmaxCrossEntropy, logits, [label]), logits, Tensor.Create<float>(shape, its));
    }
}
