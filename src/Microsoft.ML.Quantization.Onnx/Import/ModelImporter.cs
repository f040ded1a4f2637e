using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Onnx.Proto;
using Microsoft.ML.Quantization.Onnx.Reading;

namespace Microsoft.ML.Quantization.Onnx.Import;

/// <summary>One model message to one graph.</summary>
internal sealed class ModelImporter
{
    private readonly ModelMessage _model;
    private readonly OnnxImportOptions _options;
    private readonly TensorReader _reader;
    private readonly ImportContext _context;
    private readonly Dictionary<string, TensorMessage> _initializers = new(StringComparer.Ordinal);
    private readonly int _operatorSet;

    public ModelImporter(ModelMessage model, OnnxImportOptions options, ExternalData external)
    {
        _model = model;
        _options = options;
        var budget = new AllocationBudget(options.MaximumTensorBytes);
        _reader = new TensorReader(external, budget);
        _context = new ImportContext(options, _reader, budget, FileNames(model.Graph));
        _operatorSet = OperatorSetCheck.VersionOf(model);
    }

    public OnnxImportResult Import()
    {
        GraphMessage graph = _model.Graph;
        var order = new GraphOrder(graph);
        _context.ReadNames = order.Read;
        OperatorSetCheck.Check(order.Nodes, _operatorSet, _context.Warnings);
        WarnOfLeftOut(graph.Nodes.Count - order.Nodes.Count);
        foreach (TensorMessage initializer in graph.Initializers)
        {
            _initializers[initializer.Name] = initializer;
        }

        AddInputs(order);
        foreach (NodeMessage node in order.Nodes)
        {
            ImportNode(node);
        }

        OutputWriter.Write(_context, graph.Outputs, ValueOf);
        Graph built = RemoveDead.Run(_context.Builder.Build());
        ImmutableArray<string> widened = [.. _reader.Widened.Distinct()];
        if (widened.Length > 0)
        {
            _context.Warnings.Add($"{widened.Length} tensors of float16, bfloat16 or double became float32.");
        }

        return new OnnxImportResult(built, _operatorSet, _model.ProducerName, widened, [.. _context.Warnings]);
    }

    private static HashSet<string> FileNames(GraphMessage graph)
        => [.. graph.Nodes.SelectMany(n => n.Outputs).Concat(graph.Inputs.Select(i => i.Name)).Concat(graph.Initializers.Select(i => i.Name))];

    private void WarnOfLeftOut(int count)
    {
        if (count > 0)
        {
            _context.Warnings.Add(string.Create(CultureInfo.InvariantCulture, $"{count} nodes lead to no output; they were left out."));
        }
    }

    private void AddInputs(GraphOrder order)
    {
        ValueMessage[] given = [.. _model.Graph.Inputs.Where(i => !_initializers.ContainsKey(i.Name) && !_options.Constants.ContainsKey(i.Name))];
        string[] unread = [.. given.Where(i => !order.Read.Contains(i.Name)).Select(i => i.Name)];
        if (unread.Length > 0)
        {
            _context.Warnings.Add($"Inputs that nothing reads were left out: {string.Join(", ", unread)}.");
        }

        var reader = new InputReader(_options, _reader.Widened);
        foreach ((string name, Graphs.ValueType type) in reader.Read(given.Where(i => order.Read.Contains(i.Name))))
        {
            ValueId id = _context.Builder.AddInput(name, type);
            _context.Values[name] = ImportValue.Of(id, _context.Builder[id]);
            _context.Inputs.Add(_context.Values[name]);
        }

        Warn("Dimensions", "a free dimension", reader.UnknownDimensions);
        Warn("Constants", "a value that the file reads", _options.Constants.Keys.Where(n => !order.Read.Contains(n)).Order(StringComparer.Ordinal));
    }

    private void Warn(string option, string expected, IEnumerable<string> unknown)
    {
        foreach (string name in unknown)
        {
            _context.Warnings.Add($"{option}: expected the name of {expected}, found '{name}', which the file does not have; it was left out.");
        }
    }

    /// <summary>What a name stands for; initializers are read when something needs them.</summary>
    private ImportValue ValueOf(string name)
    {
        if (_context.Values.TryGetValue(name, out ImportValue? value))
        {
            return value;
        }

        if (_options.Constants.TryGetValue(name, out Tensors.Tensor? constant))
        {
            value = ImportValue.Of(name, constant);
        }
        else if (_initializers.TryGetValue(name, out TensorMessage? message))
        {
            (Tensors.Tensor tensor, DataFormat format) = _reader.Read(message, name);
            value = ImportValue.Of(name, tensor, format.Type);
        }
        else
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidGraph, $"Graph: expected a source for '{name}', found none.");
        }

        return _context.Values[name] = value;
    }

    private void ImportNode(NodeMessage node)
    {
        ImmutableArray<ImportValue?> inputs = [.. node.Inputs.Select(i => i.Length == 0 ? null : ValueOf(i))];
        var call = new NodeCall(_context, node, _operatorSet, inputs);
        try
        {
            call.MoreOutputs[0] = OperatorList.Find(node.Operator, node.Domain)!.Import(call);
        }
        catch (Exception e) when (e is ArithmeticException or ArgumentException or InvalidOperationException or IndexOutOfRangeException)
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidGraph, $"{call.Place}: expected shapes and attributes that fit each other, found numbers out of range ({e.Message}).", e);
        }

        for (int i = 0; i < node.Outputs.Count; i++)
        {
            if (node.Outputs[i].Length > 0 && call.MoreOutputs.TryGetValue(i, out ImportValue? value))
            {
                _context.Values[node.Outputs[i]] = OutputWriter.Named(_context, value, node.Outputs[i]);
            }
        }
    }
}
