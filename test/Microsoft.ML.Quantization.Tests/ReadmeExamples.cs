using System;
using System.Collections.Generic;
using Microsoft.ML.Data;
using Microsoft.ML.Quantization.Execution;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.PostTraining;
using Microsoft.ML.Quantization.Prediction;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Scoring;
using Microsoft.ML.Quantization.Serialization;
using Microsoft.ML.Quantization.Training;

namespace Microsoft.ML.Quantization.Tests;

/// <summary>The code of README.md as a program, so that it compiles; <see cref="ReadmeExampleTests"/> holds the two to each other line by line.</summary>
internal static class ReadmeExamples
{
    public static MulticlassClassificationMetrics FitScoreSave(IEnumerable<PixelRow> rows, float[] pixels, float[] scores)
    {
        var mlContext = new MLContext();
        IDataView images = mlContext.Data.LoadFromEnumerable(rows);

        var estimator = mlContext.Quantization().PostTraining(
            "Score", "Pixels", "fmnist-resnet8.bn.onnx",
            weightBits: 8, activationBits: 8, task: ScoringTask.MulticlassClassification);
        QuantizedModelTransformer model = estimator.Fit(images);

        var metrics = mlContext.MulticlassClassification.Evaluate(model.Transform(images));
        mlContext.Model.Save(model, images.Schema, "model.zip");
        model.SaveModel("model.mlq");
        using var alone = QuantizedModel.Load("model.mlq");
        alone.Run(pixels, scores);
        Console.WriteLine(alone.Explain(measure: true));
        return metrics;
    }

    public static PostTrainingQuantizationEstimator Codebook(MLContext mlContext)
    {
        var estimator = mlContext.Quantization().PostTraining(new()
        {
            ModelFile = "fmnist-resnet8.bn.onnx",
            InputColumnName = "Pixels",
            OutputColumnName = "Score",
            Scheme = QuantizationScheme.FourBitCodebook,
        });
        return estimator;
    }

    public static PostTrainingQuantizationEstimator Ternary(MLContext mlContext)
    {
        var estimator = mlContext.Quantization().PostTraining(new()
        {
            ModelFile = "fmnist-resnet8.bn.onnx",
            InputColumnName = "Pixels",
            OutputColumnName = "Score",
            Scheme = QuantizationScheme.TernaryResidual,
        });
        return estimator;
    }

    public static void Downgrade()
    {
        ModelDocument cheaper = TernaryTermDowngrade.Run(ModelReader.Read("model.mlq"), terms: 2, new EngineRunnerFactory(KernelRegistry.Active));
        QuantizedModel.FromDocument(cheaper).Save("cheaper.mlq");
    }

    public static double Predict(Graph graph)
    {
        LatencyPrediction expected = LatencyPredictor.Predict(graph, new QuantizationScheme { WeightBits = 4 }, batch: 8, threads: 2);
        return expected.Milliseconds;
    }

    public static QuantizedModelTransformer Train(MLContext mlContext, IDataView images)
    {
        var trainer = mlContext.Quantization().Trainers.Lsq(
            "fmnist-resnet8.bn.onnx", weightBits: 2, activationBits: 2,
            labelColumnName: "Label", featureColumnName: "Pixels",
            training: new TrainingOptions { Epochs = 20, BatchSize = 50, Rate = 0.005f, Schedule = new CosineSchedule() });
        QuantizedModelTransformer model = trainer.Fit(images);
        return model;
    }
}
