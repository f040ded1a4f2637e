using System;
using Microsoft.ML.Quantization.Training;

namespace Microsoft.ML.Quantization.Benchmarks.Tables;

/// <summary>The first rows of a set, for a quick try of a table.</summary>
internal static class BatchSourceRows
{
    /// <summary>The first rows; all of them where there are no more.</summary>
    public static MemoryBatchSource First(this MemoryBatchSource all, int rows)
    {
        if (rows >= all.Count)
        {
            return all;
        }

        int length = all.InputShape.Count;
        float[] images = new float[rows * length];
        float[] labels = new float[rows];
        for (int i = 0; i < rows; i++)
        {
            all.Read(i, images.AsSpan(i * length, length), labels.AsSpan(i, 1));
        }

        return new MemoryBatchSource(all.InputShape, images, labels);
    }
}
