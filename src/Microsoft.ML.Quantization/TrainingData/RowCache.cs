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
internal sealed class RowCache<T>(int length, long limit) : IDisposable
    where T : unmanaged
{
    private const int BlockBytes = 1 << 22;

    private readonly List<T[]> _blocks = [];
    private readonly int _rowsPerBlock = Math.Max(1, BlockBytes / Math.Max(1, length * Marshal.SizeOf<T>()));
    private SafeFileHandle? _file;
    private int _inMemory;

    /// <summary>Number of rows.</summary>
    public int Count { get; private set; }

    /// <summary>Whether some rows lie in the file.</summary>
    public bool IsSpilled => _file is not null;

    private int RowBytes => length * Marshal.SizeOf<T>();

    /// <summary>Appends a row.</summary>
    /// <exception cref="IOException">The temporary file cannot be written.</exception>
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

        _file ??= File.OpenHandle(Path.GetTempFileName(), FileMode.Create, FileAccess.ReadWrite, FileShare.None, FileOptions.DeleteOnClose | FileOptions.RandomAccess);
        RandomAccess.Write(_file, MemoryMarshal.AsBytes(row), (long)(Count - _inMemory) * RowBytes);
        Count++;
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
