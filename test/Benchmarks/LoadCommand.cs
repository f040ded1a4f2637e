using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.Json;
using Microsoft.ML.Quantization.Packing;
using Microsoft.ML.Quantization.Serialization;
using static Microsoft.ML.Quantization.Benchmarks.Report;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>What opening, checking and packing a model and its first inference take, against the session of ONNX Runtime for the same network.</summary>
internal static class LoadCommand
{
    private const string PeerModel = "resnet18.u8s8.onnx";
    private const int PeerSessions = 6;

    /// <summary>load MODEL_DIR [ROUNDS].</summary>
    public static int Run(string[] args)
    {
        if (args.Length == 0 || !File.Exists(Path.Combine(args[0], PeerModel)))
        {
            Console.Error.WriteLine($"load MODEL_DIR [ROUNDS]: expected {PeerModel} in MODEL_DIR; make it with peers/make_models.py.");
            return 1;
        }

        int rounds = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 7;
        string peer = Path.GetFullPath(Path.Combine(args[0], PeerModel));
        string file = OwnFile(peer);
        var warm = new Table("threads", "ours: load and first run, ms", "load alone, ms", "ONNX Runtime: session, ms", "ours : ONNX Runtime", "bar");
        var cold = new Table("process that loads and runs once", "ours, ms", "ONNX Runtime in node, ms");
        foreach (int threads in new[] { 1, 2 })
        {
            Warm(file, peer, threads, rounds, warm);
        }

        Cold(file, peer, rounds, cold);
        var report = new Report("load", "Loading a model", $"load MODELS {rounds}");
        report.Add($"ResNet-18 in 8 bits, 3 x 224 x 224. Ours: `QuantizedModel.Load` (opened, checksums, structure and codes checked, weights packed) and the first `Run`, in a process that has loaded the model before. The peer: `InferenceSession.create` for the same network, without a run, likewise in a process that has made one before. Medians of {rounds} alternating rounds; a round of the peer is the median of {PeerSessions - 1} sessions.");
        report.Add("warm", warm);
        report.Add("Where ours goes, the least of the rounds, one thread. With two or more, the checksum is one thread's and graph, proofs and packing another's at the same time:");
        report.Add("stages", Stages(file, rounds));
        report.Add("From the start of a process to its end, the start of its runtime included; one thread, medians:");
        report.Add("cold", cold);
        report.Write();
        File.Delete(file);
        return 0;
    }

    /// <summary>load-child FILE: loads, runs once, prints nothing of interest.</summary>
    public static int Child(string[] args)
    {
        LoadAndRun(args[0], 1);
        Console.WriteLine("{}");
        return 0;
    }

    /// <summary>The peer's network as an .mlq file in the temporary folder.</summary>
    public static string OwnFile(string peer)
    {
        string file = Path.Combine(Path.GetTempPath(), $"benchmarks-{Environment.ProcessId}.mlq");
        File.WriteAllBytes(file, ModelWriter.ToBytes(NetworksCommand.Document(peer)));
        return file;
    }

    private static void Warm(string file, string peer, int threads, int rounds, Table table)
    {
        (List<double> whole, List<double> load, List<double> session) = ([], [], []);
        LoadAndRun(file, threads);
        for (int i = 0; i < rounds; i++)
        {
            JsonElement sessions = PeerProcess.Node("ort-load.mjs", peer, "--times", Text(PeerSessions, "0"), "--threads", Text(threads, "0"));
            session.Add(NetworksCommand.Median([.. sessions.GetProperty("create_ms").EnumerateArray().Select(e => e.GetDouble())]));
            (double loaded, double ran) = LoadAndRun(file, threads);
            whole.Add(ran);
            load.Add(loaded);
        }

        double ratio = NetworksCommand.Median(whole) / NetworksCommand.Median(session);
        table.Add(Text(threads, "0"), Text(NetworksCommand.Median(whole), "0.0"), Text(NetworksCommand.Median(load), "0.0"), Text(NetworksCommand.Median(session), "0.0"), Text(ratio, "0.00"), AtMost(ratio, 1));
    }

    private static void Cold(string file, string peer, int rounds, Table table)
    {
        (List<double> ours, List<double> theirs) = ([], []);
        for (int i = 0; i < rounds; i++)
        {
            theirs.Add(Milliseconds(() => PeerProcess.Node("ort-load.mjs", peer, "--times", "1", "--run", "1")));
            ours.Add(Milliseconds(() => PeerProcess.Own("load-child", file)));
        }

        table.Add("ResNet-18", Text(NetworksCommand.Median(ours), "0"), Text(NetworksCommand.Median(theirs), "0"));
    }

    private static Table Stages(string file, int rounds)
    {
        double[] least = [.. Enumerable.Repeat(double.MaxValue, 6)];
        for (int i = 0; i < rounds; i++)
        {
            (ModelFile opened, double open) = Timed(() => ModelFile.Open(file));
            double check = Milliseconds(opened.CheckWeights);
            ((ModelDocument document, StoredWeights weights), double read) = Timed(opened.Read);
            (PackedProgram program, double pack) = Timed(() => Packer.Pack(document.Graph, document.Signature, QuantizedModel.Chooser(null)));
            double[] times =
            [
                open,
                check,
                read,
                pack,
                Milliseconds(() => weights.Release(program.Packed)),
                FirstRun(file),
            ];
            least = [.. least.Zip(times, Math.Min)];
            program.Dispose();
            opened.Dispose();
        }

        var table = new Table("read the file, ms", "checksum of the weights, ms", "graph and codes, ms", "proofs and packing, ms", "free what was packed, ms", "first run, ms");
        table.Add([.. least.Select(t => Text(t, "0.00"))]);
        return table;
    }

    private static double FirstRun(string file)
    {
        (double loaded, double ran) = LoadAndRun(file, 1);
        return ran - loaded;
    }

    /// <summary>Times from the beginning to the end of loading, and to the end of the first run, in ms.</summary>
    private static (double Loaded, double Ran) LoadAndRun(string file, int threads)
    {
        long start = Stopwatch.GetTimestamp();
        using QuantizedModel model = QuantizedModel.Load(file, new QuantizedModelOptions { ThreadCount = threads });
        double loaded = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        float[] x = new float[model.Signature.Inputs[0].Shape.Bind(1).Count], y = new float[model.Signature.Outputs[0].Shape.Bind(1).Count];
        model.Run(x, y);
        return (loaded, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
    }

    private static (T Made, double Milliseconds) Timed<T>(Func<T> work)
    {
        long start = Stopwatch.GetTimestamp();
        T made = work();
        return (made, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
    }

    private static double Milliseconds(Action work)
    {
        long start = Stopwatch.GetTimestamp();
        work();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }
}
