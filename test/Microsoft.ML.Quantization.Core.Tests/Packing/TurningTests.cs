using System.Linq;
using Microsoft.ML.Quantization.Operators;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Packing;

/// <summary>Law: transposes by blocks put every value where the plain rule puts it, and write nothing else.</summary>
[TestClass]
[TestCategory("Portable")]
public sealed class TurningTests
{
    [TestMethod]
    [DataRow(1)]
    [DataRow(3)]
    [DataRow(4)]
    [DataRow(7)]
    [DataRow(8)]
    [DataRow(9)]
    [DataRow(16)]
    [DataRow(23)]
    [DataRow(24)]
    [DataRow(41)]
    public unsafe void Bytes_and_floats_are_turned_at_every_size(int rows)
    {
        foreach (int columns in (int[])[1, 5, 15, 16, 17, 31, 48])
        {
            (int fromStride, int toStride) = (columns + 3, rows + 2);
            byte[] from = [.. Enumerable.Range(0, rows * fromStride).Select(i => (byte)((i * 41) + 7))];
            float[] floatsFrom = [.. from.Select(b => b + 0.5f)];
            byte[] found = new byte[columns * toStride];
            byte[] expected = new byte[found.Length];
            float[] floatsFound = new float[found.Length];
            float[] floatsExpected = new float[found.Length];
            for (int i = 0; i < rows * columns; i++)
            {
                int place = (i % columns * toStride) + (i / columns);
                expected[place] = from[(i / columns * fromStride) + (i % columns)];
                floatsExpected[place] = expected[place] + 0.5f;
            }

            fixed (byte* source = from, target = found)
            fixed (float* floats = floatsFrom, result = floatsFound)
            {
                Turning.Bytes(source, rows, columns, fromStride, target, toStride);
                Turning.Floats(floats, rows, columns, fromStride, result, toStride);
            }

            CollectionAssert.AreEqual(expected, found, $"{rows} x {columns} bytes");
            CollectionAssert.AreEqual(floatsExpected, floatsFound, $"{rows} x {columns} floats");
        }
    }
}
