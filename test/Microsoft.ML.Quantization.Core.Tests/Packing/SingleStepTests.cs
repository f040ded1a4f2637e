using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Packing;
using Microsoft.ML.Quantization.Packing.Steps;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Packing;

/// <summary>Law: thresholds that the packer runs as a requantizer give the same code for every accumulator that can be reached.</summary>
[TestClass]
public sealed class SingleStepTests
{
    private const int Most = (int)SingleStep.MostReach;

    [TestMethod]
    [DataRow(1)]
    [DataRow(2)]
    public void Every_accumulator_within_a_small_reach_gives_the_code_of_its_threshold(int count)
    {
        const int Reach = 40;
        foreach (int direction in new[] { 1, -1 })
        {
            foreach (int threshold in Enumerable.Range(-Reach - 5, (2 * Reach) + 11).Append(int.MinValue).Append(int.MaxValue))
            {
                Same(threshold, direction, count, Reach, Enumerable.Range(-Reach, (2 * Reach) + 1));
            }
        }
    }

    [TestMethod]
    [DataRow(1)]
    [DataRow(2)]
    public void The_largest_accumulators_and_thresholds_are_exact(int count)
    {
        int[] places = [-Most, -Most + 1, -Most + 2, -Most / 2, -1, 0, 1, (Most / 3) + 1, Most - 2, Most - 1, Most];
        foreach (int direction in new[] { 1, -1 })
        {
            foreach (int threshold in places.SelectMany(p => new[] { p - 1, p, p + 1 }).Append(int.MinValue).Append(int.MaxValue))
            {
                Same(threshold, direction, count, Most, places.SelectMany(p => new[] { p - 1, p, p + 1 }).Where(p => p is >= -Most and <= Most));
            }
        }
    }

    [TestMethod]
    public void Several_steps_and_accumulators_beyond_what_floats_hold_stay_thresholds()
    {
        AffineQuantization bit = HandmadeGraphs.MidRise(1, 1);
        AffineQuantization three = HandmadeGraphs.Activations(2, 1, 0);
        Assert.IsNotNull(SingleStep.Of(new Thresholds { Integers = [3], Result = bit }, new int[4], Most));
        Assert.IsNull(SingleStep.Of(new Thresholds { Integers = [3], Result = bit }, new int[4], Most + 1L));
        Assert.IsNull(SingleStep.Of(new Thresholds { Integers = [3, 3, 3], Result = three }, new int[4], 100));
        AffineQuantization two = AffineQuantization.PerTensor(three.Code, new IntegerRange(0, 2), new AffineParameters(1, 1));
        Assert.IsNotNull(SingleStep.Of(new Thresholds { Integers = [3, 3], Result = two }, new int[4], 100));
        Assert.IsNull(SingleStep.Of(new Thresholds { Integers = [3, 4], Result = two }, new int[4], 100));
        EpilogueData own = SingleStep.Of(new Thresholds { Integers = [1, 2, 3, 4], Directions = [1, -1, 1, -1], Result = bit }, new int[4], 100)!;
        CollectionAssert.AreEqual((float[])[0.5f, -0.5f, 0.5f, -0.5f], own.Multipliers);
    }

    private static void Same(int threshold, int direction, int count, int reach, System.Collections.Generic.IEnumerable<int> accumulators)
    {
        (float multiplier, float offset) = SingleStep.Line(threshold, direction, count, reach);
        foreach (int accumulator in accumulators)
        {
            bool passes = direction > 0 ? accumulator >= threshold : accumulator <= threshold;
            Assert.AreEqual(passes ? count : 0, Requantization.Apply(accumulator, multiplier, offset, 0, 0, count), $"{accumulator} against {threshold}, direction {direction}");
        }
    }
}
