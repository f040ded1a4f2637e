using System;
using System.Buffers.Binary;
using Microsoft.ML.Quantization.Serialization;

namespace Microsoft.ML.Quantization.TestSupport;

/// <summary>Changes model files as a careful attacker would: with checksums that hold.</summary>
public static class ModelFileSurgery
{
    /// <summary>Adds an empty section of the given kind.</summary>
    public static byte[] AddSection(byte[] file, uint kind, bool required)
    {
        ArgumentNullException.ThrowIfNull(file);
        int count = BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(16));
        var result = new byte[file.Length + 64];
        int table = 64 + (count * 64);
        file.AsSpan(0, table).CopyTo(result);
        file.AsSpan(table).CopyTo(result.AsSpan(table + 64));
        for (int i = 0; i < count; i++)
        {
            Span<byte> offset = result.AsSpan(64 + (i * 64) + 8);
            BinaryPrimitives.WriteInt64LittleEndian(offset, BinaryPrimitives.ReadInt64LittleEndian(offset) + 64);
        }

        Span<byte> entry = result.AsSpan(table, 64);
        BinaryPrimitives.WriteUInt32LittleEndian(entry, kind);
        BinaryPrimitives.WriteUInt32LittleEndian(entry[4..], required ? 1u : 0u);
        BinaryPrimitives.WriteInt64LittleEndian(entry[8..], table + 64);
        BinaryPrimitives.WriteInt32LittleEndian(result.AsSpan(16), count + 1);
        BinaryPrimitives.WriteInt64LittleEndian(result.AsSpan(24), result.Length);
        return Reseal(result);
    }

    /// <summary>Recomputes every checksum that lies inside the file, so that only structure and content can give a change away.</summary>
    public static byte[] Reseal(byte[] file)
    {
        ArgumentNullException.ThrowIfNull(file);
        if (file.Length < 64)
        {
            return file;
        }

        int count = BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(16));
        if (count < 0 || count > 64 || 64 + (count * 64) > file.Length)
        {
            return file;
        }

        ModelChecksum checksum = BinaryPrimitives.ReadUInt16LittleEndian(file.AsSpan(12)) < 2 ? ModelChecksum.Sha256 : ModelChecksum.Crc32C;
        for (int i = 0; i < count; i++)
        {
            Span<byte> entry = file.AsSpan(64 + (i * 64), 64);
            long offset = BinaryPrimitives.ReadInt64LittleEndian(entry[8..]);
            long length = BinaryPrimitives.ReadInt64LittleEndian(entry[16..]);
            if (offset >= 0 && length >= 0 && offset <= file.Length - length)
            {
                ModelChecksums.Make(checksum, file.AsSpan((int)offset, (int)length), entry.Slice(24, 32));
            }
        }

        ModelChecksums.Make(checksum, file.AsSpan(64, count * 64), file.AsSpan(32, 32));
        return file;
    }
}
