using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using Microsoft.ML.Quantization.Graphs;

namespace Microsoft.ML.Quantization.Serialization;

/// <summary>Writes a <see cref="ModelDocument"/> as <c>.mlq</c>. The same document gives the same bytes on every machine.</summary>
public static class ModelWriter
{
    /// <summary>Writes to a stream; writing to a path safely is <c>QuantizedModel.Save</c>'s work.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.ModelLimitExceeded"/> for weights of 2 GiB and more.</exception>
    public static void Write(ModelDocument document, Stream destination)
    {
        ArgumentNullException.ThrowIfNull(document);
        ArgumentNullException.ThrowIfNull(destination);
        destination.Write(ToBytes(document));
    }

    /// <summary>The file as bytes.</summary>
    public static byte[] ToBytes(ModelDocument document)
    {
        ArgumentNullException.ThrowIfNull(document);
        (Dictionary<ValueId, long> offsets, long weightLength) = ConstantStore.Plan(document.Graph);
        byte[] graph = GraphCodec.Write(document.Graph, offsets);
        byte[] metadata = MetadataCodec.Write(document.Signature, document.Metadata);
        (uint Kind, long Length)[] sections = [(ModelFormat.GraphSection, graph.Length), (ModelFormat.MetadataSection, metadata.Length), (ModelFormat.WeightSection, weightLength)];
        long[] starts = Starts(sections, out long total);
        if (total > int.MaxValue)
        {
            throw new QuantizationException(QuantizationErrorCode.ModelLimitExceeded, $"Model file: expected less than 2 GiB, found {total} bytes.");
        }

        var file = new byte[total];
        graph.CopyTo(file, starts[0]);
        metadata.CopyTo(file, starts[1]);
        Span<byte> weights = file.AsSpan((int)starts[2], (int)weightLength);
        foreach ((ValueId id, long offset) in offsets)
        {
            Value value = document.Graph[id];
            ConstantStore.Write(value, weights.Slice((int)offset, (int)ConstantStore.Length(value.Type)));
        }

        WriteTable(file, sections, starts);
        WriteHeader(file, sections.Length, GraphCodec.MinorOf(document.Graph));
        return file;
    }

    private static long[] Starts((uint Kind, long Length)[] sections, out long total)
    {
        var starts = new long[sections.Length];
        total = ModelFormat.HeaderLength + (sections.Length * ModelFormat.EntryLength);
        for (int i = 0; i < sections.Length; i++)
        {
            starts[i] = total;
            total = ModelFormat.Align(total + sections[i].Length);
        }

        return starts;
    }

    private static void WriteTable(byte[] file, (uint Kind, long Length)[] sections, long[] starts)
    {
        for (int i = 0; i < sections.Length; i++)
        {
            Span<byte> entry = file.AsSpan(ModelFormat.HeaderLength + (i * ModelFormat.EntryLength), ModelFormat.EntryLength);
            BinaryPrimitives.WriteUInt32LittleEndian(entry, sections[i].Kind);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[4..], ModelFormat.RequiredFlag);
            BinaryPrimitives.WriteInt64LittleEndian(entry[8..], starts[i]);
            BinaryPrimitives.WriteInt64LittleEndian(entry[16..], sections[i].Length);
            ModelChecksums.Make(ModelChecksum.Crc32C, file.AsSpan((int)starts[i], (int)sections[i].Length), entry.Slice(24, ModelChecksums.Length));
        }
    }

    private static void WriteHeader(byte[] file, int sections, ushort minor)
    {
        Span<byte> header = file.AsSpan(0, ModelFormat.HeaderLength);
        BinaryPrimitives.WriteUInt64LittleEndian(header, ModelFormat.Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(header[8..], ModelFormat.Major);
        BinaryPrimitives.WriteUInt16LittleEndian(header[10..], minor);
        BinaryPrimitives.WriteUInt16LittleEndian(header[12..], ModelFormat.LowestReader);
        BinaryPrimitives.WriteInt32LittleEndian(header[16..], sections);
        BinaryPrimitives.WriteInt64LittleEndian(header[24..], file.Length);
        ModelChecksums.Make(ModelChecksum.Crc32C, file.AsSpan(ModelFormat.HeaderLength, sections * ModelFormat.EntryLength), header.Slice(32, ModelChecksums.Length));
    }
}
