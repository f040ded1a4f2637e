using System;
using System.Collections.Immutable;
using System.Globalization;
using System.IO;
using Microsoft.ML.Quantization.Serialization;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Quantization.Scoring;

/// <summary>The body of a saved transformer: int version, task, label column, inputs, outputs, then the <c>.mlq</c> bytes with their length.</summary>
internal static class ScoringModelIO
{
    private const int Version = 1;
    private const int MaximumColumns = 1 << 12;

    public static void Write(BinaryWriter writer, ScoringModel model)
    {
        writer.Write(Version);
        writer.Write((int)model.Columns.Task);
        writer.Write(model.Columns.PredictedLabelColumn);
        writer.Write(model.Columns.Inputs.Length);
        foreach (ScoringInput input in model.Columns.Inputs)
        {
            writer.Write(input.ModelInput);
            writer.Write(input.Column);
        }

        writer.Write(model.Columns.Outputs.Length);
        foreach (ScoringOutput output in model.Columns.Outputs)
        {
            writer.Write(output.ModelOutput);
            writer.Write(output.Column);
        }

        byte[] file = Verified(ModelWriter.ToBytes(model.Document));
        writer.Write(file.Length);
        writer.Write(file);
    }

    /// <summary>The bytes, read again and run against the reference runs before they are handed over, as for a file alone.</summary>
    private static byte[] Verified(byte[] file)
    {
        using QuantizedModel again = QuantizedModel.FromDocument(ModelReader.Read(file), new QuantizedModelOptions { ThreadCount = 1 });
        again.Verify();
        return file;
    }

    public static QuantizedModelTransformer Read(IHostEnvironment environment, BinaryReader reader)
    {
        try
        {
            return new QuantizedModelTransformer(environment, ReadModel(reader));
        }
        catch (QuantizationException exception)
        {
            throw environment.Process(new FormatException($"The model file holds a quantized network that cannot be read. {exception.Message}", exception));
        }
        catch (EndOfStreamException exception)
        {
            throw environment.Process(new FormatException("The model file ends inside a quantized network.", exception));
        }
    }

    private static ScoringModel ReadModel(BinaryReader reader)
    {
        int version = reader.ReadInt32();
        if (version is < 1 or > Version)
        {
            throw new QuantizationException(QuantizationErrorCode.UnsupportedModelVersion, string.Create(CultureInfo.InvariantCulture, $"Transformer: expected format 1 to {Version}, found {version}; use a newer library."));
        }

        var task = (ScoringTask)reader.ReadInt32();
        string label = reader.ReadString();
        var inputs = ImmutableArray.CreateBuilder<ScoringInput>();
        for (int i = Count(reader, "inputs", MaximumColumns); i > 0; i--)
        {
            inputs.Add(new ScoringInput(reader.ReadString(), reader.ReadString()));
        }

        var outputs = ImmutableArray.CreateBuilder<ScoringOutput>();
        for (int i = Count(reader, "outputs", MaximumColumns); i > 0; i--)
        {
            outputs.Add(new ScoringOutput(reader.ReadString(), reader.ReadString()));
        }

        byte[] file = ReadBytes(reader, Count(reader, "bytes", int.MaxValue));
        return new ScoringModel(ModelReader.Read(file), new ScoringColumns(inputs.ToImmutable(), outputs.ToImmutable(), task, label), new QuantizedModelOptions());
    }

    private static int Count(BinaryReader reader, string what, int maximum)
    {
        int count = reader.ReadInt32();
        return count >= 1 && count <= maximum
            ? count
            : throw new QuantizationException(QuantizationErrorCode.CorruptModel, string.Create(CultureInfo.InvariantCulture, $"Transformer, number of {what}: expected 1 to {maximum}, found {count}."));
    }

    // In pieces, so that a false length cannot ask for more memory than the stream holds.
    private static byte[] ReadBytes(BinaryReader reader, int length)
    {
        using var memory = new MemoryStream();
        while (memory.Length < length)
        {
            byte[] piece = reader.ReadBytes((int)Math.Min(1 << 20, length - memory.Length));
            if (piece.Length == 0)
            {
                throw new EndOfStreamException();
            }

            memory.Write(piece);
        }

        return memory.ToArray();
    }
}
