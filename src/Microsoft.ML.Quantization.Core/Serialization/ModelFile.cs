using System;
using System.Collections.Generic;
using System.IO;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Microsoft.ML.Quantization.Serialization;

/// <summary>
/// A model file that is read for a model which keeps it open. The checksum of the weights and the graph over them are checked apart, so that two threads can do both at once; nothing
/// made of the weights may be used before <see cref="CheckWeights"/> has come back.
/// </summary>
internal sealed partial class ModelFile : IDisposable
{
    private const int Unlock = 8;

    private readonly SafeFileHandle _file;
    private readonly NativeBytes _memory;
    private readonly IReadOnlyDictionary<uint, FileSection> _sections;
    private StoredWeights? _weights;

    private ModelFile(SafeFileHandle file, NativeBytes memory, IReadOnlyDictionary<uint, FileSection> sections)
    {
        _file = file;
        _memory = memory;
        _sections = sections;
    }

    /// <summary>Reads a file whole; header, section table and all checksums but that of the weights are checked.</summary>
    /// <exception cref="QuantizationException">NotAModel, TruncatedModel, UnsupportedModelVersion or CorruptModel.</exception>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    public static ModelFile Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        SafeFileHandle file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        NativeBytes? memory = null;
        try
        {
            LetOthersLock(file);
            memory = new NativeBytes(ModelReader.CheckLength(path, RandomAccess.GetLength(file)));
            int length = ReadAt(file, memory.Memory.Span, 0);
            return new ModelFile(file, memory, SectionTable.Read(memory.Memory[..length], later: ModelFormat.WeightSection));
        }
        catch
        {
            memory?.Free();
            file.Dispose();
            throw;
        }
    }

    /// <summary>Holds the weights against their checksum.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.CorruptModel"/>.</exception>
    public void CheckWeights() => SectionTable.Check(ModelReader.Find(_sections, ModelFormat.WeightSection), ModelFormat.WeightSection);

    /// <summary>The document. Its weights leave memory with <see cref="StoredWeights.Release"/>; the weights own file and memory from then on.</summary>
    /// <exception cref="QuantizationException">CorruptModel, or a rule of the graph.</exception>
    public (ModelDocument Document, StoredWeights Weights) Read()
    {
        ModelDocument document = ModelReader.Read(_sections, section => _weights = new StoredWeights(_file, _memory, section));
        return (document, _weights!);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _weights?.Dispose();
        _memory.Free();
        _file.Dispose();
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
