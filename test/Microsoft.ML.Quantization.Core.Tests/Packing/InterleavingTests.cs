using System.Linq;
using Microsoft.ML.Quantization.Packing.Steps;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Packing;

/// <summary>Law: planes become pixels, for every length around the vector's.</summary>
[TestClass]
public sealed class InterleavingTests
{
    [TestMethod]
    [DataRow(2)]
    [DataRow(3)]
    [DataRow(4)]
    public void EveryCodeFindsItsPixel(int channels)
    {
        for (int count = 0; count <= 83; count++)
        {
            byte[] planes = [.. Enumerable.Range(0, count * channels).Select(i => (byte)((i * 37) + (i / 256)))];
            byte[] pixels = new byte[planes.Length];
            Interleaving.Run(planes, channels, pixels);
            byte[] expected = [.. Enumerable.Range(0, planes.Length).Select(i => planes[(i % channels * count) + (i / channels)])];
            CollectionAssert.AreEqual(expected, pixels, $"{channels} channels, {count} pixels");
        }
    }
}
