using System;
using System.IO;
using System.IO.Compression;
using System.Linq;

namespace Microsoft.ML.Quantization.Tests;

/// <summary>Changes an entry of a zip file, whose own checksums stay right.</summary>
internal static class ZipSurgery
{
    /// <summary>Flips one bit in the second half of the largest entry of that name.</summary>
    public static byte[] FlipInside(byte[] zip, string name)
    {
        using var memory = new MemoryStream();
        memory.Write(zip);
        using (var archive = new ZipArchive(memory, ZipArchiveMode.Update, leaveOpen: true))
        {
            ZipArchiveEntry entry = archive.Entries.Where(e => e.FullName.EndsWith(name, StringComparison.Ordinal)).MaxBy(e => e.Length)!;
            using var content = new MemoryStream();
            using (Stream stream = entry.Open())
            {
                stream.CopyTo(content);
            }

            byte[] bytes = content.ToArray();
            bytes[bytes.Length / 2] ^= 1;
            string path = entry.FullName;
            entry.Delete();
            using Stream target = archive.CreateEntry(path).Open();
            target.Write(bytes);
        }

        return memory.ToArray();
    }

    /// <summary>Adds entries of any name, also names that exist.</summary>
    public static byte[] Add(byte[] zip, params (string Name, string Text)[] entries)
    {
        using var memory = new MemoryStream();
        memory.Write(zip);
        using (var archive = new ZipArchive(memory, ZipArchiveMode.Update, leaveOpen: true))
        {
            foreach ((string name, string text) in entries)
            {
                using var writer = new StreamWriter(archive.CreateEntry(name).Open());
                writer.Write(text);
            }
        }

        return memory.ToArray();
    }
}
