using System;
using System.Collections.Generic;
using System.IO;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Microsoft.ML.Quantization.TrainingData;

/// <summary>
/// Rows of one length, appended once and then read in any order. They stay in their own element type, in memory up to a limit and behind it in a temporary file that goes with
/// this object.
/// </summary>
/// <typeparam name="T">The element type.</typeparam>
/// <param name="length">Elements of a row.</param>
/// <param name="limit">Bytes kept in memory, at most.</param>
/// <param name="folder">Where the file lies; null for the system's folder of temporary files.</param>
internal sealed class RowCache<T>(int length, long limit, string? folder = null) : IDisposable
    where T : unmanaged
{
    private const int BlockBytes = 1 << 22;

    private readonly List<T[]> _blocks = [];
    private readonly int _rowsPerBlock = Math.Max(1, BlockBytes / Math.Max(1, length * Marshal.SizeOf<T>()));
    private readonly string _path = Path.Combine(folder ?? Path.GetTempPath(), "mlq-rows-" + Path.GetRandomFileName());
    private SafeFileHandle? _file;
    private int _inMemory;

    /// <summary>Number of rows.</summary>
    public int Count { get; private set; }

    /// <summary>Whether some rows lie in the file.</summary>
    public bool IsSpilled => _file is not null;

    private int RowBytes => length * Marshal.SizeOf<T>();

    /// <summary>Appends a row.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.WriteFailed"/>: the temporary file cannot be written.</exception>
    public void Add(ReadOnlySpan<T> row)
    {
        if (_file is null && (long)(Count + 1) * RowBytes <= limit)
        {
            if (Count % _rowsPerBlock == 0)
            {
                _blocks.Add(new T[_rowsPerBlock * length]);
            }

            row.CopyTo(_blocks[^1].AsSpan(Count % _rowsPerBlock * length, length));
            _inMemory = ++Count;
            return;
        }

        long at = (long)(Count - _inMemory) * RowBytes;
        try
        {
            _file ??= Open(_path);
            RandomAccess.Write(_file, MemoryMarshal.AsBytes(row), at);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Dispose();
            throw new QuantizationException(
                QuantizationErrorCode.WriteFailed,
                FormattableString.Invariant($"Training rows: expected to keep row {Count} in the temporary file '{_path}' behind {at} bytes, because {_inMemory} rows fill the {limit} bytes allowed in memory, found: {e.Message} Free space, let the temporary folder be another, or allow more bytes in memory."),
                e);
        }

        Count++;
    }

    /// <summary>A file that no end of the process leaves behind: where files may lose their name while they are open, it has none.</summary>
    private static SafeFileHandle Open(string path)
    {
        SafeFileHandle file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Delete, FileOptions.DeleteOnClose | FileOptions.RandomAccess);
        if (!OperatingSystem.IsWindows())
        {
            File.Delete(path);
        }

        return file;
    }

    /// <summary>Reads a row.</summary>
    public void Read(int row, Span<T> destination)
    {
        if (row < _inMemory)
        {
            _blocks[row / _rowsPerBlock].AsSpan(row % _rowsPerBlock * length, length).CopyTo(destination);
            return;
        }

        Span<byte> bytes = MemoryMarshal.AsBytes(destination[..length]);
        long at = (long)(row - _inMemory) * RowBytes;
        for (int done = 0; done < bytes.Length;)
        {
            int read = RandomAccess.Read(_file!, bytes[done..], at + done);
            done += read > 0 ? read : throw new EndOfStreamException($"Row {row}: the temporary file of cached rows is shorter than it was written.");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file?.Dispose();
}
