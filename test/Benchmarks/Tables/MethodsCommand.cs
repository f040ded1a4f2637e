using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Training;

namespace Microsoft.ML.Quantization.Benchmarks.Tables;

/// <summary>Every recipe on Fashion-MNIST: ResNet-8 from one float network, at each pair of widths that the recipe covers.</summary>
internal static class MethodsCommand
{
    private const int Epochs = 8;
    private const int LowBitEpochs = 12;
    private const string Network = "fmnist-resnet8.bn.onnx";

    private static readonly (int Weights, int Activations)[] _widths = [(4, 4), (3, 3), (2, 2), (2, 32), (1, 32), (1, 2), (1, 1)];

    /// <summary>methods DATA_DIR [EPOCHS or 0] [RECIPE ...].</summary>
    public static int Run(string[] args)
    {
        if (args.Length == 0 || !File.Exists(Path.Combine(args[0], "train-images-idx3-ubyte.gz")))
        {
            Console.Error.WriteLine("methods DATA_DIR [EPOCHS] [RECIPE ...]: DATA_DIR holds the four files of Fashion-MNIST (train-images-idx3-ubyte.gz, ...).");
            return 1;
        }

        int epochs = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 0;
        HashSet<string> wanted = [.. args.Skip(2)];
        Graph start = TrainableConstants.Mark(Microsoft.ML.Quantization.Onnx.OnnxModel.Load(Path.Combine(Machine.Folder(), "..", "..", "samples", "data", Network)).Graph);
        var runner = new CellRunner("methods", Rows(args[0], "train"), Rows(args[0], "t10k"));
        var results = new List<CellResult>();
        foreach (TableCell cell in Cells(start, epochs))
        {
            if (wanted.Count == 0 || wanted.Contains(cell.Method))
            {
                CellResult result = runner.Run(cell);
                Console.WriteLine(FormattableString.Invariant($"{cell.Name}: hard {result.HardAccuracy:F4}, engine {result.EngineAccuracy:F4}, {result.Seconds:F0} s"));
            }

            if (runner.Find(cell.Name) is { } done)
            {
                results.Add(done);
            }

            Write(results);
        }

        return 0;
    }

    /// <summary>Image rows of a set.</summary>
    internal static MemoryBatchSource Rows(string folder, string set)
    {
        FashionMnist images = FashionMnist.Read(folder, set);
        return new MemoryBatchSource(Shape.Of(1, 28, 28), images.Pixels, [.. images.Labels.Select(l => (float)l)]);
    }

    private static IEnumerable<TableCell> Cells(Graph start, int epochs)
    {
        foreach ((int weights, int activations) in _widths)
        {
            foreach (TrainingRecipe recipe in TrainingRecipes.All.Where(r => Applies(r, weights, activations)))
            {
                int count = epochs > 0 ? epochs : Math.Min(weights, activations) <= 2 ? LowBitEpochs : Epochs;
                string name = FormattableString.Invariant($"{recipe.Name}-w{weights}a{activations}-e{count}-s1").ToLowerInvariant();
                yield return new TableCell(name, recipe.Name, FormattableString.Invariant($"{weights}/{activations}"), start, recipe.Scheme(weights, activations), Training(count));
            }
        }
    }

    /// <summary>
    /// Float activations are for recipes about weights, and for those whose one-bit weights the papers show alone; two bits or fewer of activations are not for ternary and binary weights with borrowed steps.
    /// </summary>
    private static bool Applies(TrainingRecipe recipe, int weights, int activations)
    {
        bool borrows = recipe.Activations == "LSQ" && recipe.Weights != "LSQ";
        return recipe.Covers(weights, activations) && activations switch
        {
            32 => borrows || (weights == 1 && recipe.Name is "DoReFa" or "LQ-Nets" or "QN"),
            <= 2 => !borrows || recipe.Covers(3, 3),
            _ => true,
        };
    }

    private static TrainingOptions Training(int epochs) => new()
    {
        Epochs = epochs,
        BatchSize = 128,
        Seed = 1,
        Optimizer = new Sgd(0.9f, Nesterov: true),
        Rate = 0.02f,
        Schedule = new CosineSchedule { WarmUpSteps = 100 },
        Decay = 1e-4f,
        LargestGradientNorm = 5,
        Augmentations = [new RandomShift(1), new RandomFlip()],
    };

    private static void Write(List<CellResult> results)
    {
        var table = new QuietTable("recipe", "W/A", "epochs", "accuracy, engine", "accuracy, hard in float", "differing predictions", "integer layers", "file, bytes", "training, s");
        foreach (CellResult r in results)
        {
            table.Add(
                r.Method, r.Bits, Text(r.Epochs), r.EngineAccuracy.ToString("0.0000", CultureInfo.InvariantCulture), r.HardAccuracy.ToString("0.0000", CultureInfo.InvariantCulture),
                Text(r.Differing), r.IntegerLayers, Text(r.FileBytes), r.Seconds.ToString("0", CultureInfo.InvariantCulture));
        }

        Machine.WriteResult("methods.md", $"""
            # Quantization-aware training, one recipe a row

            `dotnet run -c Release --project test/Benchmarks -- methods DATA_DIR` on {Machine.Description}.
            Fashion-MNIST, 60,000 training and 10,000 test images; ResNet-8 (`samples/data/{Network}`, 0.9269 in float), every cell from the same float network; Nesterov momentum 0.9, rate 0.02
            with cosine, decay 1e-4, shift by one pixel and flip; first and last layer 8 bits; seed 1; 32 means float. One file a cell in `methods/`; cells that are missing have not been run.

            {table}
            """.ReplaceLineEndings("\n"));
    }

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}
