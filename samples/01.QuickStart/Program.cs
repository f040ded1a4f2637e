// From a trained ONNX network to an 8-bit one inside an ML.NET pipeline, on Fashion-MNIST.
//   dotnet run -c Release --project samples/01.QuickStart
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Quantization;
using Microsoft.ML.Quantization.Scoring;

namespace QuickStart;

public static class Program
{
    private static readonly string _folder = Path.Combine(AppContext.BaseDirectory, "data");
    private static readonly string _network = Path.Combine(_folder, "fmnist-resnet8.bn.onnx");

    public static void Main() => Run(Console.Out);

    /// <summary>The whole sample; gives what a test looks at.</summary>
    public static QuickStartResult Run(TextWriter output)
    {
        ArgumentNullException.ThrowIfNull(output);
        var mlContext = new MLContext(seed: 1);
        IDataView calibration = mlContext.Data.LoadFromEnumerable(IdxFile.Read(_folder, "train-1000").Take(500));
        List<Image> testImages = IdxFile.Read(_folder, "t10k");
        IDataView test = mlContext.Data.LoadFromEnumerable(testImages);

        // The network as it is, and quantized: 8-bit weights and activations, then 4-bit weights.
        QuantizationCatalog quantization = mlContext.Quantization();
        QuantizedModelTransformer floats = quantization.ApplyModel("Score", "Pixels", _network, ScoringTask.MulticlassClassification).Fit(calibration);
        QuantizedModelTransformer int8 = quantization.PostTraining("Score", "Pixels", _network, task: ScoringTask.MulticlassClassification).Fit(calibration);
        QuantizedModelTransformer int4 = quantization.PostTraining("Score", "Pixels", _network, weightBits: 4, task: ScoringTask.MulticlassClassification).Fit(calibration);

        output.WriteLine($"Kernels: {int8.Model.KernelSetName}, {int8.Model.ThreadCount} threads");
        output.WriteLine($"{"",-22}{"accuracy",10}{"agrees",10}{"file",12}{"batch 1",12}{"batch 64",14}");
        MulticlassClassificationMetrics float32 = Evaluate(mlContext, floats, test);
        MulticlassClassificationMetrics eight = Evaluate(mlContext, int8, test);
        MulticlassClassificationMetrics four = Evaluate(mlContext, int4, test);
        uint[] reference = Labels(floats, test);
        Print(output, "float", float32, reference, floats, test, new FileInfo(_network).Length);
        Print(output, "int8", eight, reference, int8, test, SavedLength(int8));
        Print(output, "int4 weights", four, reference, int4, test, SavedLength(int4));

        // The fitted model is a part of ML.NET's own file: saved, loaded, asked for one image.
        string file = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString("N") + ".zip");
        mlContext.Model.Save(int8, test.Schema, file);
        ITransformer loaded = new MLContext().Model.Load(file, out _);
        using PredictionEngine<Image, Prediction> engine = mlContext.Model.CreatePredictionEngine<Image, Prediction>(loaded);
        Prediction first = engine.Predict(testImages[0]);
        File.Delete(file);
        output.WriteLine($"First test image: class {first.PredictedLabel - 1}, expected {testImages[0].Label}");
        output.WriteLine(int8.Model.Explain(measure: true));
        output.WriteLine(eight.ConfusionMatrix.GetFormattedConfusionTable());
        return new QuickStartResult(float32.MicroAccuracy, eight.MicroAccuracy, four.MicroAccuracy, first.PredictedLabel - 1);
    }

    private static MulticlassClassificationMetrics Evaluate(MLContext mlContext, QuantizedModelTransformer model, IDataView test)
        => mlContext.MulticlassClassification.Evaluate(model.Transform(test));

    private static uint[] Labels(QuantizedModelTransformer model, IDataView test) => [.. model.Transform(test).GetColumn<uint>("PredictedLabel")];

    private static void Print(TextWriter output, string name, MulticlassClassificationMetrics metrics, uint[] reference, QuantizedModelTransformer model, IDataView test, long bytes)
    {
        double agreement = Labels(model, test).Zip(reference).Average(p => p.First == p.Second ? 1.0 : 0.0);
        double one = Latency.MedianMilliseconds(model.Model, batch: 1);
        double many = Latency.MedianMilliseconds(model.Model, batch: 64);
        output.WriteLine(FormattableString.Invariant($"{name,-22}{metrics.MicroAccuracy,10:F4}{agreement,10:F4}{bytes,10} B{one,9:F3} ms{many,11:F2} ms"));
    }

    private static long SavedLength(QuantizedModelTransformer model)
    {
        string file = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString("N") + ".mlq");
        model.SaveModel(file);
        long length = new FileInfo(file).Length;
        File.Delete(file);
        return length;
    }
}
