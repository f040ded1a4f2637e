// One network four times: float, 8 bits, ternary weights, and signs for weights and activations, trained on 1,000 images of Fashion-MNIST; with file sizes, latencies and what one bit does to each layer.
//   dotnet run -c Release --project samples/04.BinaryNetworks
using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using Microsoft.ML;
using Microsoft.ML.Quantization;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Networks;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Scoring;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Training;
using QuickStart;

namespace BinaryNetworksSample;

public static class Program
{
    private static readonly string _folder = Path.Combine(AppContext.BaseDirectory, "data");

    public static void Main() => Run(Console.Out, epochs: 10);

    /// <summary>The whole sample; gives the rows of its table.</summary>
    public static IReadOnlyList<Outcome> Run(TextWriter output, int epochs, int width = 64, int testImages = 10_000)
    {
        ArgumentNullException.ThrowIfNull(output);
        var mlContext = new MLContext(seed: 1);
        IDataView training = mlContext.Data.LoadFromEnumerable(IdxFile.Read(_folder, "train-1000"));
        IDataView test = mlContext.Data.LoadFromEnumerable(IdxFile.Read(_folder, "t10k").Take(testImages));

        // Behind the layers of all but the last stand rectifiers; signs need none. First and last layer have 8 bits. The float network is timed as training left it: with normalizations that are steps of their own.
        (string Name, BinaryActivation Activation, QuantizationAwareScheme? Scheme)[] wanted =
        [
            ("float", BinaryActivation.Rectifier, null),
            ("8 bits", BinaryActivation.Rectifier, TrainingRecipes.Find("Affine").Scheme(8, 8)),
            ("ternary weights", BinaryActivation.Rectifier, TrainingRecipes.Find("TWN").Scheme(2, 8) with { EdgeLayers = EdgeLayers.EightBits }),
            ("1 bit", BinaryActivation.None, TrainingRecipes.Find("XNOR").Scheme(1, 1)),
        ];
        output.WriteLine($"{"",-18}{"accuracy",10}{"file",12}{"one image",14}");
        var outcomes = new List<Outcome>();
        foreach ((string name, BinaryActivation activation, QuantizationAwareScheme? scheme) in wanted)
        {
            Graph network = BinaryNetworks.VggSmall(Shape.Of(1, 28, 28), 10, width, activation: activation);
            QuantizedModelTransformer model = Trainer(mlContext, network, scheme, epochs).Fit(training);
            double accuracy = mlContext.MulticlassClassification.Evaluate(model.Transform(test)).MicroAccuracy;
            var outcome = new Outcome(name, accuracy, Length(model), Milliseconds(model.Model), model.Model);
            output.WriteLine(FormattableString.Invariant($"{name,-18}{accuracy,10:F4}{outcome.FileBytes,10} B{outcome.Milliseconds,11:F3} ms"));
            outcomes.Add(outcome);
        }

        QuantizedModel binary = outcomes[^1].Model;
        output.WriteLine(binary.Explain());
        foreach ((string fact, string value) in binary.Metadata.Facts.Where(f => f.Key.StartsWith("levels.", StringComparison.Ordinal)))
        {
            output.WriteLine($"{fact}: {value}");
        }

        return outcomes;
    }

    private static QuantizationAwareTrainingEstimator Trainer(MLContext mlContext, Graph network, QuantizationAwareScheme? scheme, int epochs)
        => mlContext.Quantization().Trainers.QuantizationAware(new QuantizationAwareTrainingEstimator.Options
        {
            Network = network,
            InputColumnName = "Pixels",
            Task = ScoringTask.MulticlassClassification,
            Scheme = scheme,
            Training = new TrainingOptions
            {
                Epochs = epochs,
                BatchSize = 50,
                Optimizer = new Adam(),
                Rate = 0.003f,
                Schedule = new CosineSchedule(),
                Augmentations = [new RandomShift(1), new RandomFlip()],
                ReestimationBatches = 20,
            },
        });

    private static long Length(QuantizedModelTransformer model)
    {
        string file = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString("N") + ".mlq");
        try
        {
            model.SaveModel(file);
            return new FileInfo(file).Length;
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static double Milliseconds(QuantizedModel model)
    {
        var pixels = new float[784];
        var scores = new float[10];
        var times = new List<double>();
        for (int i = 0; i < 200; i++)
        {
            long start = Stopwatch.GetTimestamp();
            model.Run(pixels, scores);
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        return times.Order().ElementAt(times.Count / 2);
    }
}
