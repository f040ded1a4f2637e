using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Globalization;

namespace Microsoft.ML.Quantization.Serialization;

/// <summary>A section of a model file.</summary>
/// <param name="Offset">Where it begins in the file.</param>
/// <param name="Data">Its bytes.</param>
/// <param name="Checksum">How their checksum is made.</param>
/// <param name="Expected">Their checksum.</param>
internal readonly record struct FileSection(long Offset, Memory<byte> Data, ModelChecksum Checksum, Memory<byte> Expected);

/// <summary>Header and section table of a model file, checked.</summary>
internal static class SectionTable
{
    /// <summary>The sections of a file; the one of the kind <paramref name="later"/> is left to <see cref="Check(FileSection, uint)"/>.</summary>
    public static IReadOnlyDictionary<uint, FileSection> Read(Memory<byte> file, uint later = 0)
    {
        ReadOnlySpan<byte> data = file.Span;
        CheckMagic(data);
        ModelChecksum checksum = CheckVersion(data);
        long length = BinaryPrimitives.ReadInt64LittleEndian(data[24..]);
        if (length > data.Length)
        {
            throw new QuantizationException(QuantizationErrorCode.TruncatedModel, Text($"expected {length} bytes, found {data.Length}"));
        }

        int count = BinaryPrimitives.ReadInt32LittleEndian(data[16..]);
        if (length != data.Length || count is < 1 or > ModelFormat.MaximumSections || ModelFormat.HeaderLength + (count * ModelFormat.EntryLength) > data.Length)
        {
            throw Corrupt($"expected {data.Length} bytes and 1 to {ModelFormat.MaximumSections} sections, found {length} and {count}");
        }

        Check(checksum, data.Slice(ModelFormat.HeaderLength, count * ModelFormat.EntryLength), data.Slice(32, ModelChecksums.Length), "section table");
        var sections = new Dictionary<uint, FileSection>();
        for (int i = 0; i < count; i++)
        {
            ReadEntry(file, ModelFormat.HeaderLength + (i * ModelFormat.EntryLength), (later, checksum), sections);
        }

        return sections;
    }

    private static void ReadEntry(Memory<byte> file, int at, (uint Later, ModelChecksum Checksum) how, Dictionary<uint, FileSection> sections)
    {
        ReadOnlySpan<byte> entry = file.Span.Slice(at, ModelFormat.EntryLength);
        uint kind = BinaryPrimitives.ReadUInt32LittleEndian(entry);
        uint flags = BinaryPrimitives.ReadUInt32LittleEndian(entry[4..]);
        long offset = BinaryPrimitives.ReadInt64LittleEndian(entry[8..]);
        long length = BinaryPrimitives.ReadInt64LittleEndian(entry[16..]);
        if (offset < 0 || length < 0 || offset % ModelFormat.Alignment != 0 || offset > file.Length - length)
        {
            throw Corrupt($"section {kind}: expected an aligned place inside the file, found offset {offset}, length {length}");
        }

        if (kind is not (ModelFormat.GraphSection or ModelFormat.MetadataSection or ModelFormat.WeightSection))
        {
            if ((flags & ModelFormat.RequiredFlag) != 0)
            {
                throw new QuantizationException(QuantizationErrorCode.UnsupportedModelVersion, Text($"section {kind} must be understood and is not known to this version; use a newer library"));
            }

            return;
        }

        var section = new FileSection(offset, file.Slice((int)offset, (int)length), how.Checksum, file.Slice(at + 24, ModelChecksums.Length));
        if (kind != how.Later)
        {
            Check(section, kind);
        }

        if (!sections.TryAdd(kind, section))
        {
            throw Corrupt($"section {kind}: expected once, found twice");
        }
    }

    /// <summary>Holds a section against its checksum.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.CorruptModel"/>.</exception>
    public static void Check(FileSection section, uint kind) => Check(section.Checksum, section.Data.Span, section.Expected.Span, Text($"section {kind}"));

    private static void CheckMagic(ReadOnlySpan<byte> data)
    {
        if (data.Length < 8 || BinaryPrimitives.ReadUInt64LittleEndian(data) != ModelFormat.Magic)
        {
            string found = Convert.ToHexString(data[..Math.Min(8, data.Length)]);
            throw new QuantizationException(QuantizationErrorCode.NotAModel, Text($"expected the first bytes MLQMODEL, found {(found.Length == 0 ? "nothing" : found)}"));
        }

        if (data.Length < ModelFormat.HeaderLength)
        {
            throw new QuantizationException(QuantizationErrorCode.TruncatedModel, Text($"expected a header of {ModelFormat.HeaderLength} bytes, found {data.Length}"));
        }
    }

    private static ModelChecksum CheckVersion(ReadOnlySpan<byte> data)
    {
        ushort major = BinaryPrimitives.ReadUInt16LittleEndian(data[8..]);
        ushort lowest = BinaryPrimitives.ReadUInt16LittleEndian(data[12..]);
        if (lowest > ModelFormat.Major || major == 0)
        {
            throw new QuantizationException(QuantizationErrorCode.UnsupportedModelVersion, Text($"expected a format readable by version {ModelFormat.Major}, found {major}, which needs {lowest}; use a newer library"));
        }

        return lowest < 2 ? ModelChecksum.Sha256 : ModelChecksum.Crc32C;
    }

    private static void Check(ModelChecksum checksum, ReadOnlySpan<byte> data, ReadOnlySpan<byte> expected, string what)
    {
        Span<byte> found = stackalloc byte[ModelChecksums.Length];
        ModelChecksums.Make(checksum, data, found);
        if (!found.SequenceEqual(expected))
        {
            throw Corrupt($"{what}: expected checksum {Convert.ToHexStringLower(expected)[..16]}.., found {Convert.ToHexStringLower(found)[..16]}..; the file is damaged");
        }
    }

    private static QuantizationException Corrupt(FormattableString text) => new(QuantizationErrorCode.CorruptModel, Text(text));

    private static string Text(FormattableString text) => "Model file: " + text.ToString(CultureInfo.InvariantCulture) + ".";
}
