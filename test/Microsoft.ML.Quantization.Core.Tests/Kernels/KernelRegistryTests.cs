using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Managed;
using Microsoft.ML.Quantization.Kernels.Native;
using Microsoft.ML.Quantization.TestSupport.Kernels;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Kernels;

/// <summary>Laws: absence of native code is a normal state with a reason; a forced set runs or throws, listing what there is.</summary>
[TestClass]
[TestCategory("Portable")]
public sealed class KernelRegistryTests
{
    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    public void ManagedIsAlwaysAvailable()
    {
        TestContext.WriteLine(KernelRegistry.Why);
        CollectionAssert.Contains(KernelRegistry.Available.Select(s => s.Name).ToArray(), "managed");
        CollectionAssert.AllItemsAreUnique(KernelRegistry.Available.Select(s => s.Name).ToArray());
        CollectionAssert.Contains(KernelRegistry.Available.ToArray(), KernelRegistry.Active);
        StringAssert.StartsWith(KernelRegistry.Why, KernelRegistry.Active.Name, StringComparison.Ordinal);
    }

    [TestMethod]
    public void EveryAvailableNameCanBeForced()
    {
        foreach (KernelSet set in KernelRegistry.Available)
        {
            (KernelSet chosen, string why) = KernelRegistry.Choose(set.Name);
            Assert.AreSame(set, chosen);
            StringAssert.Contains(why, KernelRegistry.Variable, StringComparison.Ordinal);
        }

        Assert.AreSame(KernelRegistry.Available[0], KernelRegistry.Choose(null).Set);
        Assert.AreSame(KernelRegistry.Available[0], KernelRegistry.Choose(string.Empty).Set);
    }

    [TestMethod]
    [DataRow("sse9")]
    [DataRow("AVX2")]
    public void AnUnknownNameThrowsAndListsTheSets(string name)
    {
        QuantizationException error = Assert.ThrowsException<QuantizationException>(() => KernelRegistry.Choose(name));
        Assert.AreEqual(QuantizationErrorCode.KernelSetUnavailable, error.Code);
        StringAssert.Contains(error.Message, $"'{name}'", StringComparison.Ordinal);
        StringAssert.Contains(error.Message, "managed", StringComparison.Ordinal);
    }

    [TestMethod]
    public void AMissingOrForeignLibraryGivesAReason()
    {
        string folder = Directory.CreateTempSubdirectory("mlq").FullName;
        try
        {
            File.WriteAllText(Path.Combine(folder, "libmlq.so"), "not a library");
            (IReadOnlyList<NativeKernels> sets, string reason) = NativeLibraryLoader.Load(folder);
            if (OperatingSystem.IsLinux())
            {
                Assert.AreEqual(0, sets.Count);
                StringAssert.Contains(reason, "could not be loaded", StringComparison.Ordinal);
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [TestMethod]
    public void LengthsAreCheckedBeforeNativeCode()
    {
        KernelSet? set = KernelRegistry.Available.FirstOrDefault(s => s is NativeKernels);
        if (set is null)
        {
            Assert.Inconclusive(KernelRegistry.Why);
        }

        ConvolutionGeometry g = KernelCases.Image(1, 8, 8, 4, 5, 3, 1, 1);
        using PackedWeights packed = set.PackConvolutionFloat(g, new float[g.Depth * 5]);
        float[] x = new float[g.InLength];
        float[] y = new float[g.OutLength];
        int tiles = set.CountConvolutionFloatTiles(g);
        void Run(ConvolutionGeometry geometry, float[] source, PackedWeights weights, float[] bias, float[] destination, int end)
            => set.ConvolutionFloat(geometry, source, weights, bias, 0, 1, destination, 0, end);
        Run(g, x, packed, new float[5], y, tiles);
        Assert.ThrowsException<ArgumentException>(() => Run(g, x[1..], packed, new float[5], y, tiles));
        Assert.ThrowsException<ArgumentException>(() => Run(g, x, packed, new float[4], y, tiles));
        Assert.ThrowsException<ArgumentException>(() => Run(g, x, packed, new float[5], y[1..], tiles));
        Assert.ThrowsException<ArgumentException>(() => Run(g, x, packed, new float[5], y, tiles + 1));
        Assert.ThrowsException<ArgumentException>(() => Run(g with { StrideWidth = 0 }, x, packed, new float[5], y, tiles));
        Assert.ThrowsException<ArgumentException>(() => Run(g with { Groups = 3 }, x, packed, new float[5], y, tiles));
        Assert.ThrowsException<ArgumentException>(() => Run(g with { DilationHeight = int.MaxValue }, x, packed, new float[5], y, tiles));
        using PackedWeights other = new ManagedKernels().PackConvolutionFloat(g, new float[g.Depth * 5]);
        Assert.ThrowsException<ArgumentException>(() => Run(g, x, other, new float[5], y, tiles));
    }
}
