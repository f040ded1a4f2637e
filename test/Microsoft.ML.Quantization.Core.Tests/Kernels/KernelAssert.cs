using System;
using System.Globalization;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Kernels;

/// <summary>Equality of bits, with the first difference named.</summary>
internal static class KernelAssert
{
    public static void SameBits(ReadOnlySpan<float> expected, ReadOnlySpan<float> found, string what)
    {
        Assert.AreEqual(expected.Length, found.Length, what);
        for (int i = 0; i < expected.Length; i++)
        {
            bool same = BitConverter.SingleToInt32Bits(expected[i]) == BitConverter.SingleToInt32Bits(found[i])
                || (float.IsNaN(expected[i]) && float.IsNaN(found[i]));
            if (!same)
            {
                Assert.Fail(string.Create(CultureInfo.InvariantCulture, $"{what}: value {i}: expected {expected[i]:R}, found {found[i]:R}"));
            }
        }
    }

    public static void SameBytes(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> found, string what)
    {
        Assert.AreEqual(expected.Length, found.Length, what);
        int common = expected.CommonPrefixLength(found);
        if (common < expected.Length)
        {
            Assert.Fail(string.Create(CultureInfo.InvariantCulture, $"{what}: byte {common}: expected {expected[common]}, found {found[common]}"));
        }
    }
}
