using System;
using System.Linq;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.ML.Quantization.Training;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training.Methods.FewLevels;

/// <summary>What the recipes of binary networks have beside quantizers: an optimizer by shifts and the squared hinge.</summary>
[TestClass]
public sealed class BinaryRecipeTests
{
    [TestMethod]
    public void Shifts_step_by_powers_of_two()
    {
        var optimizer = new ShiftAdaMax();
        float[] w = [0.5f, 1];
        Memory<float>[] slots = [new float[2], new float[2]];
        optimizer.Step(w, [0.3f, 0], slots, 1f / 1024, 1);
        Assert.AreEqual(0.498828125f, w[0]);
        optimizer.Step(w, [-0.1f, 0], slots, 1f / 1024, 2);
        Assert.AreEqual(0.4985107421875f, w[0], 1e-7f);
        Assert.AreEqual(1f, w[1]);
    }

    [TestMethod]
    public void The_squared_hinge_counts_what_is_missing_to_one()
    {
        Tensor output = Tensor.Create<float>(Shape.Of(2, 3), [0.5f, -2, 0.25f, 3, 1, -1]);
        LossValue value = Losses.Of(TrainingLoss.SquaredHinge, output, [0, 1]);

        // Row 0: ½² + 0 + 1.25²; row 1: 4² + 0 + 0.
        Assert.AreEqual((0.25f + 1.5625f + 16) / 3, value.Sum, 1e-5f);
        Assert.AreEqual(1, value.Correct);
        Use.Near([-1f / 6, 0, 2.5f / 6, 8f / 6, 0, 0], value.Gradient.Values<float>().ToArray());
    }

    [TestMethod]
    public void The_gradient_of_the_squared_hinge_is_that_of_differences()
    {
        float[] x = RandomTensors.Floats(Shape.Of(4, 5), 3).Values<float>().ToArray();
        float[] labels = [0, 4, 2, 2];
        float Mean(float[] at) => Losses.Of(TrainingLoss.SquaredHinge, Tensor.Create(Shape.Of(4, 5), at), labels).Sum / 4;
        float[] gradient = Losses.Of(TrainingLoss.SquaredHinge, Tensor.Create(Shape.Of(4, 5), x), labels).Gradient.Values<float>().ToArray();
        for (int i = 0; i < x.Length; i++)
        {
            const float Step = 1f / 256;
            float up = Mean([.. x.Select((v, j) => j == i ? v + Step : v)]);
            float down = Mean([.. x.Select((v, j) => j == i ? v - Step : v)]);
            Assert.AreEqual((up - down) / (2 * Step), gradient[i], 2e-3f, $"[{i}]");
        }
    }
}
