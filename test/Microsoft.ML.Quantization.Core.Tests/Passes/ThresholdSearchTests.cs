using System;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Passes;

/// <summary>Thresholds are found on the float expression itself: they agree with it everywhere, ties and unlucky decimals included.</summary>
[TestClass]
public sealed class ThresholdSearchTests
{
    private static readonly float[] _sixths = [1f / 6, 0.5f, 5f / 6];

    [TestMethod]
    public void The_worked_example_has_thresholds_13_24_35()
    {
        (int[] thresholds, int direction) = ThresholdSearch.Find(a => Code(a, 0.03f, -0.2f, _sixths), 3);
        Check.Sequence(thresholds, 13, 24, 35);
        Assert.AreEqual(1, direction);
        Check.Sequence(new[] { 12, 13, 24, 35 }.Select(a => Code(a, 0.03f, -0.2f, _sixths)).ToArray(), 0, 1, 2, 3);
    }

    [TestMethod]
    public void A_negative_slope_turns_the_comparison()
    {
        (int[] thresholds, int direction) = ThresholdSearch.Find(a => Code(a, -0.03f, -0.2f, _sixths), 3);
        Check.Sequence(thresholds, -13, -24, -35);
        Assert.AreEqual(-1, direction);
    }

    [TestMethod]
    [DataRow(0.75f, -1.2f, 2, 1, DisplayName = "gamma 1.5, mean 2, variance 4, beta 0.3: +1 from sum 2 on")]
    [DataRow(-0.75f, 1.8f, 2, -1, DisplayName = "gamma negative: +1 up to sum 2")]
    [DataRow(0f, -0.1f, int.MaxValue, 1, DisplayName = "slope 0, below: never")]
    [DataRow(0f, 0f, int.MinValue, 1, DisplayName = "slope 0, zero is +1: always")]
    [DataRow(-0f, 0.1f, int.MinValue, 1, DisplayName = "slope -0, above: always")]
    [DataRow(1f, -3f, 3, 1, DisplayName = "a tie is +1")]
    [DataRow(-1f, 3f, 3, -1, DisplayName = "a tie is +1 from the other side")]
    public void Signs_of_normalized_sums(float slope, float offset, int threshold, int direction)
    {
        (int[] thresholds, int found) = ThresholdSearch.Find(a => Code(a, slope, offset, [0]), 1);
        Check.Sequence(thresholds, threshold);
        Assert.AreEqual(direction, found);
    }

    [TestMethod]
    public void Decimals_that_a_division_gets_wrong_are_right_for_every_sum()
    {
        int wrongByDivision = 0;
        for (int slope = -40; slope <= 40; slope++)
        {
            for (int offset = -8; offset <= 8; offset++)
            {
                (float m, float b) = (slope / 100f, offset / 10f);
                float[] steps = [0.1f, 0.3f, 0.7f];
                (int[] thresholds, int direction) = ThresholdSearch.Find(a => Code(a, m, b, steps), 3);
                for (int a = -120; a <= 120; a++)
                {
                    int passed = thresholds.Count(t => direction > 0 ? a >= t : a <= t);
                    Assert.AreEqual(Code(a, m, b, steps), passed, $"{a} * {m} + {b}");
                }

                wrongByDivision += slope > 0 && Math.Ceiling(((double)steps[0] - b) / m) != thresholds[0] ? 1 : 0;
            }
        }

        Assert.IsTrue(wrongByDivision > 0, "the decimals of this test are no test");
    }

    [TestMethod]
    public void Sums_too_large_for_a_float_keep_the_order()
    {
        (int[] thresholds, int direction) = ThresholdSearch.Find(a => Code(a, 1f, 0f, [16777216f, 2147483520f]), 2);
        Assert.AreEqual(1, direction);
        foreach (int a in new[] { thresholds[0] - 1, thresholds[0], thresholds[1] - 1, thresholds[1] })
        {
            Assert.AreEqual(Code(a, 1f, 0f, [16777216f, 2147483520f]), thresholds.Count(t => a >= t));
        }
    }

    private static int Code(int accumulator, float slope, float offset, float[] steps)
    {
        float product = (float)accumulator * slope;
        float y = product + offset;
        return steps.Count(t => y >= t);
    }
}
