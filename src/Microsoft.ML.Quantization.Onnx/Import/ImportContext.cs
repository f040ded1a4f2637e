using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Onnx.Reading;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Onnx.Import;

/// <summary>The state of one import: the graph built so far and what each name of the file stands for.</summary>
internal sealed class ImportContext(OnnxImportOptions options, TensorReader reader, AllocationBudget budget, HashSet<string> fileNames)
{
    private readonly HashSet<string> _taken = fileNames;

    /// <summary>The graph.</summary>
    public GraphBuilder Builder { get; } = new();

    /// <summary>Reads tensors of attributes.</summary>
    public TensorReader Reader { get; } = reader;

    /// <summary>Limits what is allocated.</summary>
    public AllocationBudget Budget { get; } = budget;

    /// <summary>The caller's options.</summary>
    public OnnxImportOptions Options { get; } = options;

    /// <summary>The graph's inputs.</summary>
    public List<ImportValue> Inputs { get; } = [];

    /// <summary>Names that a node or an output of the graph reads.</summary>
    public HashSet<string> ReadNames { get; set; } = [];

    /// <summary>What each name stands for.</summary>
    public Dictionary<string, ImportValue> Values { get; } = new(System.StringComparer.Ordinal);

    /// <summary>Sentences for the caller.</summary>
    public List<string> Warnings { get; } = [];

    /// <summary>Weights made from constants (a transposed matrix), so that shared weights stay shared.</summary>
    public Dictionary<(ImportValue Source, string Change), ImportValue> Derived { get; } = [];

    /// <summary>A name that neither the file nor the graph has.</summary>
    public string Fresh(string wanted)
    {
        string name = wanted;
        for (int i = 1; !_taken.Add(name); i++)
        {
            name = string.Create(CultureInfo.InvariantCulture, $"{wanted}.{i}");
        }

        return name;
    }

    /// <summary>The value in the graph; a constant enters it now.</summary>
    public ValueId InGraph(ImportValue value, string place)
    {
        if (value.IsSymbolic)
        {
            throw new QuantizationException(QuantizationErrorCode.UnsupportedOperator, $"{place}: expected the batch size only in shapes, found it used as data. Bind the batch with Dimensions.");
        }

        if (value.QuantizedFrom is not null)
        {
            throw new QuantizationException(QuantizationErrorCode.UnsupportedOperator, $"{place}: expected codes per axis to be read by a DequantizeLinear of the same parameters alone, found another reader.");
        }

        value.Id ??= Builder.AddConstant(value.Name, value.Constant!, value.Type.Quantization);
        return value.Id.Value;
    }

    /// <summary>Adds a node, or computes it when it reads constants alone.</summary>
    public ImmutableArray<ImportValue> Emit(Node node, string nodeName, string outputName, params ImmutableArray<ImportValue> inputs)
    {
        if (ConstantFolder.TryFold(this, node, outputName, inputs) is { } folded)
        {
            return [ImportValue.Of(Fresh(outputName + "/" + node.Kind), folded)];
        }

        Node ready = node with { Name = nodeName, Inputs = [.. inputs.Select(i => InGraph(i, nodeName))] };
        var names = new string[System.Math.Max(1, node is Graphs.Nodes.Split split ? split.Sizes.Length : 1)];
        for (int i = 0; i < names.Length; i++)
        {
            names[i] = Fresh(outputName + "/" + node.Kind);
        }

        return [.. Builder.AddAll(ready, names).Select(id => ImportValue.Of(id, Builder[id]))];
    }

    /// <summary>A constant of this library's making.</summary>
    public ImportValue Constant(string name, Tensor values) => ImportValue.Of(Fresh(name), values);
}
