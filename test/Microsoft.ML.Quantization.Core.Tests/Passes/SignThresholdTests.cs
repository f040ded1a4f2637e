using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Passes;

/// <summary>
/// Batch normalization and sign behind a sum s = n − 2p of n signs become one threshold: for every n up to 300 and every p it says what the float expression says, whatever the slope and offset, and
/// so does a lowered layer.
/// </summary>
[TestClass]
[TestCategory("Portable")]
public sealed class SignThresholdTests
{
    private const int Most = 300;

    public static IEnumerable<object[]> Slopes => new[]
    {
        0.75f, -0.75f, 0.1f, -0.3f, 1e-3f, 0, -0f, float.Epsilon, -float.Epsilon, 1e-40f, -3e-39f, 1.17549435e-38f, 1e30f, -1e30f, float.MaxValue, -float.MaxValue,
    }.Select(a => new object[] { a });

    [TestMethod]
    [DynamicData(nameof(Slopes))]
    public void Thresholds_agree_with_the_expression_for_every_count(float slope)
    {
        foreach (float offset in Offsets(slope))
        {
            (int[] thresholds, int direction) = ThresholdSearch.Find(s => Bit(s, slope, offset), 1);
            Assert.AreEqual(slope < 0 && Moves(slope, offset) ? -1 : 1, direction, $"{slope} * s + {offset}");

            // All sums of all n up to 300: s = n − 2p takes every integer from −300 to 300.
            for (int n = 1; n <= Most; n++)
            {
                for (int p = 0; p <= n; p++)
                {
                    int s = n - (2 * p);
                    int found = (direction > 0 ? s >= thresholds[0] : s <= thresholds[0]) ? 1 : 0;
                    if (found != Bit(s, slope, offset))
                    {
                        Assert.Fail($"{s} * {slope} + {offset}: threshold {thresholds[0]}, direction {direction}");
                    }
                }
            }
        }
    }

    [TestMethod]
    [DataRow(1f, 1e30f, 1, true)]
    [DataRow(1f, -1e30f, 1, false)]
    [DataRow(-1f, 1e30f, 1, true)]
    [DataRow(-1f, -1e30f, 1, false)]
    [DataRow(1e-40f, 1f, 1, true)]
    [DataRow(1e-40f, -1f, 1, false)]
    [DataRow(0f, -0f, 1, true)]
    public void Constant_channels_have_thresholds_that_no_sum_passes(float slope, float offset, int direction, bool isOne)
    {
        (int[] thresholds, int found) = ThresholdSearch.Find(s => Bit(s, slope, offset), 1);
        Assert.AreEqual((direction, isOne ? int.MinValue : int.MaxValue), (found, thresholds[0]));
    }

    [TestMethod]
    [DataRow(9, 1.5f, 2f, 4f, 0.3f, 3)]
    [DataRow(9, -1.5f, 2f, 4f, 0.3f, 5)]
    [DataRow(9, 0f, 2f, 4f, -0.1f, -1)]
    [DataRow(9, 0.2f, -1f, 1f, -5f, -1)]
    [DataRow(8, 1f, 3f, 1f, 0f, 2)]
    public void Normalizations_worked_out_by_hand_have_their_most_disagreements(int n, float gamma, float mean, float variance, float beta, int most)
    {
        float slope = gamma / MathF.Sqrt(variance);
        float offset = beta - (slope * mean);
        (int[] thresholds, int direction) = ThresholdSearch.Find(s => Bit(s, slope, offset), 1);

        // P: the largest count of disagreements with output +1, weights turned where the slope is negative; −1 for none.
        int P(Func<int, bool> isOne) => Enumerable.Range(0, n + 1).Where(p => isOne(gamma < 0 ? (2 * p) - n : n - (2 * p))).DefaultIfEmpty(-1).Max();
        Assert.AreEqual(most, P(s => direction > 0 ? s >= thresholds[0] : s <= thresholds[0]));
        Assert.AreEqual(most, P(s => Bit(s, slope, offset) == 1));
    }

    [TestMethod]
    public void A_lowered_layer_has_the_signs_of_its_normalization_for_every_count()
    {
        const int Length = 299;
        float[] gamma = [0.75f, -0.75f, 0, -0f, 1e-40f, -float.Epsilon, 0.1f, -0.1f, 1e30f, -1e-3f, 1, 1];
        float[] beta = [-1.2f, 1.8f, 0, -1, 1e-39f, 3e-43f, -2.4f, 2.4f, 3e30f, 0.3f, 1e30f, -1e30f];
        var net = new Net();
        ValueId x = net.FakeMidRise("xq", net.Input("x", Shape.Free, Length), 1, 1);
        float[] weights = [.. Enumerable.Range(0, gamma.Length).SelectMany(c => Enumerable.Range(0, Length).Select(i => i % 7 < 3 ? 1f : -1))];
        ValueId dense = net.Dense("dense", x, net.FakeMidRise("wq", net.Constant("w", [gamma.Length, Length], weights), 1, 1));
        Graph fake = net.Build(net.FakeMidRise("sign", net.Norm("norm", dense, gamma, beta), 1, 1));
        Graph integer = LowerToInteger.Run(fake, Harness.Evaluate).Graph;
        Assert.IsTrue(integer.Nodes.OfType<Thresholds>().Any(t => t.Integers.Length > 1), "thresholds of channels");

        // Row p agrees with the weights but for p places.
        float[] rows = [.. Enumerable.Range(0, Length + 1).SelectMany(p => Enumerable.Range(0, Length).Select(i => i < p ? -weights[i] : weights[i]))];
        Tensor[] inputs = [Tensor.Create(Shape.Of(Length + 1, Length), rows)];
        float[] found = Harness.Run(integer, inputs);
        CollectionAssert.AreEqual(Harness.Run(fake, inputs), found);
        float[] expected = [.. Enumerable.Range(0, Length + 1).SelectMany(p => gamma.Select((g, c) => (Bit(Length - (2 * p), g, beta[c]) * 2f) - 1))];
        CollectionAssert.AreEqual(expected, found);
    }

    /// <summary>Zero and small numbers, ties at whole sums and beside them, and ends no sum reaches.</summary>
    private static IEnumerable<float> Offsets(float slope)
    {
        float[] ties = [.. new[] { -Most, -37, -1, 0, 1, 2, 24, 299 }.Select(s => -s * slope).Where(float.IsFinite)];
        return ties.Concat(ties.Select(MathF.BitIncrement)).Concat(ties.Select(MathF.BitDecrement)).Concat([0, -0f, 0.1f, -7.3f, float.Epsilon, -1e-41f, 1e30f, -1e30f, 3e38f, -3e38f]).Distinct();
    }

    /// <summary>Whether the sign changes anywhere over the integers.</summary>
    private static bool Moves(float slope, float offset) => Bit(int.MinValue, slope, offset) != Bit(int.MaxValue, slope, offset);

    private static int Bit(int sum, float slope, float offset)
    {
        float product = (float)sum * slope;
        float y = product + offset;
        return y >= 0 ? 1 : 0;
    }
}
