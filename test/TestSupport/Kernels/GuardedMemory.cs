using System;
using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.TestSupport.Kernels;

/// <summary>
/// Memory between two pages that cannot be touched: a read or write one byte outside ends the process. The values lie
/// against the page behind them, or against the one before.
/// </summary>
public sealed unsafe partial class GuardedMemory : IDisposable
{
    private const int NoAccess = 0;
    private const int ReadWrite = 3;
    private const int PrivateAnonymous = 0x22;

    private readonly nuint _mapped;
    private readonly byte* _base;
    private readonly byte* _data;
    private readonly int _bytes;

    /// <summary>Maps room for <paramref name="bytes"/> bytes; a test on another system than Linux is inconclusive.</summary>
    public GuardedMemory(int bytes, bool atEnd)
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Inconclusive("Guard pages are made with Linux calls.");
        }

        nuint page = (nuint)Environment.SystemPageSize;
        nuint room = ((nuint)Math.Max(bytes, 1) + page - 1) / page * page;
        _mapped = room + (2 * page);
        _base = (byte*)Map(null, _mapped, NoAccess, PrivateAnonymous, -1, 0);
        if ((nint)_base == -1 || Protect(_base + page, room, ReadWrite) != 0)
        {
            throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"Could not map {room} bytes."));
        }

        _bytes = bytes;
        _data = _base + page + (atEnd ? room - (nuint)bytes : 0);
    }

    /// <summary>The values.</summary>
    public Span<T> Span<T>()
        where T : unmanaged
        => new(_data, _bytes / sizeof(T));

    /// <summary>A guarded copy of some values.</summary>
    public static GuardedMemory Of<T>(ReadOnlySpan<T> values, bool atEnd)
        where T : unmanaged
    {
        GuardedMemory memory = new(values.Length * sizeof(T), atEnd);
        values.CopyTo(memory.Span<T>());
        return memory;
    }

    /// <inheritdoc/>
    public void Dispose() => _ = Unmap(_base, _mapped);

    [LibraryImport("libc", EntryPoint = "mmap"), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial void* Map(void* address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect"), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Protect(void* address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "munmap"), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Unmap(void* address, nuint length);
}
