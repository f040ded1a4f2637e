using System;
using System.Linq;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Numerics;

[TestClass]
[TestCategory("Portable")]
public sealed class BitPackingTests
{
    [TestMethod]
    [DataRow(6, new[] { 1, 2, 3, 63 }, "8130FC")]
    [DataRow(3, new[] { 1, 2, 3, 4, 5, 6, 7, 0 }, "D1581F")]
    [DataRow(5, new[] { 31, 0, 17 }, "1F44")]
    [DataRow(4, new[] { 1, 2, 15 }, "210F")]
    [DataRow(2, new[] { 3, 0, 1, 2, 1 }, "9301")]
    [DataRow(2, new[] { 1, -2, 0, -1 }, "C9")]
    [DataRow(4, new[] { -8, 7 }, "78")]
    public void Codes_lie_least_significant_bit_first(int bits, int[] codes, string expected)
    {
        byte[] source = [.. codes.Select(c => unchecked((byte)c))];
        var packed = new byte[BitPacking.PackedLength(codes.Length, bits)];
        BitPacking.Pack(source, bits, packed);
        Assert.AreEqual(expected, Convert.ToHexString(packed));
    }

    [TestMethod]
    public void Every_code_of_every_width_survives_packing()
    {
        for (int bits = 1; bits <= 8; bits++)
        {
            foreach (bool signed in new[] { false, true })
            {
                IntegerRange range = signed ? IntegerRange.Signed(bits) : IntegerRange.Unsigned(bits);
                byte[] codes = [.. Enumerable.Range(0, 1001).Select(i => unchecked((byte)(range.Min + (int)((i * 7L) % range.Count))))];
                var packed = new byte[BitPacking.PackedLength(codes.Length, bits)];
                var unpacked = new byte[codes.Length];
                BitPacking.Pack(codes, bits, packed);
                BitPacking.Unpack(packed, bits, signed, unpacked);
                CollectionAssert.AreEqual(codes, unpacked, $"{bits} bits, signed {signed}");
            }
        }
    }

    [TestMethod]
    public void Every_length_survives_packing()
    {
        for (int bits = 1; bits <= 8; bits++)
        {
            for (int length = 0; length < 40; length++)
            {
                byte[] codes = [.. Enumerable.Range(0, length).Select(i => (byte)((i * 11 + 5) & ((1 << bits) - 1)))];
                var packed = new byte[BitPacking.PackedLength(length, bits)];
                var unpacked = new byte[length];
                BitPacking.Pack(codes, bits, packed);
                BitPacking.Unpack(packed, bits, false, unpacked);
                CollectionAssert.AreEqual(codes, unpacked, $"{length} of {bits} bits");
            }
        }
    }

    [TestMethod]
    public void Wrong_widths_and_lengths_are_refused()
    {
        Assert.ThrowsException<ArgumentOutOfRangeException>(() => BitPacking.PackedLength(1, 9));
        Assert.ThrowsException<ArgumentException>(() => BitPacking.Pack([1, 2], 4, new byte[2]));
        Assert.ThrowsException<ArgumentException>(() => BitPacking.Unpack(new byte[1], 8, false, new byte[2]));
    }
}
