using System;
using System.Globalization;
using System.Numerics;

namespace Microsoft.ML.Quantization.Kernels.Costs;

/// <summary>
/// Cost by counted instructions, for processors that nobody has measured: the instructions that a kernel's inner loop spends on a unit, two a cycle at 3 GHz. Good for telling
/// which set is faster, and to within a small factor for how long it takes.
/// </summary>
internal static class CountedModel
{
    private const double InstructionsPerNanosecond = 6;
    private const int ManagedBits = 256;

    /// <summary>Nanoseconds a unit of work.</summary>
    public static double NanosecondsPerUnit(string set, KernelOperation operation, int weightBits) => InstructionsPerUnit(set, operation, weightBits) / InstructionsPerNanosecond;

    private static double InstructionsPerUnit(string set, KernelOperation operation, int weightBits)
    {
        bool managed = set.StartsWith("managed", StringComparison.Ordinal);
        double bits = managed ? Digits(set, ManagedBits) : set.StartsWith("avx512", StringComparison.Ordinal) ? 512 : set == "avx2" ? 256 : 128;
        return operation switch
        {
            // One instruction multiplies and adds four bytes a lane (VNNI, dot products), or two words a lane and another one adds; managed code widens besides.
            KernelOperation.ConvolutionByte or KernelOperation.GroupedDense => Products(set, managed) / bits,
            // The same, and an instruction that takes the code out of its byte.
            KernelOperation.DenseNarrow => Containers(weightBits) * (set is "avx512vnni" or "neon" ? 20 : managed ? 64 : 36) / bits,
            // A product of two planes costs about a quarter of a product of bytes on every kernel set measured.
            KernelOperation.ConvolutionPlanes => Math.Max(KernelWork.PairsOf(weightBits), 1) * Products(set, managed) / 4 / bits,
            KernelOperation.ConvolutionFloat => 32 / bits,
            KernelOperation.DepthwiseByte or KernelOperation.DepthwiseFloat => 96 / bits,
            KernelOperation.MaxPoolByte or KernelOperation.Copy => 24 / bits,
            KernelOperation.MaxPoolWide => 48 / bits,
            KernelOperation.General or KernelOperation.Gate or KernelOperation.EntryByte or KernelOperation.EntryFloat or KernelOperation.Transpose => 4,
            _ => 256 / bits,
        };
    }

    private static double Products(string set, bool managed) => set is "avx512vnni" or "neon" ? 8 : managed ? 48 : 32;

    // Codes are cut into containers of 4, 2 and 1 bits.
    private static int Containers(int bits) => BitOperations.PopCount((uint)bits);

    private static int Digits(string set, int fallback) => int.TryParse(set.AsSpan("managed".Length), NumberStyles.None, CultureInfo.InvariantCulture, out int bits) ? bits : fallback;
}
