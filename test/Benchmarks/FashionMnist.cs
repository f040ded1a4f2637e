using System;
using System.Buffers.Binary;
using System.IO;
using System.IO.Compression;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>Images as pixel / 255 and labels, from IDX files, packed (.gz) or not; MNIST has the same form.</summary>
internal sealed record FashionMnist(float[] Pixels, byte[] Labels)
{
    public const int ImageLength = 784;

    public int Count => Labels.Length;

    public static FashionMnist Read(string folder, string set)
    {
        byte[] images = Unzip(Path.Combine(folder, $"{set}-images-idx3-ubyte"));
        byte[] labels = Unzip(Path.Combine(folder, $"{set}-labels-idx1-ubyte"));
        int count = BinaryPrimitives.ReadInt32BigEndian(images.AsSpan(4));
        var pixels = new float[count * ImageLength];
        for (int i = 0; i < pixels.Length; i++)
        {
            pixels[i] = images[16 + i] / 255f;
        }

        return new FashionMnist(pixels, labels[8..(8 + count)]);
    }

    private static byte[] Unzip(string path)
    {
        if (File.Exists(path))
        {
            return File.ReadAllBytes(path);
        }

        using var stream = new GZipStream(File.OpenRead(path + ".gz"), CompressionMode.Decompress);
        using var memory = new MemoryStream();
        stream.CopyTo(memory);
        return memory.ToArray();
    }
}
