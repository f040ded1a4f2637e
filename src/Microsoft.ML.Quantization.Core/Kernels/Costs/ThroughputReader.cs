using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.IO;
using System.Text.Json;

namespace Microsoft.ML.Quantization.Kernels.Costs;

/// <summary>Reads the file of a throughput table from its first byte to its last: a table is read whenever a process loads its first model, and a document tree of it would be ten times its size.</summary>
internal static class ThroughputReader
{
    private const int Sizes = 7;

    /// <summary>The table.</summary>
    /// <exception cref="JsonException">No JSON.</exception>
    /// <exception cref="FormatException">Something is missing, or a number cannot be.</exception>
    /// <exception cref="InvalidOperationException">A value is of another kind.</exception>
    public static unsafe ThroughputTable Read(Stream stream)
    {
        if (stream is UnmanagedMemoryStream mapped)
        {
            // A resource is read where it lies: its copy would be as large as all tables made of it.
            return Read(new ReadOnlySpan<byte>(mapped.PositionPointer, checked((int)(mapped.Length - mapped.Position))));
        }

        using var memory = new MemoryStream();
        stream.CopyTo(memory);
        return Read(memory.GetBuffer().AsSpan(0, (int)memory.Length));
    }

    private static ThroughputTable Read(ReadOnlySpan<byte> text)
    {
        var reader = new Utf8JsonReader(text);
        string? processor = null;
        ImmutableArray<ThroughputEntry>? rows = null;
        var numbers = new Dictionary<string, double>(StringComparer.Ordinal);
        Expect(ref reader, JsonTokenType.StartObject);
        while (Next(ref reader) == JsonTokenType.PropertyName)
        {
            string name = reader.GetString()!;
            switch (Next(ref reader))
            {
                case JsonTokenType.Number:
                    numbers[name] = reader.GetDouble();
                    break;
                case JsonTokenType.String when name == "processor":
                    processor = reader.GetString();
                    break;
                case JsonTokenType.StartArray when name == "rows":
                    rows = Rows(ref reader, text.Count((byte)'['));
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        _ = reader.Read();
        return new ThroughputTable(processor ?? throw new FormatException("no 'processor'"), rows ?? throw new FormatException("no 'rows'"))
        {
            ForkNanoseconds = numbers["forkNanoseconds"],
            StepNanoseconds = numbers["stepNanoseconds"],
            ColdNanosecondsPerByte = numbers["coldNanosecondsPerByte"],
            NarrowMemoryNanosecondsPerByte = numbers.GetValueOrDefault("narrowMemoryNanosecondsPerByte"),
            StreamNanosecondsPerByte = numbers.GetValueOrDefault("streamNanosecondsPerByte"),
            MemoryThreads = numbers.GetValueOrDefault("memoryThreads", ThroughputTable.Empty.MemoryThreads),
            MemoryNanosecondsPerByte = numbers.GetValueOrDefault("memoryNanosecondsPerByte", ThroughputTable.Empty.MemoryNanosecondsPerByte),
        };
    }

    private static ImmutableArray<ThroughputEntry> Rows(ref Utf8JsonReader reader, int most)
    {
        // The columns and the rows themselves have a bracket each, too.
        ImmutableArray<ThroughputEntry>.Builder rows = ImmutableArray.CreateBuilder<ThroughputEntry>(Math.Max(0, most - 2));
        (string set, string name, KernelOperation operation) = (string.Empty, string.Empty, default);
        int[] sizes = new int[Sizes];
        while (Next(ref reader) == JsonTokenType.StartArray)
        {
            Next(ref reader);
            set = reader.ValueTextEquals(set) ? set : reader.GetString()!;
            Next(ref reader);
            if (!reader.ValueTextEquals(name))
            {
                name = reader.GetString()!;
                operation = Enum.Parse<KernelOperation>(name);
            }

            Next(ref reader);
            int bits = reader.GetInt32();
            for (int i = 0; i < Sizes; i++)
            {
                Next(ref reader);
                sizes[i] = reader.GetInt32();
            }

            Next(ref reader);
            double nanoseconds = reader.GetDouble();
            Expect(ref reader, JsonTokenType.EndArray);
            var work = KernelWork.From(operation, bits, sizes);
            rows.Add(nanoseconds > 0 && work.Units > 0 ? new ThroughputEntry(set, work, nanoseconds) : throw new FormatException("a time or a size is not above 0"));
        }

        return rows.DrainToImmutable();
    }

    private static JsonTokenType Next(ref Utf8JsonReader reader) => reader.Read() ? reader.TokenType : throw new FormatException("the file ends early");

    private static void Expect(ref Utf8JsonReader reader, JsonTokenType type)
    {
        if (Next(ref reader) != type)
        {
            throw new FormatException($"{type} expected, {reader.TokenType} found");
        }
    }
}
