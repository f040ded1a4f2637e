using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.IO.Compression;

namespace QuickStart;

/// <summary>Reads the IDX files of Fashion-MNIST: big-endian header, then one byte a pixel or label.</summary>
public static class IdxFile
{
    private const int PixelsPerImage = 784;

    /// <summary>The images of a set, as pixel / 255, with their labels.</summary>
    public static List<Image> Read(string folder, string set)
    {
        byte[] images = Unzip(Path.Combine(folder, $"{set}-images-idx3-ubyte.gz"));
        byte[] labels = Unzip(Path.Combine(folder, $"{set}-labels-idx1-ubyte.gz"));
        int count = BinaryPrimitives.ReadInt32BigEndian(images.AsSpan(4));
        var rows = new List<Image>(count);
        for (int i = 0; i < count; i++)
        {
            var pixels = new float[PixelsPerImage];
            for (int p = 0; p < PixelsPerImage; p++)
            {
                pixels[p] = images[16 + (i * PixelsPerImage) + p] / 255f;
            }

            rows.Add(new Image { Pixels = pixels, Label = labels[8 + i] });
        }

        return rows;
    }

    private static byte[] Unzip(string path)
    {
        using var file = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
        using var memory = new MemoryStream();
        file.CopyTo(memory);
        return memory.ToArray();
    }
}
