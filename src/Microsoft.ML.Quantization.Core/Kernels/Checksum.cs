using System;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace Microsoft.ML.Quantization.Kernels;

/// <summary>
/// SHA-256 (FIPS 180-4) by the processor's own instructions where the native library has them, otherwise by the framework: the same bytes. The framework's needs the system's library of
/// cryptography, some megabytes that a process which only loads a model and runs it has no other use for.
/// </summary>
internal static class Checksum
{
    /// <summary>Bytes of a checksum.</summary>
    public const int Length = SHA256.HashSizeInBytes;

    /// <summary>Writes the checksum of some bytes; <paramref name="hash"/> has room for <see cref="Length"/>.</summary>
    public static void Write(ReadOnlySpan<byte> data, Span<byte> hash)
    {
        if (KernelRegistry.IsForced || !KernelRegistry.Available[0].TryHash(data, hash))
        {
            WriteByFramework(data, hash);
        }
    }

    // Apart, so that its assembly is loaded only where it is called.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void WriteByFramework(ReadOnlySpan<byte> data, Span<byte> hash) => SHA256.HashData(data, hash);
}
