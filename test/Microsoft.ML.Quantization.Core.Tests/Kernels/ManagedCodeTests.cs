using System;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Managed;
using Microsoft.ML.Quantization.TestSupport.Kernels;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Kernels;

/// <summary>Law: the element-wise kernels over codes equal the plain ones at every length, specials included.</summary>
[TestClass]
[TestCategory("Portable")]
public sealed class ManagedCodeTests
{
    private static readonly PlainKernels _plain = new();

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    [DataRow(128)]
    [DataRow(256)]
    [DataRow(512)]
    public void EveryLengthEqualsPlain(int bits)
    {
        ManagedKernels kernels = new(bits);
        for (int length = 0; length <= 130; length++)
        {
            float[] left = Specials(KernelOperands.Floats(length, 1, (ulong)length));
            float[] right = KernelOperands.Floats(length, 2, (ulong)length);
            byte[] a = KernelOperands.Codes(length, 3, (ulong)length, false);
            byte[] b = KernelOperands.Codes(length, 4, (ulong)length, false);
            byte[] table = KernelOperands.Codes(256, 5, 0, false);
            string what = $"length {length}, {bits} bits";
            SameCodes(length, what, (set, y) => set.QuantizeFloat(left, 0.0157f, 64, 3, 250, y), kernels);
            SameCodes(length, what, (set, y) => set.TranslateByte(a, table, y), kernels);
            SameCodes(length, what, (set, y) => set.AddByte(a, 13, 0.37f, b, 200, 1.25f, 99, 2, 251, y), kernels);
            SameFloats(length, what, (set, y) => set.DequantizeByte(a, 0.3f, 77, y), kernels);
            SameFloats(length, what, (set, y) => set.AddFloat(left, right, -1, 1.5f, y), kernels);
            SameFloats(length, what, (set, y) => set.ClampFloat(left, 0, 6, y), kernels);
        }
    }

    [TestMethod]
    public void WidestAcceleratedWidthIsTheDefault()
    {
        foreach (int bits in new[] { 128, 256, 512 })
        {
            TestContext.WriteLine(new ManagedKernels(bits).Description);
            if (ManagedKernels.IsAccelerated(bits))
            {
                Assert.IsTrue(ManagedKernels.WidestHardwareBits >= bits);
            }
        }

        ManagedKernels kernels = new();
        Assert.AreEqual("managed", kernels.Name);
        Assert.AreEqual(ManagedKernels.WidestHardwareBits, kernels.VectorBits);
        Assert.ThrowsException<ArgumentOutOfRangeException>(() => new ManagedKernels(64));
    }

    private static float[] Specials(float[] values)
    {
        float[] specials = [float.NaN, float.PositiveInfinity, float.NegativeInfinity, 3e9f, -3e9f, -0f, 0.0157f * 2.5f, float.Epsilon];
        for (int i = 0; i < values.Length; i += 5)
        {
            values[i] = specials[i / 5 % specials.Length];
        }

        return values;
    }

    private static void SameCodes(int length, string what, Action<KernelSet, byte[]> run, KernelSet kernels)
    {
        byte[] expected = new byte[length];
        byte[] found = new byte[length];
        run(_plain, expected);
        run(kernels, found);
        KernelAssert.SameBytes(expected, found, what);
    }

    private static void SameFloats(int length, string what, Action<KernelSet, float[]> run, KernelSet kernels)
    {
        float[] expected = new float[length];
        float[] found = new float[length];
        run(_plain, expected);
        run(kernels, found);
        KernelAssert.SameBits(expected, found, what);
    }
}
