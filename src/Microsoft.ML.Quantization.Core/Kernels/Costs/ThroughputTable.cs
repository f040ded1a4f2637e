using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.IO;
using System.Reflection;
using System.Text.Json;

namespace Microsoft.ML.Quantization.Kernels.Costs;

/// <summary>One measurement.</summary>
/// <param name="Set">Name of the kernel set.</param>
/// <param name="Work">What was done.</param>
/// <param name="Nanoseconds">How long it took on one thread.</param>
internal readonly record struct ThroughputEntry(string Set, KernelWork Work, double Nanoseconds);

/// <summary>
/// Measured times of kernels on one processor, written by <c>Benchmarks tune</c>. Which kernel runs is data, and never changes a bit. The tables of known processors are resources of this
/// assembly; <c>MLQ_THROUGHPUT=&lt;file&gt;</c> names another one. What was not measured is modelled (<see cref="CountedModel"/>).
/// </summary>
internal sealed class ThroughputTable
{
    /// <summary>The environment variable that names a table to use in place of the built-in one.</summary>
    public const string Variable = "MLQ_THROUGHPUT";

    /// <summary>Weights beyond this do not stay in the second-level cache from one run to the next.</summary>
    public const long SecondLevelBytes = 1 << 20;

    // A share of what processors have: other programs use it as well.
    private const long LastLevelBytes = 16 << 20;

    private const string ResourcePrefix = "throughput/";
    private static readonly Lazy<ThroughputTable> _current = new(Load);

    private readonly Dictionary<(string Set, KernelOperation Operation, int Bits), Lazy<CostSurface>> _surfaces = [];

    public ThroughputTable(string processor, ImmutableArray<ThroughputEntry> entries)
    {
        Processor = processor;
        Entries = entries;
        var groups = new Dictionary<(string Set, KernelOperation Operation, int Bits), List<int>>();
        for (int i = 0; i < Entries.Length; i++)
        {
            (string Set, KernelOperation Operation, int Bits) key = (Entries[i].Set, Entries[i].Work.Operation, Entries[i].Work.Bits);
            if (!groups.TryGetValue(key, out List<int>? members))
            {
                groups[key] = members = [];
                _surfaces[key] = new Lazy<CostSurface>(() => new CostSurface(Entries, members));
            }

            members.Add(i);
        }
    }

    /// <summary>A table without entries: everything is modelled.</summary>
    public static ThroughputTable Empty { get; } = new("unknown", []);

    /// <summary>The table of this processor; without entries where nobody has measured it.</summary>
    public static ThroughputTable Current => _current.Value;

    /// <summary>The processor, as <see cref="ProcessorIdentity"/> names it.</summary>
    public string Processor { get; }

    /// <summary>All measurements.</summary>
    public ImmutableArray<ThroughputEntry> Entries { get; }

    /// <summary>Nanoseconds to share a step out to threads and to wait for them.</summary>
    public double ForkNanoseconds { get; init; } = 2000;

    /// <summary>Nanoseconds that a step costs beside its kernel.</summary>
    public double StepNanoseconds { get; init; } = 50;

    /// <summary>Nanoseconds a byte of weights more where all weights of a model exceed the second-level cache.</summary>
    public double ColdNanosecondsPerByte { get; init; } = 0.01;

    /// <summary>Nanoseconds a byte of weights more where all weights of a model exceed the last-level cache.</summary>
    public double MemoryNanosecondsPerByte { get; init; } = 0.03;

    /// <summary>The same for weights of fewer than 8 bits, which are unpacked while they arrive; 0 for a quarter more than <see cref="MemoryNanosecondsPerByte"/>.</summary>
    public double NarrowMemoryNanosecondsPerByte { get; init; }

    /// <summary>Nanoseconds in which one thread reads a byte of weights from memory and does nothing else with it; 0 where nobody has measured it.</summary>
    public double StreamNanosecondsPerByte { get; init; }

    /// <summary>How many times as much all threads read from memory as one does.</summary>
    public double MemoryThreads { get; init; } = 1;

    /// <summary>The least time in which threads read the weights of a step, in a model with so many bytes of weights: what stays in the last-level cache is not counted.</summary>
    public double StreamNanoseconds(long bytes, long modelBytes, int threads)
        => modelBytes > LastLevelBytes ? bytes * StreamNanosecondsPerByte / Math.Clamp(MemoryThreads, 1, threads) : 0;

    /// <summary>Nanoseconds that reading weights costs beside the kernel, in a model with so many bytes of weights. Weights beyond the second-level cache were so when they were measured, too.</summary>
    public double WeightNanoseconds(long bytes, long modelBytes, bool narrow)
    {
        double memory = !narrow ? MemoryNanosecondsPerByte : NarrowMemoryNanosecondsPerByte > 0 ? NarrowMemoryNanosecondsPerByte : MemoryNanosecondsPerByte * 1.25;
        return (modelBytes > SecondLevelBytes && bytes <= SecondLevelBytes ? bytes * ColdNanosecondsPerByte : 0) + (modelBytes > LastLevelBytes ? bytes * memory : 0);
    }

    /// <summary>Whether the time of such work is measured for a set.</summary>
    public bool IsMeasured(string set, in KernelWork work) => _surfaces.ContainsKey((set, work.Operation, work.Bits));

    /// <summary>Expected nanoseconds on one thread.</summary>
    public double Nanoseconds(string set, in KernelWork work)
    {
        double unit = _surfaces.TryGetValue((set, work.Operation, work.Bits), out Lazy<CostSurface>? surface)
            ? surface.Value.NanosecondsPerUnit(work)
            : CountedModel.NanosecondsPerUnit(set, work.Operation, work.Bits);
        return unit * work.Units;
    }

    /// <summary>Reads a table.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InvalidOptions"/>: the file is no table.</exception>
    public static ThroughputTable Read(string place, Stream stream)
    {
        try
        {
            return ThroughputReader.Read(stream);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException or ArgumentException or IndexOutOfRangeException)
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidOptions, $"{place}: expected a table of throughput as 'Benchmarks tune' writes it, found another file ({e.Message}).", e);
        }
    }

    /// <summary>Reads the file that <see cref="Variable"/> names.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InvalidOptions"/>: the file cannot be read or is no table.</exception>
    internal static ThroughputTable ReadFile(string path)
    {
        string place = $"Environment variable {Variable}, file {path}";
        try
        {
            using FileStream file = File.OpenRead(path);
            return Read(place, file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidOptions, $"{place}: expected a file that can be read, found: {e.Message}", e);
        }
    }

    private static ThroughputTable Load()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } path)
        {
            return ReadFile(path);
        }

        Assembly assembly = typeof(ThroughputTable).Assembly;
        string name = ResourcePrefix + ProcessorIdentity.Current + ".json";
        using Stream? resource = assembly.GetManifestResourceStream(name);
        return resource is null ? new ThroughputTable(ProcessorIdentity.Current, []) : Read(name, resource);
    }
}
