using System;
using System.Linq;
using Microsoft.ML.Quantization.Allocation;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Packing;
using Microsoft.ML.Quantization.TestSupport.Kernels;
using Microsoft.ML.Quantization.Threading;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Packing;

/// <summary>Weights of a network are packed side by side; that changes no byte of them, and each lives until it is disposed.</summary>
[TestClass]
[TestCategory("Portable")]
public sealed class PackJobTests
{
    private static readonly ConvolutionGeometry[] _layers = [ConvolutionGeometry.Dense(1, 600, 1000), ConvolutionGeometry.Dense(1, 3, 5), ConvolutionGeometry.Dense(1, 1400, 1100)];

    [TestMethod]
    public void Weights_packed_together_are_those_packed_alone()
    {
        foreach (KernelSet set in KernelRegistry.Available)
        {
            sbyte[][] codes = [.. _layers.Select((g, i) => KernelOperands.Weights((long)g.Depth * g.OutChannels, (ulong)i + 1, 2, false, g.Depth))];
            PackedWeights[] alone = [.. _layers.Select((g, i) => set.PackConvolutionByte(g, codes[i]))];
            PackedWeights[] together = [.. _layers.Select(g => set.NewConvolutionByte(g))];
            PackJob.Run([.. together.Select((p, i) => new PackJob(p, 3, (packed, part, parts) => set.FillConvolutionByte(_layers[i], codes[i], WeightAxes.TapsFirst, packed, part, parts)))], WorkerPool.Single);
            for (int i = 0; i < _layers.Length; i++)
            {
                CollectionAssert.AreEqual(alone[i].Span<byte>().ToArray(), together[i].Span<byte>().ToArray(), $"{set.Name}, layer {i}");
                together[i].Dispose();
                alone[i].Dispose();
            }
        }
    }

    [TestMethod]
    public unsafe void Weights_in_a_block_outlive_it_and_one_another()
    {
        var block = new NativeBlock(4096);
        byte* memory = block.Pointer;
        new Span<byte>(memory, 4096).Fill(7);
        PackedWeights first = PackedWeights.Unset(100, "a"), second = PackedWeights.Unset(2000, "b");
        first.Place(block, 0);
        second.Place(block, first.Allocated);
        block.Dispose();
        first.Dispose();
        Assert.IsTrue(first.IsClosed && !second.IsClosed);
        Assert.IsTrue(second.Pointer == memory + 128, "side by side");
        Span<byte> bytes = new(second.Pointer, (int)second.Allocated);
        Assert.AreEqual(2048 - 64, bytes.IndexOf((byte)0), "nothing but the last vector is cleared");
        Assert.AreEqual(-1, bytes[^64..].IndexOfAnyExcept((byte)0));
        second.Dispose();
    }

    [TestMethod]
    public unsafe void Weights_without_a_place_find_one_when_they_are_asked_for_and_none_behind_their_end()
    {
        using PackedWeights weights = PackedWeights.Unset(70, "a");
        Assert.IsTrue(weights.IsInvalid);
        weights.Span<byte>().Fill(1);
        Assert.IsFalse(weights.IsInvalid);
        Assert.IsTrue(weights.Pointer == weights.Pointer && (nint)weights.Pointer % 64 == 0);
        PackedWeights disposed = PackedWeights.Unset(70, "a");
        disposed.Dispose();
        Assert.ThrowsException<ObjectDisposedException>(() => disposed.Span<byte>().Length);
    }

    [TestMethod]
    [DataRow(0L)]
    [DataRow(1L)]
    [DataRow(3L << 20)]
    [DataRow((4L << 20) - 1)]
    public unsafe void Memory_is_aligned_and_all_of_it_can_be_written(long bytes)
    {
        byte* memory = NativePages.Allocate(bytes);
        new Span<byte>(memory, (int)bytes).Fill(0x5A);
        long alignment = OperatingSystem.IsLinux() && bytes >= 2 << 20 ? 2 << 20 : NativePages.Alignment;
        Assert.AreEqual(0, (nint)memory % alignment);
        Assert.AreEqual(-1, new Span<byte>(memory, (int)bytes).IndexOfAnyExcept((byte)0x5A));
        NativePages.Free(memory);
        Assert.ThrowsException<ArgumentOutOfRangeException>(() => (nint)NativePages.Allocate(-1));
    }
}
