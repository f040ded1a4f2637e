using System;
using System.Linq;
using System.Security.Cryptography;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.TestSupport.Kernels;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Kernels;

/// <summary>The library's SHA-256 is the framework's.</summary>
[TestClass]
[TestCategory("Portable")]
public sealed class ChecksumTests
{
    [TestMethod]
    public void Every_length_around_the_blocks_and_every_alignment_gives_the_frameworks_bytes()
    {
        byte[] data = KernelOperands.Codes(5000, 9, 1, false);
        byte[] found = new byte[Checksum.Length];
        foreach (int length in Enumerable.Range(0, 260).Append(4096).Append(4990))
        {
            for (int start = 0; start < 3; start++)
            {
                Checksum.Write(data.AsSpan(start, length), found);
                CollectionAssert.AreEqual(SHA256.HashData(data.AsSpan(start, length)), found, $"{length} bytes from {start}");
            }
        }
    }

    [TestMethod]
    public void Room_that_is_too_small_is_refused()
        => Assert.ThrowsException<ArgumentException>(() => Checksum.Write([1, 2, 3], new byte[Checksum.Length - 1]));
}
