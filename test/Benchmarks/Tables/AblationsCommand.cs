using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.IO;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Networks;
using Microsoft.ML.Quantization.QuantizationAware;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Training;

namespace Microsoft.ML.Quantization.Benchmarks.Tables;

/// <summary>What lies behind cells of the table of recipes that surprise: two ways of training that differ in one thing, with three seeds each.</summary>
internal static class AblationsCommand
{
    private const int Seeds = 3;

    private static readonly ImmutableArray<Case> _cases =
    [
        new("Levels of INQ", "of each channel", "inq-channel", "INQ", (3, 3), 8),
        new("Levels of INQ", "of the layer, as in the paper", "inq-layer", "INQ", (3, 3), 8) { Scheme = PerLayer },
        new("Rate of INQ, levels of the layer", "over again in each stage, as in the paper", "inq-layer", "INQ", (3, 3), 8) { Scheme = PerLayer },
        new("Rate of INQ, levels of the layer", "one cosine over the run", "inq-course", "INQ", (3, 3), 8) { Scheme = PerLayer, Training = t => t with { Schedule = t.Schedule with { Restarts = 1 } } },
        new("Largest level of INQ", "from the largest weight, as in the paper", "inq-largest", "INQ", (2, 2), 12) { Scheme = static s => s with { Weights = ((Inq)s.Weights!) with { LeastError = false } } },
        new("Largest level of INQ", "of least error", "inq-least", "INQ", (2, 2), 12),
        new("Weights of Affine", "ranges by extremes, as in the paper", "affine-extremes", "Affine", (2, 2), 4),
        new("Weights of Affine", "learned steps (LSQ)", "affine-steps", "Affine", (2, 2), 4) { Scheme = static s => s with { Weights = new Lsq { Bits = 2, PerChannel = true } } },
        new("Activations of HWGQ", "HWGQ, behind normalization of fixed scale and shift", "hwgq-fixed", "HWGQ", (1, 1), 4),
        new("Activations of HWGQ", "DoReFa, behind normalization that learns", "hwgq-learned", "HWGQ", (1, 1), 4) { Scheme = static s => s with { Activations = new DoReFaActivations { Bits = 1 } } },
        new("Planes of activations, network of binary blocks from scratch", "one, XNOR", "blocks-xnor", "XNOR", (1, 1), 4) { Network = Blocks },
        new("Planes of activations, network of binary blocks from scratch", "two, HORQ, gradients of their sum", "blocks-horq", "HORQ", (1, 2), 4) { Network = Blocks, Scheme = static s => s with { Activations = new Horq { Bits = 2 } } },
        new("Planes of activations, network of binary blocks from scratch", "two, HORQ, gradients by order", "blocks-horq-orders", "HORQ", (1, 2), 4) { Network = Blocks },
        new("Planes of activations, network of binary blocks from scratch", "2 bits of learned steps (LSQ)", "blocks-lsq", "HORQ", (1, 2), 4) { Network = Blocks, Scheme = static s => s with { Activations = new Lsq { Bits = 2 } } },
        new("Signs, network of binary blocks from scratch", "XNOR", "blocks-xnor", "XNOR", (1, 1), 4) { Network = Blocks },
        new("Signs, network of binary blocks from scratch", "Bi-Real", "blocks-bireal", "Bi-Real", (1, 1), 4) { Network = Blocks },
        new("Signs, network of binary blocks from scratch", "ReActNet", "blocks-reactnet", "ReActNet", (1, 1), 4) { Network = Blocks },
        new("Signs, network of binary blocks from scratch", "IR-Net", "blocks-irnet", "IR-Net", (1, 1), 4) { Network = Blocks },
        new("Slope of IR-Net's activations, network of binary blocks from scratch", "EDE, from 0.001 to 10 as for residual networks", "blocks-irnet", "IR-Net", (1, 1), 4) { Network = Blocks },
        new("Slope of IR-Net's activations, network of binary blocks from scratch", "EDE, from 0.1 to 10 as for VGG", "blocks-irnet-narrow", "IR-Net", (1, 1), 4) { Network = Blocks, Scheme = static s => s with { Activations = ((IrNet)s.Activations!) with { Slope = Estimator.Tanh(0.1f, 10) } } },
        new("Slope of IR-Net's activations, network of binary blocks from scratch", "Bi-Real's triangle", "blocks-irnet-triangle", "IR-Net", (1, 1), 4) { Network = Blocks, Scheme = static s => s with { Activations = new BiReal { Bits = 1 } } },
        new("Bases of activations of ABC-Net", "one", "abc-one", "ABC-Net", (1, 1), 4) { Scheme = QuickShifts },
        new("Bases of activations of ABC-Net", "two", "abc-two", "ABC-Net", (1, 2), 4) { Scheme = QuickShifts },
        new("Bases of activations of ABC-Net", "two, their thresholds at a tenth of the rate", "abc-two-slow", "ABC-Net", (1, 2), 4),
        new("Ternary weights", "TWN: one measured scale, threshold 0.7 of the mean", "ternary-twn", "TWN", (2, 32), 4),
        new("Ternary weights", "TTQ: two learned scales, threshold 0.05 of the largest", "ternary-ttq", "TTQ", (2, 32), 4),
        new("Ternary weights", "TTQ by Adam, rate 0.001", "ternary-ttq-adam", "TTQ", (2, 32), 4) { Training = t => t with { Optimizer = new Adam(), Rate = 1e-3f } },
        new("Ternary weights", "TTQ with threshold 0.15 of the largest", "ternary-ttq-wide", "TTQ", (2, 32), 4) { Scheme = static s => s with { Weights = ((Ttq)s.Weights!) with { Threshold = 0.15f } } },
        new("Ternary weights", "TTQ with threshold 0.15 of the largest, by Adam, rate 0.001", "ternary-ttq-wide-adam", "TTQ", (2, 32), 4)
        {
            Scheme = static s => s with { Weights = ((Ttq)s.Weights!) with { Threshold = 0.15f } },
            Training = t => t with { Optimizer = new Adam(), Rate = 1e-3f },
        },
        new("Pull of ADMM", "0.001", "admm-weak", "ADMM", (1, 32), 4) { Scheme = static s => s with { Weights = ((Admm)s.Weights!) with { Penalty = 1e-3f } } },
        new("Pull of ADMM", "0.01", "admm-middle", "ADMM", (1, 32), 4) { Scheme = static s => s with { Weights = ((Admm)s.Weights!) with { Penalty = 1e-2f } } },
        new("Pull of ADMM", "0.1", "admm-strong", "ADMM", (1, 32), 4) { Scheme = static s => s with { Weights = ((Admm)s.Weights!) with { Penalty = 1e-1f } } },
        new("Statistics of Tang's networks", "running ones of training", "tang-running", "Tang", (1, 2), 12) { Training = t => t with { ReestimationBatches = 0 } },
        new("Statistics of Tang's networks", "measured anew at the end", "tang-measured", "Tang", (1, 2), 12),
        new("Rate of Tang's networks", "0.001", "tang-rate-high", "Tang", (1, 2), 4),
        new("Rate of Tang's networks", "0.0001", "tang-rate-low", "Tang", (1, 2), 4) { Training = t => t with { Rate = 1e-4f } },
        new("Planes of activations of Tang's networks", "one", "tang-one", "Tang", (1, 1), 12),
        new("Planes of activations of Tang's networks", "two", "tang-measured", "Tang", (1, 2), 12),
        new("Activations of QN", "QN, soft steps that harden", "qn-soft", "QN", (1, 1), 4),
        new("Activations of QN", "DoReFa", "qn-hard", "QN", (1, 1), 4) { Scheme = static s => s with { Activations = new DoReFaActivations { Bits = 1 } } },
        new("Activations of HashNet", "HashNet, soft signs that harden", "hashnet-soft", "HashNet", (1, 1), 4),
        new("Activations of HashNet", "DoReFa", "hashnet-hard", "HashNet", (1, 1), 4) { Scheme = static s => s with { Activations = new DoReFaActivations { Bits = 1 } } },
        new("Optimizer of RQ-ST", "Adam, rate 0.001", "rq-st-adam", "RQ-ST", (3, 3), 8),
        new("Optimizer of RQ-ST", "Nesterov momentum 0.9, rate 0.02", "rq-st-momentum", "RQ-ST", (3, 3), 8) { Training = t => t with { Optimizer = new Sgd(0.9f, Nesterov: true), Rate = 0.02f } },
    ];

