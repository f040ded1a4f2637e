using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Text.Json;
using static Microsoft.ML.Quantization.Benchmarks.Report;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>What an inference allocates, and what a process grows by when it loads a model and runs it ten times; each in a process of its own.</summary>
internal static class FootprintCommand
{
    private const int Runs = 10;
    private const double Mega = 1e6;
    private const double Allowance = 10;
    private static readonly string[] _models = ["resnet18.u8s8.onnx", "mobilenetv2.u8s8.onnx", "resnet18.onnx"];

    /// <summary>footprint MODEL_DIR.</summary>
    public static int Run(string[] args)
    {
        if (args.Length == 0 || !File.Exists(Path.Combine(args[0], _models[0])))
        {
            Console.Error.WriteLine($"footprint MODEL_DIR: expected {_models[0]} in MODEL_DIR; make it with peers/make_models.py.");
            return 1;
        }

        var table = new Table("model", "threads", "bytes allocated a run", "bar", "process, MB", "empty program, MB", "growth, MB", "packed weights, MB", "arena, MB", "beyond both, MB", "bar of the rest", "highest, MB");
        var rest = new Table("model", "threads", "pages of files (what is left)", "code made at run time", "managed objects", "other memory of its own");
        foreach (string model in _models.Where(m => File.Exists(Path.Combine(args[0], m))))
        {
            string file = LoadCommand.OwnFile(Path.Combine(args[0], model));
            foreach (int threads in new[] { 1, 2 })
            {
                Add(table, rest, model, file, threads);
            }

            File.Delete(file);
        }

        var report = new Report("footprint", "Memory of inference", "footprint MODELS");
        report.Add($"A process that loads an .mlq file and runs it {Runs} times at batch 1, against the same program that does nothing: resident memory (MB = 10^6 bytes; the median of five processes), code and runtime of both included. Then 100 more runs, during which every managed allocation of the process is counted. Bars: nothing allocated; packed weights, arena and {Allowance} MB.");
        report.Add("footprint", table);
        report.Add("Where what lies beyond weights and arena is, by the system's account and the collector's, in MB more than the empty program. Weights that were packed are not in it: they are let go and stay in the open file. It is pages of libraries and of the runtime's own files that an empty program does not touch (shared with every other process that uses them), code that the runtime compiles and what it keeps for it, managed objects since the last collection (the collector decides when they go; the caller's rows, the throughput table and small constants included), and what allocators keep.");
        report.Add("beyond", rest);
        report.Write();
        return 0;
    }

    /// <summary>footprint-child [FILE THREADS]: loads and runs if a file is given; prints what the process holds.</summary>
    public static int Child(string[] args)
    {
        long weights = 0, arena = 0, allocated = 0, resident, highest;
        (long Anonymous, long Made, long Objects) parts;
        if (args.Length == 0)
        {
            (resident, highest) = Resident();
            parts = Parts();
        }
        else
        {
            using QuantizedModel model = QuantizedModel.Load(args[0], new QuantizedModelOptions { ThreadCount = int.Parse(args[1], System.Globalization.CultureInfo.InvariantCulture) });
            float[] x = new float[model.Signature.Inputs[0].Shape.Bind(1).Count], y = new float[model.Signature.Outputs[0].Shape.Bind(1).Count];
            Repeat(model, x, y, Runs);
            (resident, highest) = Resident();
            parts = Parts();
            (weights, arena) = (model.PackedBytes, model.Explain().ArenaBytes);
            allocated = Allocated(model, x, y);
        }

        Console.WriteLine(FormattableString.Invariant($"{{\"resident\": {resident}, \"highest\": {highest}, \"weights\": {weights}, \"arena\": {arena}, \"allocated\": {allocated}, \"anonymous\": {parts.Anonymous}, \"made\": {parts.Made}, \"objects\": {parts.Objects}}}"));
        return 0;
    }

    private static void Add(Table table, Table rest, string name, string file, int threads)
    {
        JsonElement[] full = Five(() => PeerProcess.Own("footprint-child", file, Text(threads, "0")));
        JsonElement[] none = Five(() => PeerProcess.Own("footprint-child"));
        double empty = Middle(none, "resident");
        double growth = Middle(full, "resident") - empty;
        (double weights, double arena, double allocated) = (Middle(full, "weights"), Middle(full, "arena"), full.Min(f => f.GetProperty("allocated").GetDouble()));
        double beyond = growth - weights - arena;
        table.Add(
            [name, Text(threads, "0"), Text(allocated, "0"), AtMost(allocated, 0), .. new[] { growth + empty, empty, growth, weights, arena, beyond }.Select(v => Text(v / Mega, "0.0")), AtMost(beyond / Mega, Allowance), Text(Middle(full, "highest") / Mega, "0.0")]);
        double Grown(string part) => Middle(full, part) - Middle(none, part);
        (double made, double objects) = (Grown("made"), Grown("objects"));
        double other = Grown("anonymous") - weights - arena - objects;
        rest.Add([name, Text(threads, "0"), .. new[] { beyond - made - objects - other, made, objects, other }.Select(v => Text(v / Mega, "0.0"))]);
    }

    private static JsonElement[] Five(Func<JsonElement> run) => [.. Enumerable.Range(0, 5).Select(_ => run())];

    private static double Middle(JsonElement[] all, string name) => NetworksCommand.Median([.. all.Select(e => e.GetProperty(name).GetDouble())]);

    private static (long Resident, long Highest) Resident()
    {
        using var process = Process.GetCurrentProcess();
        return (process.WorkingSet64, process.PeakWorkingSet64);
    }

    // The runtime maps the memory of the code that it makes twice, which the system counts as shared; zeros where the system has no such account. Reading it touches further files, so that
    // pages of files are told by what is left.
    private static (long Anonymous, long Made, long Objects) Parts()
    {
        const string Account = "/proc/self/status";
        string[] lines = File.Exists(Account) ? File.ReadAllLines(Account) : [];
        long Bytes(string name) => lines.Where(l => l.StartsWith(name, StringComparison.Ordinal)).Sum(l => 1024 * long.Parse(l.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], System.Globalization.CultureInfo.InvariantCulture));
        return (Bytes("RssAnon:"), Bytes("RssShmem:"), GC.GetTotalMemory(forceFullCollection: false));
    }

    private static long Allocated(QuantizedModel model, float[] x, float[] y)
    {
        const int Counted = 100;
        long before = GC.GetTotalAllocatedBytes(precise: true);
        Repeat(model, x, y, Counted);
        return (GC.GetTotalAllocatedBytes(precise: true) - before) / Counted;
    }

    private static void Repeat(QuantizedModel model, float[] x, float[] y, int runs)
    {
        for (int i = 0; i < runs; i++)
        {
            model.Run(x, y);
        }
    }
}
