using System;
using System.Diagnostics;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Serialization;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Serialization;

/// <summary>Mutants of valid files: half of them keep valid checksums, so that the readers behind the checksums are reached.</summary>
[TestClass]
public sealed class ModelFileFuzzTests
{
    private const int Mutants = 20_000;
    private const ulong Seed = 20240517;

    [TestMethod]
    public void No_mutant_crashes_hangs_or_takes_memory()
    {
        byte[][] seeds =
        [
            ModelWriter.ToBytes(HandmadeGraphs.Document(HandmadeGraphs.IntegerNet(8))),
            ModelWriter.ToBytes(HandmadeGraphs.Document(HandmadeGraphs.IntegerNet(3))),
        ];
        int refused = 0;
        TimeSpan slowest = TimeSpan.Zero;
        for (int i = 0; i < Mutants; i++)
        {
            byte[] mutant = Mutate(seeds[i % 2], new CounterRandom(Seed, (ulong)i), reseal: i % 4 < 2);
            long before = GC.GetAllocatedBytesForCurrentThread();
            long start = Stopwatch.GetTimestamp();
            refused += ModelFileTests.Code(mutant) is null ? 0 : 1;
            TimeSpan took = Stopwatch.GetElapsedTime(start);
            slowest = took > slowest ? took : slowest;
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.IsTrue(allocated <= (64L << 20) + (4L * mutant.Length), $"mutant {i} of seed {Seed} allocated {allocated} bytes");
        }

        Assert.IsTrue(slowest < TimeSpan.FromSeconds(1), $"a mutant of seed {Seed} took {slowest}");
        Assert.IsTrue(refused is > Mutants / 2 and < Mutants, $"{refused} of {Mutants} were refused: too few to mean anything, or not one got through");
    }

    private static byte[] Mutate(byte[] seed, CounterRandom random, bool reseal)
    {
        byte[] file = (byte[])seed.Clone();
        int edits = random.Integer(0, 1, 6);
        for (int e = 0; e < edits; e++)
        {
            long at = 10L * (e + 1);
            int place = random.Integer(at, 0, file.Length - 1);
            switch (random.Integer(at + 1, 0, 4))
            {
                case 0:
                    file[place] ^= (byte)(1 << random.Integer(at + 2, 0, 7));
                    break;
                case 1:
                    file[place] = (byte)random.Integer(at + 2, 0, 255);
                    break;
                case 2:
                    int[] interesting = [0, -1, 1, int.MaxValue, int.MinValue, 0x7FFF, 65536, 255];
                    BitConverter.TryWriteBytes(file.AsSpan(Math.Min(place, file.Length - 4)), interesting[random.Integer(at + 2, 0, interesting.Length - 1)]);
                    break;
                case 3:
                    int length = Math.Min(random.Integer(at + 2, 1, 64), file.Length - place);
                    int from = random.Integer(at + 3, 0, file.Length - length);
                    file.AsSpan(from, length).ToArray().CopyTo(file.AsSpan(place));
                    break;
                default:
                    file = e == 0 && file.Length > 200 ? file[..Math.Max(64, place)] : file;
                    break;
            }
        }

        return reseal ? ModelFileSurgery.Reseal(file) : file;
    }
}