    /// <summary>ResNet-8 with its blocks in the order of binary networks, signs where the table's network has rectifiers.</summary>
    private static Func<ulong, Graph> Blocks => static seed => BinaryNetworks.ResNet(8, Shape.Of(1, 28, 28), seed: seed);

    /// <summary>Thresholds of ABC-Net at the rate of weights.</summary>
    private static Func<QuantizationAwareScheme, QuantizationAwareScheme> QuickShifts => static s => s with { Activations = ((AbcActivations)s.Activations!) with { ShiftRate = 1 } };

    private static Func<QuantizationAwareScheme, QuantizationAwareScheme> PerLayer => static s => s with { Weights = ((Inq)s.Weights!) with { PerChannel = false } };

    /// <summary>ablations DATA_DIR [NAME ...].</summary>
    public static int Run(string[] args)
    {
        if (args.Length == 0 || !File.Exists(Path.Combine(args[0], "train-images-idx3-ubyte.gz")))
        {
            Console.Error.WriteLine($"ablations DATA_DIR [NAME ...]: DATA_DIR holds the four files of Fashion-MNIST (train-images-idx3-ubyte.gz, ...); names: {string.Join(", ", _cases.Select(c => c.Name).Distinct())}.");
            return 1;
        }

        HashSet<string> wanted = [.. args.Skip(1)];
        Graph start = MethodsCommand.Start();
        var runner = new CellRunner("ablations", MethodsCommand.Rows(args[0], "train"), MethodsCommand.Rows(args[0], "t10k"));
        for (ulong seed = 1; seed <= Seeds; seed++)
        {
            foreach (Case c in _cases.Where(c => wanted.Count == 0 || wanted.Contains(c.Name)))
            {
                if (runner.TryRun(Cell(c, start, seed)) is { } result)
                {
                    Console.WriteLine(FormattableString.Invariant($"{result.Name}: engine {result.EngineAccuracy:F4}, {result.Seconds:F0} s"));
                    Write(runner, start);
                }
            }
        }

        Write(runner, start);
        return 0;
    }

