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

/// <summary>DoReFa-Net with gradients of few bits: ResNet-8 on Fashion-MNIST from scratch, weights and activations at 4 bits, gradients of layer outputs at 32, 8, 6 and 4.</summary>
internal static class GradientsCommand
{
    private const int DefaultEpochs = 5;
    private const int Bits = 4;
    private const int Float = 32;

    private static readonly Shape _image = Shape.Of(1, 28, 28);
    private static readonly int[] _widths = [Float, 8, 6, 4];

    /// <summary>gradients DATA_DIR [EPOCHS].</summary>
    public static int Run(string[] args)
    {
        if (args.Length is < 1 or > 2 || !File.Exists(Path.Combine(args[0], "train-images-idx3-ubyte.gz")))
        {
            Console.Error.WriteLine("gradients DATA_DIR [EPOCHS]: DATA_DIR holds the four files of Fashion-MNIST (train-images-idx3-ubyte.gz, ...).");
            return 1;
        }

        int epochs = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : DefaultEpochs;
        var runner = new CellRunner("gradients", MethodsCommand.Rows(args[0], "train"), MethodsCommand.Rows(args[0], "t10k"));
        Graph start = Networks.SmallNetworks.ResNet(8, _image);
        var results = new List<CellResult>();
        foreach (int width in _widths)
        {
            CellResult result = runner.Run(Cell(start, width, epochs));
            results.Add(result);
            Console.WriteLine(FormattableString.Invariant($"{result.Name}: engine {result.EngineAccuracy:F4}, {result.Stop}, {result.Seconds:F0} s"));
            Write(results, epochs);
        }

        return 0;
    }

    private static TableCell Cell(Graph start, int width, int epochs)
    {
        QuantizationAwareScheme scheme = TrainingRecipes.Find("DoReFa").Scheme(Bits, Bits);
        scheme = width == Float ? scheme : scheme with { Gradients = QuantizationMethods.Find("DoReFa-G").Default(width) };
        var training = new TrainingOptions
        {
            Epochs = epochs,
            BatchSize = 128,
            Seed = 1,
            Optimizer = new Adam(),
            Rate = 2e-3f,
            Schedule = new CosineSchedule { WarmUpSteps = 100 },
            LargestGradientNorm = 5,
            CheckpointSteps = 100,
        };
        return new TableCell(FormattableString.Invariant($"dorefa-w{Bits}a{Bits}g{width}-e{epochs}-s1"), "DoReFa", FormattableString.Invariant($"{Bits}/{Bits}/{width}"), start, scheme, training);
    }

    private static void Write(List<CellResult> results, int epochs)
    {
        // What the literature lets expect of small networks (Zhou et al., 2016): in points below gradients of 32 bits.
        string[] expected = ["", "about 0", "about 0.1", "0.5 to 2"];
        var table = new QuietTable("W/A/G", "accuracy, engine", "below G = 32, points", "expected", "loss of the last epoch", "end", "training, s");
        for (int i = 0; i < results.Count; i++)
        {
            CellResult r = results[i];
            double drop = 100 * (results[0].EngineAccuracy - r.EngineAccuracy);
            table.Add(
                r.Bits, r.EngineAccuracy.ToString("0.0000", CultureInfo.InvariantCulture), i == 0 ? string.Empty : drop.ToString("0.00", CultureInfo.InvariantCulture), expected[i],
                r.Losses.LastOrDefault(float.NaN).ToString("0.0000", CultureInfo.InvariantCulture), r.Stop, r.Seconds.ToString("0", CultureInfo.InvariantCulture));
        }

        Machine.WriteTable("gradients.md", $"""
            # Gradients of few bits

            `dotnet run -c Release --project test/Benchmarks -- gradients DATA_DIR {epochs}` on {Machine.Description}.
            DoReFa-Net: ResNet-8 on Fashion-MNIST from scratch, 60,000 training and 10,000 test images, weights and activations of {Bits} bits, first and last layer 8 bits with gradients as they are; {epochs} epochs of
            Adam in batches of 128, cosine rate from 0.002, no augmentation; seed 1. One file a cell in `gradients/`.

            {table}
            """.ReplaceLineEndings("\n"));
    }
}
