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
using Microsoft.ML.Quantization.Serialization;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization;

/// <summary>Reads the networks that estimators start from.</summary>
internal static class NetworkFiles
{
    private static readonly string _producer = "Microsoft.ML.Quantization " + (typeof(NetworkFiles).Assembly.GetCustomAttribute<AssemblyFileVersionAttribute>()?.Version ?? "0");

    /// <summary>An ONNX file as a graph, or the graph of an <c>.mlq</c> file, for example of a network trained here in float.</summary>
    public static Graph ReadGraph(string path, IReadOnlyDictionary<string, int>? dimensions) => Has(path, ".mlq") ? ReadDocument(path, dimensions).Graph : Load(path, dimensions).Graph;

    /// <summary>
    /// A model to apply as it is: an <c>.mlq</c> file; an ONNX file of floats, which stays float; or an ONNX file with its own quantizers (QuantizeLinear and DequantizeLinear), which
    /// becomes an integer network with exactly their parameters.
    /// </summary>
    public static ModelDocument ReadModel(string path, string[]? classNames, IReadOnlyDictionary<string, int>? dimensions, KernelSet kernels)
    {
        ImmutableArray<string> names = [.. classNames ?? []];
        if (!Has(path, ".onnx"))
        {
            ModelDocument document = ReadDocument(path, dimensions);
            return names.IsEmpty ? document : document with { Metadata = document.Metadata with { ClassNames = names } };
        }

        OnnxImportResult imported = Load(path, dimensions);
        if (!imported.IsQuantized)
        {
            Graph clean = PostTrainingQuantizer.Clean(imported.Graph);
            return new ModelDocument(clean, ModelSignature.Of(clean), new ModelMetadata { Producer = _producer, ClassNames = names });
        }

        var quantizer = new PostTrainingQuantizer(new EngineRunnerFactory(kernels), OperatorTable.Fast(kernels, WorkerPool.Shared));
        return quantizer.RunQuantized(imported.Graph, new PostTrainingOptions { ClassNames = names }).Document;
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
