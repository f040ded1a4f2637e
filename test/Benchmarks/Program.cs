using System;
using System.Collections.Generic;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>Measurements: each command prints a table and writes it under results/.</summary>
internal static class Program
{
    private static readonly Dictionary<string, (string Help, Func<string[], int> Run)> _commands = new(StringComparer.Ordinal)
    {
        ["accuracy"] = ("accuracy DATA_DIR [TEXT]: the small networks at several widths on the 10,000 test images; with TEXT only the rows whose network and scheme contain it, printed and not written", AccuracyCommand.Run),
        ["networks"] = ("networks MODEL_DIR [ROUNDS [MODEL ...]]: latency of int8 and float networks against ONNX Runtime, alternating in one run", NetworksCommand.Run),
        ["tune"] = ("tune [SET ...] [PART ...]: throughput of every kernel over a grid of shapes, for the choice of kernels and the prediction of speed", TuneCommand.Run),
        ["predict"] = ("predict [MODEL_DIR [MILLISECONDS [MOST_THREADS]]]: predicted against measured latency of the small networks and those of peers/make_models.py", PredictCommand.Run),
        ["steps"] = ("steps MODEL [THREADS [BATCH [int8]]]: where the time of a network goes, step by step", StepsCommand.Run),
        ["memory"] = ("memory: memory above the activations while calibrating on 10,000 rows", MemoryCommand.Run),
        ["codebook"] = ("codebook [SET ...]: layers whose weights look up 16 levels, against weights of 8 bits", CodebookCommand.Run),
        ["grouped"] = ("grouped [MODEL_DIR]: a 4096 x 4096 dense layer with weights in groups of 8, 4, 3 and 2 bits, against ONNX Runtime, and with weights out of memory", GroupedCommand.Run),
        ["train"] = ("train [ROUNDS [PYTHON]]: images a second while training LeNet-5 and ResNet-8, against PyTorch, alternating in one run", TrainCommand.Run),
        ["train-methods"] = ("train-methods [ROUNDS [RECIPE ...]]: what quantizers cost in training, against a float step, alternating in one run", TrainMethodsCommand.Run),
        ["rq"] = ("rq MNIST_DIR [EPOCHS] [CELL] [ROWS]: LeNet-5 on MNIST with Relaxed Quantization, cell by cell; finished cells are kept, a broken run goes on", Tables.RelaxedCommand.Run),
        ["binary-speed"] = ("binary-speed MODEL_DIR [ROUNDS]: networks of 1 and 2 bits of the shape of ResNet-18 against ONNX Runtime int8", BinarySpeedCommand.Run),
        ["binary"] = ("binary MNIST_DIR [EPOCHS] [CELL] [ROWS]: binary and ternary networks on MNIST, cell by cell", Tables.BinaryCommand.Run),
        ["methods"] = ("methods DATA_DIR [EPOCHS] [RECIPE ...]: quantization-aware training of ResNet-8 on Fashion-MNIST, cell by cell, resumable", Tables.MethodsCommand.Run),
        ["pairs"] = ("pairs [LAYER]: weights and activations of 8 to 1 bits in any pairing, through the engine, against 8 bits of the same layer; weights from memory and from caches", PairsCommand.Run),
        ["ablations"] = ("ablations DATA_DIR [NAME ...]: cells of that table that surprise, with one thing changed, three seeds each, resumable", Tables.AblationsCommand.Run),
        ["gradients"] = ("gradients DATA_DIR [EPOCHS]: DoReFa-Net with gradients of 32, 8, 6 and 4 bits on Fashion-MNIST, cell by cell, resumable", Tables.GradientsCommand.Run),
        ["convolutions"] = ("convolutions MODEL_DIR [ROUNDS]: 3x3 convolutions of 8 bits and 1 bit against ONNX Runtime", ConvolutionsCommand.Run),
        ["explain"] = ("explain MODEL_DIR: whether measured steps add up to the whole run", ExplainCommand.Run),
        ["load"] = ("load MODEL_DIR [ROUNDS]: opening ResNet-18 and its first inference against making a session of ONNX Runtime", LoadCommand.Run),
        ["footprint"] = ("footprint MODEL_DIR: what inference allocates, and what a process grows by", FootprintCommand.Run),
        ["sets"] = ("sets MODEL_DIR: every kernel set against what its instructions allow, and managed against native", SetsCommand.Run),
        ["scaling"] = ("scaling [MILLISECONDS]: latency and memory against batch, image size and depth", ScalingCommand.Run),
        ["load-child"] = ("load-child FILE: a process of load", LoadCommand.Child),
        ["sets-child"] = ("sets-child LAYER SET: a process of sets", SetsCommand.Child),
        ["footprint-child"] = ("footprint-child [FILE THREADS]: a process of footprint", FootprintCommand.Child),
        ["kernels"] = ("kernels [planes | BenchmarkDotNet options]: convolutions and dense layers of every kernel set, or those over bit planes", KernelsCommand.Run),
    };

    public static int Main(string[] args)
    {
        if (args.Length > 0 && _commands.TryGetValue(args[0], out var command))
        {
            return command.Run(args[1..]);
        }

        Console.Error.WriteLine(args.Length == 0 ? "Which measurement?" : $"Unknown measurement '{args[0]}'.");
        foreach ((string help, _) in _commands.Values)
        {
            Console.Error.WriteLine("  " + help);
        }

        return 1;
    }
}
