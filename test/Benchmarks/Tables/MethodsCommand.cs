using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.QuantizationAware;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Training;

namespace Microsoft.ML.Quantization.Benchmarks.Tables;

/// <summary>Every recipe on Fashion-MNIST: ResNet-8 from one float network, at each pair of widths that the recipe covers.</summary>
internal static class MethodsCommand
{
    private const int Epochs = 8;
    private const int LowBitEpochs = 12;
    private const int Best = 2;
    private const double FloatAccuracy = 0.9269;
    private const string Network = "fmnist-resnet8.bn.onnx";

    private static readonly (int Weights, int Activations)[] _widths = [(4, 4), (3, 3), (2, 2), (2, 32), (1, 32), (1, 2), (1, 1)];
    private static readonly string[] _shared = ["4/4", "3/3", "2/2"];

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
        Graph start = Start();
        var runner = new CellRunner("methods", Rows(args[0], "train"), Rows(args[0], "t10k"));
        TableCell[] first = [.. Cells(start, epochs, seed: 1)];
        RunAll(runner, [.. first.Where(c => wanted.Count == 0 || wanted.Contains(c.Method))], () => Write(Done(runner, first), [], Older(runner, first)));
        TableCell[] more = [.. MoreSeeds(Done(runner, first), start, epochs)];
        RunAll(runner, wanted.Count == 0 ? more : [], () => Write(Done(runner, first), Done(runner, more), Older(runner, first)));
        Write(Done(runner, first), Done(runner, more), Older(runner, first));
        return 0;
    }

    private static void RunAll(CellRunner runner, TableCell[] cells, Action write)
    {
        foreach (TableCell cell in cells)
        {
            if (runner.TryRun(cell) is { } result)
            {
                Console.WriteLine(FormattableString.Invariant($"{cell.Name}: hard {result.HardAccuracy:F4}, engine {result.EngineAccuracy:F4}, {result.Seconds:F0} s"));
                write();
            }
        }
    }

    private static CellResult[] Done(CellRunner runner, IEnumerable<TableCell> cells) => [.. cells.Select(c => runner.Find(c.Name)).OfType<CellResult>()];

    /// <summary>Cells whose recipe has changed since they were trained.</summary>
    private static string Older(CellRunner runner, IEnumerable<TableCell> cells)
    {
        string[] older = [.. cells.Where(c => runner.Find(c.Name) is { } done && done.Scheme != c.Scheme?.ToString()).Select(c => $"{c.Method} {c.Bits}")];
        return older.Length == 0 ? string.Empty : $" Trained with an earlier form of their quantizers, as their files say: {string.Join(", ", older)}.";
    }

    /// <summary>Two more seeds of the two recipes that are best at the shared widths, once all cells of these widths are done.</summary>
    private static IEnumerable<TableCell> MoreSeeds(CellResult[] done, Graph start, int epochs)
    {
        CellResult[] shared = [.. done.Where(r => _shared.Contains(r.Bits))];
        if (shared.Length < Cells(start, epochs, seed: 1).Count(c => _shared.Contains(c.Bits)))
        {
            return [];
        }

        string[] best = [.. shared.GroupBy(r => r.Method).Where(g => g.Count() == _shared.Length).OrderByDescending(g => g.Average(r => r.EngineAccuracy)).ThenBy(g => g.Key, StringComparer.Ordinal).Take(Best).Select(g => g.Key)];
        return new ulong[] { 2, 3 }.SelectMany(seed => Cells(start, epochs, seed)).Where(c => best.Contains(c.Method) && _shared.Contains(c.Bits));
    }

    /// <summary>The float network that all cells begin with.</summary>
    internal static Graph Start()
        => TrainableConstants.Mark(Microsoft.ML.Quantization.Onnx.OnnxModel.Load(Path.Combine(Machine.Folder(), "..", "..", "samples", "data", Network)).Graph);

    /// <summary>Image rows of a set.</summary>
    internal static MemoryBatchSource Rows(string folder, string set)
    {
        FashionMnist images = FashionMnist.Read(folder, set);
        return new MemoryBatchSource(Shape.Of(1, 28, 28), images.Pixels, [.. images.Labels.Select(l => (float)l)]);
    }

    private static IEnumerable<TableCell> Cells(Graph start, int epochs, ulong seed)
    {
        foreach ((int weights, int activations) in _widths)
        {
            foreach (TrainingRecipe recipe in TrainingRecipes.All.Where(r => Applies(r, weights, activations)))
            {
                int count = epochs > 0 ? epochs : Math.Min(weights, activations) <= 2 ? LowBitEpochs : Epochs;
                QuantizationAwareScheme scheme = Scheme(recipe, weights, activations);
                string name = FormattableString.Invariant($"{recipe.Name}-w{weights}a{activations}-e{count}-s{seed}").ToLowerInvariant();
                yield return new TableCell(name, recipe.Name, FormattableString.Invariant($"{weights}/{activations}"), start, scheme, Training(count, seed, TrainingDefaults.For(scheme)));
            }
        }
    }

    /// <summary>
    /// Float activations are for recipes about weights, and for those whose one-bit weights the papers show alone; two bits or fewer of activations are not for ternary and binary weights with borrowed steps.
    /// </summary>
    private static bool Applies(TrainingRecipe recipe, int weights, int activations)
    {
        if (recipe.Name == "WAGE")
        {
            // A network without normalization and biases is its own, and a descent of its own.
            return false;
        }

        bool borrows = recipe.Activations == "LSQ" && recipe.Weights != "LSQ";
        return recipe.Covers(weights, activations) && activations switch
        {
            32 => borrows || (weights == 1 && recipe.Name is "DoReFa" or "LQ-Nets" or "QN"),
            <= 2 => !borrows || recipe.Covers(3, 3),
            _ => true,
        };
    }

    /// <summary>The recipe's scheme with the same layers quantized as in every other cell.</summary>
    internal static QuantizationAwareScheme Scheme(TrainingRecipe recipe, int weights, int activations)
        => recipe.Scheme(weights, activations) with { EdgeLayers = EdgeLayers.EightBits, InputBits = 0, DownsamplingAsEdges = false, Padding = SignPadding.Zero };

    /// <summary>One way of training for all, except for what a method must have (<see cref="TrainingDefaults"/>).</summary>
    internal static TrainingOptions Training(int epochs, ulong seed, TrainingOptions needed) => new()
    {
        Epochs = epochs,
        BatchSize = 128,
        Seed = seed,
        Optimizer = needed.Optimizer is Adam ? needed.Optimizer : new Sgd(0.9f, Nesterov: true),
        Rate = needed.Optimizer is Adam ? needed.Rate : 0.02f,
        Schedule = new CosineSchedule { WarmUpSteps = 100, Restarts = needed.Schedule.Restarts },
        ReestimationBatches = needed.ReestimationBatches,
        Decay = 1e-4f,
        LargestGradientNorm = 5,
        Augmentations = [new RandomShift(1), new RandomFlip()],
    };

    private static void Write(CellResult[] results, CellResult[] moreSeeds, string older)
    {
        var table = new QuietTable("recipe", "W/A", "epochs", "accuracy, engine", "points below float", "accuracy, hard in float", "differing predictions", "integer layers", "file, bytes", "training, s");
        foreach (CellResult r in results)
        {
            table.Add(
                r.Method, r.Bits, TableText.Of(r.Epochs), Accuracy(r.EngineAccuracy), (100 * (FloatAccuracy - r.EngineAccuracy)).ToString("0.00", CultureInfo.InvariantCulture), Accuracy(r.HardAccuracy),
                TableText.Of(r.Differing), r.IntegerLayers, TableText.Of(r.FileBytes), TableText.Seconds(r.Seconds));
        }

        var seeds = new QuietTable("recipe", "W/A", "seeds", "error, engine, %");
        foreach (IGrouping<(string Method, string Bits), CellResult> g in moreSeeds.GroupBy(r => (r.Method, r.Bits)))
        {
            CellResult[] all = [.. results.Where(r => (r.Method, r.Bits) == g.Key), .. g];
            seeds.Add(g.Key.Method, g.Key.Bits, TableText.Of(all.Length), TableText.MeanError(all));
        }

        string best = moreSeeds.Length == 0 ? string.Empty : $"""


            The two recipes with the best mean over 4/4, 3/3 and 2/2, with further seeds: mean error with its 95 % interval (Student's t).

            {seeds}
            """.ReplaceLineEndings("\n");
        Machine.WriteTable("methods.md", $"""
            # Quantization-aware training, one recipe a row

            `dotnet run -c Release --project test/Benchmarks -- methods DATA_DIR` on {Machine.Description}.
            Fashion-MNIST, 60,000 training and 10,000 test images; ResNet-8 (`samples/data/{Network}`, {Accuracy(FloatAccuracy)} in float), every cell from the same float network; Nesterov momentum 0.9, rate 0.02
            with cosine, decay 1e-4 (none of latent weights of signs and of ADMM), shift by one pixel and flip; the same layers in every cell, whatever a recipe has: first and last layer 8 bits, the 1×1 convolutions of shortcuts like all inner layers; seed 1; 32 means float; where training has noise or soft signs (RQ, RQ-ST, HashNet) by Adam with rate 0.001 and statistics of normalization measured anew with hard quantizers at the end, so measured for Tang and ADMM too, by Adam with that rate also where the scale of signs multiplies their gradients or they have none (weights of XNOR, BWN, ABC-Net, Tang, ResNetE, BinaryDenseNet, BMXNet, BNN, BinaryConnect, TBN) and where second moments are read (LAB, LAT, LAQ), the rate starts over in each stage of INQ, ReActNet puts its shifts into the network; activations of XNOR, BNN and their kin, which are signs elsewhere, are 0 and 1 behind this network's rectifiers, while those of HORQ, Tang, TBN and HWGQ take a rectifier's place, so that HORQ at 1/1 is XNOR with codes −1 and 1. One file a cell in `methods/`; cells that are missing have not been run.
            Times of training are of one process a core; the command may be started once a core, the processes share the cells. A cell may have been trained on another machine than the one that wrote this table: its file says which. Its time is that of the process which ended it, pauses and other work of the machine included.{older} The cells of BNN and BinaryConnect were trained by momentum, before these asked for Adam, those of ADMM with running statistics; that of Tang at 1/2 is that of an ablation under another name. Random shifts and flips were drawn by seed + epoch, so that epochs of different seeds shared them; they are drawn by both apart now, and a cell that is trained anew differs by that.

            {table}{best}
            """.ReplaceLineEndings("\n"));
    }

    private static string Accuracy(double value) => value.ToString("0.0000", CultureInfo.InvariantCulture);
}
