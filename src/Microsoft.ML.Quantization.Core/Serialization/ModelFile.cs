using System;
using System.IO;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Microsoft.ML.Quantization.Serialization;

/// <summary>Opens model files for a model that keeps them open.</summary>
internal static partial class ModelFile
{
    private const int Unlock = 8;

    /// <summary>Reads and checks a file whole. Its weights leave memory again with <see cref="StoredWeights.Release"/>.</summary>
    /// <exception cref="QuantizationException">NotAModel, TruncatedModel, UnsupportedModelVersion, CorruptModel, or a rule of the graph.</exception>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    public static (ModelDocument Document, StoredWeights Weights) Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        SafeFileHandle file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        NativeBytes? memory = null;
        try
        {
            LetOthersLock(file);
            memory = new NativeBytes(ModelReader.CheckLength(path, RandomAccess.GetLength(file)));
            int length = ReadAt(file, memory.Memory.Span, 0);
            StoredWeights? weights = null;
            ModelDocument document = ModelReader.Read(memory.Memory[..length], section => weights = new StoredWeights(file, memory, section));
            return (document, weights!);
        }
        catch
        {
            memory?.Dispose();
            file.Dispose();
            throw;
        }
    }

    /// <summary>Reads until the buffer is full or the file ends; gives the number of bytes read.</summary>
    public static int ReadAt(SafeFileHandle file, Span<byte> buffer, long offset)
    {
        int at = 0;
        int read = -1;
        while (at < buffer.Length && read != 0)
        {
            read = RandomAccess.Read(file, buffer[at..], offset + at);
            at += read;
        }

        return at;
    }

    // Opening takes an advisory lock, which would keep programs of this runtime from opening the file alone for as long as the model lives.
    private static void LetOthersLock(SafeFileHandle file)
    {
        try
        {
            _ = Flock(file, Unlock);
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            // The lock stays; it hinders nobody who only reads.
        }
    }

    [LibraryImport("libc", EntryPoint = "flock")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Flock(SafeFileHandle file, int operation);
}
