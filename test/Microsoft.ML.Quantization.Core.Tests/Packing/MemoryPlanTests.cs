using System;
using System.Linq;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Packing;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Packing;

[TestClass]
public sealed class MemoryPlanTests
{
    [TestMethod]
    public void Buffers_that_live_together_never_overlap_and_are_aligned()
    {
        for (ulong seed = 0; seed < 200; seed++)
        {
            BufferLife[] lives = Random(new CounterRandom(seed, 3));
            MemoryPlan plan = MemoryPlan.Create(lives, long.MaxValue, 1);
            for (int i = 0; i < lives.Length; i++)
            {
                Assert.AreEqual(0, plan.Offsets[i] % 64);
                Assert.IsTrue(plan.Offsets[i] + lives[i].Bytes <= plan.TotalBytes);
                for (int j = 0; j < i; j++)
                {
                    bool together = lives[i].First <= lives[j].Last && lives[j].First <= lives[i].Last;
                    bool apart = plan.Offsets[i] + lives[i].Bytes <= plan.Offsets[j] || plan.Offsets[j] + lives[j].Bytes <= plan.Offsets[i];
                    Assert.IsTrue(!together || apart || lives[i].Bytes == 0 || lives[j].Bytes == 0, $"seed {seed}: {i} and {j}");
                }
            }
        }
    }

    [TestMethod]
    public void Memory_is_used_again_after_the_last_reader()
    {
        BufferLife[] chain = [.. Enumerable.Range(0, 10).Select(i => new BufferLife(1000, i, i + 1))];
        Assert.AreEqual(2048, MemoryPlan.Create(chain, long.MaxValue, 1).TotalBytes);
    }

    [TestMethod]
    public void More_than_the_limit_is_refused_with_the_bytes_needed()
    {
        QuantizationException error = Assert.ThrowsException<QuantizationException>(() => MemoryPlan.Create([new BufferLife(6L << 30, 0, 1)], 4L << 30, 3));
        Assert.AreEqual(QuantizationErrorCode.MemoryLimitExceeded, error.Code);
        StringAssert.Contains(error.Message, (6L << 30).ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal);
    }

    [TestMethod]
    public void One_value_of_two_gibibytes_is_refused_whatever_the_limit()
    {
        QuantizationException error = Assert.ThrowsException<QuantizationException>(() => MemoryPlan.Create([new BufferLife(1L << 31, 0, 1)], long.MaxValue, 3));
        Assert.AreEqual(QuantizationErrorCode.MemoryLimitExceeded, error.Code);
    }

    private static BufferLife[] Random(CounterRandom random) => [.. Enumerable.Range(0, random.Integer(0, 1, 40)).Select(i =>
    {
        int first = random.Integer((i * 3) + 1, 0, 30);
        return new BufferLife(random.Integer((i * 3) + 2, 0, 5000), first, first + random.Integer((i * 3) + 3, 0, 9));
    })];
}
