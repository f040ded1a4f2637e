using System;
using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace Microsoft.ML.Quantization.Serialization;

/// <summary>How the checksums of a model file are made. They find damage; a signature they are not.</summary>
internal enum ModelChecksum
{
    /// <summary>SHA-256: files that readers of major version 1 know.</summary>
    Sha256 = 1,

    /// <summary>
    /// Eight chains of CRC-32C: word i of 8 bytes, little-endian, goes to chain i mod 8; all begin with ones; the last 64 bytes are filled up with zeros, and chain 0 ends with the length as
    /// one more word. Several times as fast as the processor's instructions for SHA-256, and no library of ciphers has to be loaded for it.
    /// </summary>
    Crc32C = 2,
}

/// <summary>Makes checksums and holds bytes against them.</summary>
internal static class ModelChecksums
{
    /// <summary>Bytes of a checksum.</summary>
    public const int Length = 32;

    private const int Chains = 8;
    private const int Word = sizeof(ulong);
    private const int Block = Chains * Word;

    /// <summary>The checksum of bytes.</summary>
    public static void Make(ModelChecksum kind, ReadOnlySpan<byte> data, Span<byte> checksum)
    {
        if (kind == ModelChecksum.Sha256)
        {
            MakeSha256(data, checksum);
            return;
        }

        Span<uint> chains = stackalloc uint[Chains];
        chains.Fill(uint.MaxValue);
        int whole = data.Length - (data.Length % Block);
        for (int at = 0; at < whole; at += Block)
        {
            Append(data.Slice(at, Block), chains);
        }

        Span<byte> last = stackalloc byte[Block];
        last.Clear();
        data[whole..].CopyTo(last);
        Append(last, chains);
        chains[0] = BitOperations.Crc32C(chains[0], (ulong)data.Length);
        for (int i = 0; i < Chains; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(checksum[(i * sizeof(uint))..], chains[i]);
        }
    }

    /// <summary>Whether bytes have this checksum.</summary>
    public static bool Holds(ModelChecksum kind, ReadOnlySpan<byte> data, ReadOnlySpan<byte> expected)
    {
        Span<byte> found = stackalloc byte[Length];
        Make(kind, data, found);
        return found.SequenceEqual(expected);
    }

    // Apart, because compiling a method loads the libraries of what it names: processes that only meet newer files are spared the library of ciphers.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void MakeSha256(ReadOnlySpan<byte> data, Span<byte> checksum) => SHA256.HashData(data, checksum);

    private static void Append(ReadOnlySpan<byte> block, Span<uint> chains)
    {
        for (int i = 0; i < Chains; i++)
        {
            chains[i] = BitOperations.Crc32C(chains[i], BinaryPrimitives.ReadUInt64LittleEndian(block[(i * Word)..]));
        }
    }
}
