using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Serialization;

namespace Microsoft.ML.Quantization.Training;

/// <summary>
/// The state of a run in a file, little-endian: "MLQTRAIN", version (int32), SHA-256 of the body, body. The body begins with a fingerprint of graph, options,
/// number of rows and some of them; another run's file is refused. Written to a temporary file first, then renamed.
/// </summary>
internal static class Checkpoint
{
    private const int Version = 3;
    private const int HashedRows = 64;
    private const int HeaderLength = 8 + 4 + 32;

    private static ReadOnlySpan<byte> Magic => "MLQTRAIN"u8;

    /// <summary>The fingerprint of a run.</summary>
    public static byte[] Fingerprint(Graph graph, TrainingOptions options, IBatchSource rows)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(FormattableString.Invariant($"{GraphPrinter.Print(graph)}\n{options.Describe()}\n{rows.Count}\n")));
        Append(hash, graph);
        Append(hash, rows);
        foreach (LearnedQuantize node in graph.Nodes.OfType<LearnedQuantize>())
        {
            // A printed graph shortens long lists.
            hash.AppendData(MemoryMarshal.AsBytes(node.Method.Settings.AsSpan()));
        }

        if (options.Distillation is { } distillation)
        {
            hash.AppendData(Encoding.UTF8.GetBytes(GraphPrinter.Print(distillation.Teacher)));
            Append(hash, distillation.Teacher);
        }

        return hash.GetHashAndReset();
    }

    /// <summary>Writes a state.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.WriteFailed"/>.</exception>
    public static void Write(string path, TrainingState state, byte[] fingerprint)
    {
        byte[] body = Body(state, fingerprint);
        string temporary = path + ".tmp";
        try
        {
            using (var stream = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None))
            {
                stream.Write(Magic);
                stream.Write(BitConverter.GetBytes(Version));
                stream.Write(SHA256.HashData(body));
                stream.Write(body);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new QuantizationException(QuantizationErrorCode.WriteFailed, $"Checkpoint '{path}': expected to write {body.Length} bytes, found: {e.Message} The last checkpoint is untouched.", e);
        }
    }

    /// <summary>Reads a state into a fresh one.</summary>
    /// <exception cref="QuantizationException">
    /// <see cref="QuantizationErrorCode.CorruptModel"/> for a damaged file; <see cref="QuantizationErrorCode.FingerprintMismatch"/> for that of another run.
    /// </exception>
    public static void Read(string path, TrainingState state, byte[] fingerprint)
    {
        byte[] file = File.ReadAllBytes(path);
        int version = file.Length >= HeaderLength ? BitConverter.ToInt32(file, 8) : 0;
        bool isWhole = version == Version && file.AsSpan().StartsWith(Magic)
            && SHA256.HashData(file.AsSpan(HeaderLength)).AsSpan().SequenceEqual(file.AsSpan(12, 32));
        if (!isWhole)
        {
            throw new QuantizationException(QuantizationErrorCode.CorruptModel, $"Checkpoint '{path}': expected a whole checkpoint of version {Version}, found {Found(file, version)}. Delete the file to start over.");
        }

        var reader = new FieldReader(file.AsSpan(HeaderLength), "state", "Checkpoint");
        if (!reader.Bytes("fingerprint").AsSpan().SequenceEqual(fingerprint))
        {
            throw new QuantizationException(
                QuantizationErrorCode.FingerprintMismatch, $"Checkpoint '{path}': expected the state of this graph, these options and rows, found another run's. Give the same ones again, or delete the file to start over.");
        }

        state.Epoch = reader.Int("epoch");
        state.Step = reader.Long("step");
        state.BestEpoch = reader.Int("best epoch");
        state.Stale = reader.Int("stale");
        state.Loss = BitConverter.Int64BitsToDouble(reader.Long("loss"));
        (state.Correct, state.Done) = (reader.Int("correct"), reader.Int("done"));
        int epochs = reader.Count("history", 28);
        for (int i = 0; i < epochs; i++)
        {
            var report = new EpochReport(reader.Int("epoch"), reader.Float("loss"), Accuracy(reader.Float("accuracy")), reader.Float("loss"), Accuracy(reader.Float("accuracy")), reader.Float("rate"));
            state.History.Add(report with { Flipped = reader.Float("flipped") });
        }

        int flips = reader.Count("flips", 8);
        for (int i = 0; i < flips; i++)
        {
            state.Flips[reader.Text("weights")] = reader.Float("flipped");
        }

        foreach (Span<float> values in Arrays(state))
        {
            byte[] bytes = [.. reader.Bytes("values")];
            MemoryMarshal.Cast<byte, float>(bytes).CopyTo(values);
        }

        reader.End();
    }

    private static string Found(byte[] file, int version) => file.AsSpan().StartsWith(Magic) && version is > 0 and not Version
        ? FormattableString.Invariant($"one of version {version}, which another version of this library began")
        : FormattableString.Invariant($"{file.Length} bytes that are none");

    /// <summary>A NaN in the file stands for none.</summary>
    private static float? Accuracy(float stored) => float.IsNaN(stored) ? null : stored;

    /// <summary>Rows at even distances: enough to tell other data apart, few enough for a source that reads from a disk.</summary>
    private static void Append(IncrementalHash hash, IBatchSource rows)
    {
        var input = new float[rows.InputShape.Count];
        var target = new float[rows.TargetLength];
        for (int i = 0; i < Math.Min(HashedRows, rows.Count); i++)
        {
            rows.Read((int)((long)i * rows.Count / Math.Min(HashedRows, rows.Count)), input, target);
            hash.AppendData(MemoryMarshal.AsBytes(input.AsSpan()));
            hash.AppendData(MemoryMarshal.AsBytes(target.AsSpan()));
        }
    }

    private static void Append(IncrementalHash hash, Graph graph)
    {
        foreach (Value value in graph.Values.Where(v => v.Constant is not null))
        {
            hash.AppendData(Encoding.UTF8.GetBytes(value.Name + (value.IsTrainable ? " trained" : " fixed")));
            hash.AppendData(value.Constant!.Bytes.Span);
        }
    }

    private static byte[] Body(TrainingState state, byte[] fingerprint)
    {
        var writer = new FieldWriter();
        writer.Bytes(fingerprint);
        writer.Int(state.Epoch);
        writer.Long(state.Step);
        writer.Int(state.BestEpoch);
        writer.Int(state.Stale);
        writer.Long(BitConverter.DoubleToInt64Bits(state.Loss));
        writer.Int(state.Correct);
        writer.Int(state.Done);
        writer.Int(state.History.Count);
        foreach (EpochReport report in state.History)
        {
            writer.Int(report.Epoch);
            foreach (float value in (ReadOnlySpan<float>)[report.Loss, report.Accuracy ?? float.NaN, report.ValidationLoss, report.ValidationAccuracy ?? float.NaN, report.Rate, report.Flipped])
            {
                writer.Float(value);
            }
        }

        writer.Int(state.Flips.Count);
        foreach ((string name, float share) in state.Flips)
        {
            writer.Text(name);
            writer.Float(share);
        }

        foreach (Span<float> values in Arrays(state))
        {
            writer.Bytes(MemoryMarshal.AsBytes(values));
        }

        return writer.ToArray();
    }

    /// <summary>All values of a state, in one order.</summary>
    private static SpanList Arrays(TrainingState state)
    {
        var list = new List<Memory<byte>>();
        foreach (string name in state.Constants.Keys)
        {
            list.Add(MemoryMarshal.AsMemory(state.Constants[name].Bytes));
            list.Add(MemoryMarshal.AsMemory(state.Best[name].Bytes));
        }

        return new SpanList(list, [.. state.Slots.Values.SelectMany(s => s), .. state.Masks.Values]);
    }

    /// <summary>Tensors and then arrays, as spans.</summary>
    private readonly struct SpanList(List<Memory<byte>> tensors, float[][] arrays)
    {
        public Enumerator GetEnumerator() => new(tensors, arrays);

        public struct Enumerator(List<Memory<byte>> tensors, float[][] arrays)
        {
            private int _index = -1;

            public readonly Span<float> Current => _index < tensors.Count ? MemoryMarshal.Cast<byte, float>(tensors[_index].Span) : arrays[_index - tensors.Count];

            public bool MoveNext() => ++_index < tensors.Count + arrays.Length;
        }
    }
}
