using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Passes;

/// <summary>The bound against every order of summation and every subset of taps, by enumeration.</summary>
[TestClass]
public sealed class AccumulatorBoundTests
{
    [TestMethod]
    public void No_partial_sum_of_any_reachable_input_exceeds_the_bound()
    {
        var random = new CounterRandom(9);
        for (int trial = 0; trial < 40; trial++)
        {
            sbyte[] weights = [.. Enumerable.Range(0, 3).Select(i => (sbyte)random.Integer((trial * 10) + i, -3, 3))];
            int zero = random.Integer((trial * 10) + 4, 0, 3);
            int bias = random.Integer((trial * 10) + 5, -20, 20);
            AffineQuantization w = Net.Codes(3, true, 1, 0);
            AccumulatorBound bound = AccumulatorBound.Of(Tensor.Create(Shape.Of(1, 3), weights), w, Net.Codes(2, false, 1, zero), Tensor.Create(Shape.Of(1), [bias]));
            for (int inputs = 0; inputs < 64; inputs++)
            {
                for (int taps = 0; taps < 8; taps++)
                {
                    Assert.IsTrue(System.Math.Abs(Largest(weights, inputs, taps, zero, bias)) <= bound.Worst, $"trial {trial}");
                }
            }
        }
    }

    [TestMethod]
    public void A_signed_input_counts_in_its_unsigned_representation()
    {
        // Codes −128..127 with z = 0 are 0..255 with z = 128: products 255·2, correction 128·2, bias 5.
        AccumulatorBound bound = AccumulatorBound.Of(Tensor.Create(Shape.Of(1, 1), [(sbyte)2]), Net.Codes(8, true, 1, 0), Net.Codes(8, true, 1, 0), Tensor.Create(Shape.Of(1), [-5]));
        Assert.AreEqual(510 + 256 + 5, bound.Worst);
    }

    [TestMethod]
    public void The_reach_of_sums_is_that_of_every_input_and_padding()
    {
        var random = new CounterRandom(11);
        for (int trial = 0; trial < 40; trial++)
        {
            sbyte[] weights = [.. Enumerable.Range(0, 3).Select(i => (sbyte)random.Integer((trial * 10) + i, -3, 3))];
            int zero = random.Integer((trial * 10) + 4, 0, 3);
            int bias = random.Integer((trial * 10) + 5, -20, 20);
            (long low, long high) = AccumulatorBound.ReachOf(Tensor.Create(Shape.Of(1, 3), weights), Net.Codes(3, true, 1, 0), Net.Codes(2, false, 1, zero), Tensor.Create(Shape.Of(1), [bias])).Single();
            long[] sums = [.. from inputs in Enumerable.Range(0, 64) from taps in Enumerable.Range(0, 8)
                              select bias + Enumerable.Range(0, 3).Sum(i => ((taps >> i) & 1) * (long)(((inputs >> (2 * i)) & 3) - zero) * weights[i])];
            Assert.AreEqual((sums.Min(), sums.Max()), (low, high), $"trial {trial}");
        }
    }

    [TestMethod]
    public void The_limit_is_exactly_what_32_bits_hold()
    {
        Assert.IsTrue(new AccumulatorBound(int.MaxValue, 0).IsProved);
        Assert.IsFalse(new AccumulatorBound(int.MaxValue + 1L, 0).IsProved);
    }

    private static long Largest(sbyte[] weights, int inputs, int taps, int zero, int bias)
    {
        long sum = 0;
        long correction = bias;
        long largest = 0;
        for (int i = 0; i < weights.Length; i++)
        {
            if (((taps >> i) & 1) != 0)
            {
                sum += ((inputs >> (2 * i)) & 3) * weights[i];
                correction -= zero * weights[i];
                largest = System.Math.Max(largest, System.Math.Abs(sum));
            }
        }

        return System.Math.Max(largest, System.Math.Max(System.Math.Abs(correction), System.Math.Abs(sum + correction)));
    }
}
