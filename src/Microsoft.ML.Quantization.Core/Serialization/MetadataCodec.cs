using System;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Serialization;

/// <summary>The metadata section: signature and provenance.</summary>
internal static class MetadataCodec
{
    public static byte[] Write(ModelSignature signature, ModelMetadata metadata)
    {
        var writer = new FieldWriter();
        writer.Int(signature.Inputs.Length);
        foreach (InputSignature input in signature.Inputs)
        {
            writer.Byte((int)input.Element);
            writer.Byte((int)input.Layout);
            writer.Floats(input.Scale);
            writer.Floats(input.Offset);
        }

        writer.Text(metadata.Producer);
        writer.Texts(metadata.ClassNames);
        writer.Text(metadata.CalibrationFingerprint);
        writer.Texts(metadata.FloatLayers);
        writer.Texts(metadata.EightBitLayers);
        writer.Texts([.. metadata.Facts.Keys]);
        writer.Texts([.. metadata.Facts.Values]);
        writer.Int(metadata.ReferenceRuns.Length);
        foreach (ReferenceRun run in metadata.ReferenceRuns)
        {
            writer.Int(run.Batch);
            writer.Long((long)run.Seed);
            writer.Text(run.InputHash);
            writer.Text(run.OutputHash);
        }

        return writer.ToArray();
    }

    public static (ModelSignature Signature, ModelMetadata Metadata) Read(ReadOnlySpan<byte> section, Graph graph)
    {
        var reader = new FieldReader(section, "metadata");
        ModelSignature signature = ReadSignature(ref reader, graph);
        var metadata = new ModelMetadata
        {
            Producer = reader.Text("producer"),
            ClassNames = reader.Texts("class names"),
            CalibrationFingerprint = reader.Text("calibration fingerprint"),
            FloatLayers = reader.Texts("float layers"),
            EightBitLayers = reader.Texts("8-bit layers"),
            Facts = ReadFacts(ref reader),
            ReferenceRuns = ReadRuns(ref reader),
        };
        reader.End();
        return (signature, metadata);
    }

    private static ModelSignature ReadSignature(ref FieldReader reader, Graph graph)
    {
        int count = reader.Within("inputs", graph.Inputs.Length, graph.Inputs.Length);
        var inputs = new InputSignature[count];
        for (int i = 0; i < count; i++)
        {
            Value value = graph[graph.Inputs[i]];
            var element = (ElementType)reader.Byte("input element");
            var layout = (RowLayout)reader.Byte("input layout");
            inputs[i] = new InputSignature(value.Name, element, value.Type.Shape, layout, reader.Floats("input scale"), reader.Floats("input offset"));
            CheckInput(ref reader, inputs[i], value.Type.Element);
        }

        return ModelSignature.Of(graph) with { Inputs = ImmutableArray.Create(inputs) };
    }

    private static void CheckInput(ref FieldReader reader, InputSignature input, ElementType graphElement)
    {
        bool element = input.Element == graphElement || (graphElement == ElementType.Float32 && input.Element is ElementType.UInt8 or ElementType.Int64);
        int channels = input.Shape.Rank > 1 ? input.Shape[1] : 1;
        bool numbers = input.Scale.Concat(input.Offset).All(float.IsFinite)
            && (input.Scale.Length is 0 or 1 || input.Scale.Length == channels) && (input.Offset.Length is 0 or 1 || input.Offset.Length == channels);
        if (!element || !Enum.IsDefined(input.Layout) || !numbers)
        {
            throw reader.Error("input signature", "a signature that fits the graph's input", $"{input}");
        }
    }

    private static ImmutableSortedDictionary<string, string> ReadFacts(ref FieldReader reader)
    {
        ImmutableArray<string> keys = reader.Texts("fact names");
        ImmutableArray<string> values = reader.Texts("facts");
        bool sorted = keys.Zip(keys.Skip(1)).All(p => string.CompareOrdinal(p.First, p.Second) < 0);
        if (keys.Length != values.Length || !sorted)
        {
            throw reader.Error("facts", "one value a name, names ascending", $"{keys.Length} and {values.Length}");
        }

        return keys.Zip(values).ToImmutableSortedDictionary(p => p.First, p => p.Second, StringComparer.Ordinal);
    }

    private static ImmutableArray<ReferenceRun> ReadRuns(ref FieldReader reader)
    {
        var runs = new ReferenceRun[reader.Count("reference runs", 20)];
        for (int i = 0; i < runs.Length; i++)
        {
            runs[i] = new ReferenceRun(reader.Within("batch", 1, 1 << 16), (ulong)reader.Long("seed"), reader.Text("input hash"), reader.Text("output hash"));
        }

        return ImmutableArray.Create(runs);
    }
}
