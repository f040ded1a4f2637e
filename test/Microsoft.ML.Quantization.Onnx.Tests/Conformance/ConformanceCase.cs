using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.IO;
using System.Linq;
using Google.Protobuf;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Onnx.Proto;
using Microsoft.ML.Quantization.Onnx.Reading;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.Onnx.Tests.Conformance;

/// <summary>What a case of the ONNX project's test data did.</summary>
/// <param name="Outcome">pass, skip or fail.</param>
/// <param name="Detail">Empty, the reason of a skip, or the difference.</param>
internal sealed record ConformanceResult(string Outcome, string Detail);

/// <summary>One folder: a model, its inputs and expected outputs.</summary>
internal sealed class ConformanceCase(string folder)
{
    private readonly ModelMessage _model = ModelMessage.Parser.ParseFrom(File.ReadAllBytes(Path.Combine(folder, "model.onnx")));

    /// <summary>Imports, runs on both operator tables, and compares with the expected outputs and the tables with each other, bit for bit.</summary>
    public ConformanceResult Run()
    {
        List<(string Name, Tensor Value)> inputs;
        List<Tensor> expected;
        if (_model.Graph.Inputs.Concat(_model.Graph.Outputs).Any(v => v.Type?.Tensor is null))
        {
            return new("skip", "an input or output is a sequence or optional, not a tensor");
        }

        try
        {
            string[] names = [.. _model.Graph.Inputs.Select(i => i.Name).Except(_model.Graph.Initializers.Select(i => i.Name))];
            inputs = [.. Tensors("input", _model.Graph.Inputs).Select((t, i) => (names[i], t))];
            expected = Tensors("output", _model.Graph.Outputs);
        }
        catch (Exception e) when (e is QuantizationException or InvalidProtocolBufferException or IndexOutOfRangeException)
        {
            return new("skip", Short(e));
        }

        return Import(inputs, out OnnxImportResult? imported, out string reason) ? Compare(imported!, inputs, expected) : new("skip", reason);
    }

    /// <summary>Inputs stay inputs where the importer allows it; else all but the first, then all, become constants (shapes, axes, scales).</summary>
    private bool Import(List<(string Name, Tensor Value)> inputs, out OnnxImportResult? imported, out string reason)
    {
        imported = null;
        reason = string.Empty;
        foreach (int free in new[] { inputs.Count, 1, 0 }.Where(f => f <= inputs.Count).Distinct())
        {
            var constants = inputs.Skip(free).ToImmutableDictionary(i => i.Name, i => i.Value, StringComparer.Ordinal);
            try
            {
                imported = OnnxModel.Load(_model.ToByteArray(), new OnnxImportOptions { Constants = constants });
                return true;
            }
            catch (QuantizationException e)
            {
                reason = free > 0 || reason.Length == 0 ? Short(e) : reason;
            }
        }

        return false;
    }

    private static ConformanceResult Compare(OnnxImportResult imported, List<(string Name, Tensor Value)> inputs, List<Tensor> expected)
    {
        Graph graph = imported.Graph;
        using IGraphRunner reference = new ReferenceRunnerFactory().Create(graph);
        using IGraphRunner fast = new FastRunnerFactory(KernelRegistry.Active, WorkerPool.Single).Create(graph);
        Tensor[] given = [.. graph.Inputs.Select(id => inputs.First(i => i.Name == graph[id].Name).Value)];
        IReadOnlyList<Tensor> found = reference.Run(given);
        IReadOnlyList<Tensor> quick = fast.Run(given);
        for (int i = 0; i < expected.Count; i++)
        {
            if (TensorComparison.Difference(expected[i], found[i]) is { } difference)
            {
                return new("fail", $"output {i}: {difference}");
            }

            if (!found[i].Bytes.Span.SequenceEqual(quick[i].Bytes.Span))
            {
                return new("fail", $"output {i}: the fast operators differ from the reference");
            }
        }

        return new("pass", string.Empty);
    }

    private List<Tensor> Tensors(string kind, Google.Protobuf.Collections.RepeatedField<ValueMessage> declared)
    {
        var result = new List<Tensor>();
        var reader = new TensorReader(new ExternalData(null, null), new AllocationBudget(1 << 28));
        for (int i = 0; ; i++)
        {
            string path = Path.Combine(folder, "test_data_set_0", string.Create(CultureInfo.InvariantCulture, $"{kind}_{i}.pb"));
            if (!File.Exists(path))
            {
                return result;
            }

            // The data hold bfloat16 as the 16-bit integers of its bits; the model says which type is meant.
            var message = TensorMessage.Parser.ParseFrom(File.ReadAllBytes(path));
            bool brain = i < declared.Count && declared[i].Type.Tensor.Element == (int)DataType.BFloat16;
            message.DataType = brain ? (int)DataType.BFloat16 : message.DataType;
            result.Add(reader.Read(message, kind).Tensor);
        }
    }

    private static string Short(Exception e) => e.Message.ReplaceLineEndings(" ") is { Length: > 200 } text ? text[..200] + ".." : e.Message.ReplaceLineEndings(" ");
}