    private static TableCell Cell(Case c, Graph start, ulong seed)
    {
        QuantizationAwareScheme scheme = c.Scheme(MethodsCommand.Scheme(TrainingRecipes.Find(c.Recipe), c.Bits.Weights, c.Bits.Activations));
        TrainingOptions training = c.Training(MethodsCommand.Training(c.Epochs, seed, TrainingDefaults.For(scheme)));
        string bits = FormattableString.Invariant($"{c.Bits.Weights}/{c.Bits.Activations}");
        return new TableCell(FormattableString.Invariant($"{c.Name}-e{c.Epochs}-s{seed}"), c.Recipe, bits, c.Network?.Invoke(seed) ?? start, scheme, training);
    }

    private static void Write(CellRunner runner, Graph start)
    {
        var table = new QuietTable("question", "recipe", "W/A", "epochs", "way", "seeds", "error, engine, %");
        foreach (Case c in _cases)
        {
            CellResult[] cells = [.. Enumerable.Range(1, Seeds).Select(s => runner.Find(Cell(c, start, (ulong)s).Name)).OfType<CellResult>()];
            if (cells.Length > 0)
            {
                string error = cells.Length > 1 ? TableText.MeanError(cells) : TableText.Error(cells[0].EngineAccuracy);
                table.Add(c.Question, c.Recipe, cells[0].Bits, TableText.Of(c.Epochs), c.Way, TableText.Of(cells.Length), error);
            }
        }

        Machine.WriteTable("ablations.md", $"""
            # One thing changed

            `dotnet run -c Release --project test/Benchmarks -- ablations DATA_DIR` on {Machine.Description}.
            Cells of the table of recipes (methods.md) that surprised, trained as there, some for fewer epochs, in two ways that differ in one thing. Mean error on the test images with its 95 % interval (Student's t) where there are several seeds. One file a cell in `ablations/`, which names the machine that trained it.
            The file of a run that both tables have was copied from one to the other under the other's name: seed 1 of all of INQ's and RQ-ST's ways, of Tang's statistics, running and measured, and of Tang's single plane; those of INQ's layer levels were trained before the method knew levels of channels, that of the largest level from the largest weight before it knew another; those of ABC-Net's bases before its thresholds had a rate of their own, the slow ones by a group of parameters at that rate. Random
            shifts and flips were drawn by seed + epoch, so that epochs of different seeds shared them; they are drawn by both apart now, and a way that is trained anew differs by that.

            {table}
            """.ReplaceLineEndings("\n"));
    }

    /// <summary>One way of training.</summary>
    private sealed record Case(string Question, string Way, string Name, string Recipe, (int Weights, int Activations) Bits, int Epochs)
    {
        public Func<QuantizationAwareScheme, QuantizationAwareScheme> Scheme { get; init; } = static s => s;

        /// <summary>The network by the seed; null for the one that all cells of the table begin with.</summary>
        public Func<ulong, Graph>? Network { get; init; }

        public Func<TrainingOptions, TrainingOptions> Training { get; init; } = static t => t;
    }
}
