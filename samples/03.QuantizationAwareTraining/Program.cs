// A trained float network becomes one of 4 bits, 2 bits and ternary weights: quantized after training, and trained with its quantizers. Fashion-MNIST, 1,000 training images.
//   dotnet run -c Release --project samples/03.QuantizationAwareTraining
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Microsoft.ML;
using Microsoft.ML.Quantization;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Scoring;
using Microsoft.ML.Quantization.Training;
using QuickStart;

namespace QuantizationAwareTraining;

public static class Program
{
    private static readonly string _folder = Path.Combine(AppContext.BaseDirectory, "data");
    private static readonly string _network = Path.Combine(_folder, "fmnist-resnet8.bn.onnx");

    public static void Main()
    {
        string picture = Path.Combine(Environment.CurrentDirectory, "training.svg");
        Run(Console.Out, epochs: 20, picture);
        Console.WriteLine($"The course of training: {picture}");
    }

    /// <summary>The whole sample; gives the rows of its table.</summary>
    public static IReadOnlyList<Outcome> Run(TextWriter output, int epochs, string picture, int testImages = 10_000)
    {
        ArgumentNullException.ThrowIfNull(output);
        var mlContext = new MLContext(seed: 1);
        IDataView training = mlContext.Data.LoadFromEnumerable(IdxFile.Read(_folder, "train-1000"));
        IDataView test = mlContext.Data.LoadFromEnumerable(IdxFile.Read(_folder, "t10k").Take(testImages));
        QuantizationCatalog quantization = mlContext.Quantization();
        double floats = Accuracy(mlContext, quantization.ApplyModel("Score", "Pixels", _network, ScoringTask.MulticlassClassification).Fit(training), test);

        (string Name, int Weights, int Activations, QuantizationAwareScheme Scheme)[] wanted =
        [
            ("4-bit", 4, 4, TrainingRecipes.Find("LSQ").Scheme(4, 4)),
            ("2-bit", 2, 2, TrainingRecipes.Find("LSQ").Scheme(2, 2)),
            ("ternary weights", 2, 8, new() { Weights = new Lsq { Bits = 2, Narrow = true, PerChannel = true }, Activations = new Lsq { Bits = 8 } }),
        ];
        output.WriteLine($"{"",-18}{"float",10}{"after training",18}{"trained with it",18}{"file",12}");
        var outcomes = new List<Outcome>();
        foreach ((string name, int weights, int activations, QuantizationAwareScheme scheme) in wanted)
        {
            QuantizedModelTransformer after = quantization.PostTraining("Score", "Pixels", _network, weights, activations, ScoringTask.MulticlassClassification).Fit(training);
            var course = new Course(name);
            QuantizedModelTransformer trained = Trainer(quantization, scheme, epochs, weights == 4 ? 0.001f : 0.005f, course).Fit(training);
            var outcome = new Outcome(name, floats, Accuracy(mlContext, after, test), Accuracy(mlContext, trained, test), Length(trained), course);
            output.WriteLine(FormattableString.Invariant($"{name,-18}{outcome.Float,10:F4}{outcome.AfterTraining,18:F4}{outcome.Trained,18:F4}{outcome.FileBytes,10} B"));
            outcomes.Add(outcome);
        }

        Picture.Write(picture, [.. outcomes.Select(o => o.Course)]);
        return outcomes;
    }

    private static QuantizationAwareTrainingEstimator Trainer(QuantizationCatalog quantization, QuantizationAwareScheme scheme, int epochs, float rate, Course course)
        => quantization.Trainers.QuantizationAware(new QuantizationAwareTrainingEstimator.Options
        {
            ModelFile = _network,
            InputColumnName = "Pixels",
            Task = ScoringTask.MulticlassClassification,
            Scheme = scheme,
            Progress = course,
            Training = new TrainingOptions
            {
                Epochs = epochs,
                BatchSize = 50,
                Optimizer = new Sgd(0.9f, Nesterov: true),
                Rate = rate,
                Schedule = new CosineSchedule(),
                LargestGradientNorm = 5,
                Augmentations = [new RandomShift(1), new RandomFlip()],
            },
        });

    private static double Accuracy(MLContext mlContext, QuantizedModelTransformer model, IDataView test)
        => mlContext.MulticlassClassification.Evaluate(model.Transform(test)).MicroAccuracy;

    private static long Length(QuantizedModelTransformer model)
    {
        string file = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString("N") + ".mlq");
        model.SaveModel(file);
        long length = new FileInfo(file).Length;
        File.Delete(file);
        return length;
    }
}
