using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.IO;
using System.Reflection;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Execution;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Onnx;
using Microsoft.ML.Quantization.PostTraining;
using Microsoft.ML.Quantization.Scoring;
using Microsoft.ML.Quantization.Serialization;
using Microsoft.ML.Quantization.Threading;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Quantization;

/// <summary>Reads the networks that estimators start from.</summary>
internal static class NetworkFiles
{
    /// <summary>This library, as models name it.</summary>
    public static string Producer { get; } = "Microsoft.ML.Quantization " + (typeof(NetworkFiles).Assembly.GetCustomAttribute<AssemblyFileVersionAttribute>()?.Version ?? "0");

    /// <summary>An ONNX file as a graph, or the graph of an <c>.mlq</c> file, for example of a network trained here in float; with what the import warns of.</summary>
    public static (Graph Graph, ImmutableArray<string> Warnings) ReadGraph(string path, IReadOnlyDictionary<string, int>? dimensions)
    {
        if (Has(path, ".mlq"))
        {
            return (ReadDocument(path, dimensions).Graph, []);
        }

        OnnxImportResult imported = Load(path, dimensions);
        return (imported.Graph, imported.Warnings);
    }

    /// <summary>
    /// A model to apply as it is: an <c>.mlq</c> file; an ONNX file of floats, which stays float; or an ONNX file with its own quantizers (QuantizeLinear and DequantizeLinear), which
    /// becomes an integer network with exactly their parameters. With what import and lowering warn of.
    /// </summary>
    public static (ModelDocument Document, ImmutableArray<string> Warnings) ReadModel(string path, string[]? classNames, IReadOnlyDictionary<string, int>? dimensions, KernelSet kernels)
    {
        if (!Has(path, ".onnx"))
        {
            ModelDocument document = ReadDocument(path, dimensions);
            return (classNames is { Length: > 0 } ? ClassLabels.Of(classNames).In(document) : document, []);
        }

        ImmutableArray<string> names = [.. classNames ?? []];
        OnnxImportResult imported = Load(path, dimensions);
        if (!imported.IsQuantized)
        {
            Graph clean = PostTrainingQuantizer.Clean(imported.Graph);
            return (new ModelDocument(clean, ModelSignature.Of(clean), new ModelMetadata { Producer = Producer, ClassNames = names }), imported.Warnings);
        }

        var quantizer = new PostTrainingQuantizer(new EngineRunnerFactory(kernels), OperatorTable.Fast(kernels, WorkerPool.Shared));
        QuantizationResult quantized = quantizer.RunQuantized(imported.Graph, new PostTrainingOptions { ClassNames = names });
        return (quantized.Document, [.. imported.Warnings, .. quantized.Notes]);
    }

    /// <summary>Tells the host what a file brought up.</summary>
    public static void Tell(ImmutableArray<string> warnings, IChannel channel)
    {
        foreach (string warning in warnings)
        {
            channel.Warning(MessageSensitivity.Schema, "{0}", warning);
        }
    }

    private static bool Has(string path, string extension) => string.Equals(Path.GetExtension(path), extension, StringComparison.OrdinalIgnoreCase);

    private static ModelDocument ReadDocument(string path, IReadOnlyDictionary<string, int>? dimensions) => dimensions is { Count: > 0 }
        ? throw new QuantizationException(QuantizationErrorCode.InvalidOptions, $"Dimensions: expected an ONNX file, whose free dimensions they are, found '{path}', whose sizes are fixed. Leave them out.")
        : ModelReader.Read(path);

    private static OnnxImportResult Load(string path, IReadOnlyDictionary<string, int>? dimensions)
    {
        var options = new OnnxImportOptions();
        return OnnxModel.Load(path, dimensions is null ? options : options with { Dimensions = options.Dimensions.SetItems(dimensions) });
    }
}
