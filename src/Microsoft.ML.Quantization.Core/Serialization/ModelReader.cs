using System;
using System.Collections.Generic;
using System.IO;
using Microsoft.ML.Quantization.Graphs;

namespace Microsoft.ML.Quantization.Serialization;

/// <summary>
/// Reads <c>.mlq</c>. A file is untrusted: structure, limits, checksums, codes and the graph's rules are all checked, and nothing is allocated
/// on the word of a length that the file cannot hold.
/// </summary>
public static class ModelReader
{
    /// <summary>
    /// Reads a file whole; constants of whole bytes stay in the bytes read. It is not mapped: spans over a mapping can outlive it, and whoever shortens a mapped file
    /// ends the process.
    /// </summary>
    /// <exception cref="QuantizationException">NotAModel, TruncatedModel, UnsupportedModelVersion, CorruptModel, or a rule of the graph.</exception>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    public static ModelDocument Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        _ = CheckLength(path, new FileInfo(path).Length);
        return Read(File.ReadAllBytes(path));
    }

    /// <summary>Reads from memory, which must not change afterwards: constants point into it.</summary>
    /// <exception cref="QuantizationException">NotAModel, TruncatedModel, UnsupportedModelVersion, CorruptModel, or a rule of the graph.</exception>
    public static ModelDocument Read(Memory<byte> file) => Read(SectionTable.Read(file), section => new WeightSection(section.Data));

    /// <summary>The length of a file that may hold a model.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.NotAModel"/>.</exception>
    internal static int CheckLength(string path, long length) => length > 0 && length <= Array.MaxLength
        ? (int)length
        : throw new QuantizationException(QuantizationErrorCode.NotAModel, $"'{path}': expected an .mlq file of 1 byte to 2 GiB, found {length} bytes.");

    /// <summary>Reads checked sections; <paramref name="weights"/> makes tensors of the weight section.</summary>
    internal static ModelDocument Read(IReadOnlyDictionary<uint, FileSection> sections, Func<FileSection, WeightSection> weights)
    {
        try
        {
            Graph graph = GraphCodec.Read(Find(sections, ModelFormat.GraphSection).Data.Span, weights(Find(sections, ModelFormat.WeightSection)));
            (ModelSignature signature, ModelMetadata metadata) = MetadataCodec.Read(Find(sections, ModelFormat.MetadataSection).Data.Span, graph);
            return new ModelDocument(graph, signature, metadata);
        }
        catch (OverflowException exception)
        {
            throw new QuantizationException(QuantizationErrorCode.CorruptModel, "Model file: expected numbers in range, found one that overflows.", exception);
        }
    }

    /// <summary>A section that every model has.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.CorruptModel"/>: it is missing.</exception>
    internal static FileSection Find(IReadOnlyDictionary<uint, FileSection> sections, uint kind) => sections.TryGetValue(kind, out FileSection section)
        ? section
        : throw new QuantizationException(QuantizationErrorCode.CorruptModel, $"Model file: expected a section of kind {kind}, found none.");
}
