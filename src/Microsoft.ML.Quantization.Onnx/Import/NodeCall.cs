using System.Collections.Generic;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Onnx.Proto;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Onnx.Import;

/// <summary>One node of the file while it is imported: its inputs, its attributes, and ways to add to the graph.</summary>
internal sealed class NodeCall
{
    private readonly NodeMessage _message;
    private readonly ImmutableArray<ImportValue?> _inputs;

    public NodeCall(ImportContext context, NodeMessage message, int operatorSet, ImmutableArray<ImportValue?> inputs)
    {
        Context = context;
        OperatorSet = operatorSet;
        _message = message;
        _inputs = inputs;
        OutputName = message.Outputs.Count > 0 && message.Outputs[0].Length > 0 ? message.Outputs[0] : message.Operator;
        Name = message.Name.Length > 0 ? message.Name : OutputName;
        Attributes = new AttributeReader(message, Place);
    }

    public ImportContext Context { get; }

    public AttributeReader Attributes { get; }

    /// <summary>Version of the operator set of the node's domain.</summary>
    public int OperatorSet { get; }

    /// <summary>The layer's name.</summary>
    public string Name { get; }

    /// <summary>The first output's name.</summary>
    public string OutputName { get; }

    /// <summary>Names the nodes added from here on as a part of the layer ("layer/part"); null for the layer itself.</summary>
    public string? Part { get; set; }

    /// <summary>Operator and name, for messages.</summary>
    public string Place => $"{_message.Operator} '{Name}'";

    /// <summary>Number of inputs, empty ones at the end included.</summary>
    public int InputCount => _inputs.Length;

    /// <summary>Number of outputs that the file names.</summary>
    public int OutputCount => _message.Outputs.Count;

    /// <summary>Outputs behind the first.</summary>
    public Dictionary<int, ImportValue> MoreOutputs { get; } = [];

    /// <summary>Whether the node has that input.</summary>
    public bool Has(int index) => index < _inputs.Length && _inputs[index] is not null;

    /// <summary>Whether the file reads that output.</summary>
    public bool Wants(int output) => output < _message.Outputs.Count && Context.ReadNames.Contains(_message.Outputs[output]);

    /// <summary>An input that must be there.</summary>
    public ImportValue Input(int index) => Has(index)
        ? _inputs[index]!
        : throw new QuantizationException(QuantizationErrorCode.InvalidGraph, $"{Place}: expected an input {index}, found {_inputs.Length} inputs.");

    /// <summary>An input or null.</summary>
    public ImportValue? Optional(int index) => Has(index) ? _inputs[index] : null;

    /// <summary>The shape of an input.</summary>
    public Shape Shape(int index) => Input(index).Shape;

    /// <summary>The values of an input that must be a constant.</summary>
    public Tensor Constant(int index, string what) => Input(index).Constant ?? throw Unsupported($"expected a constant as {what} (input {index}), found a value computed at run time. Give it with Constants if it is a graph input");

    /// <summary>Adds a node with one output.</summary>
    public ImportValue Emit(Node node, params ImmutableArray<ImportValue> inputs) => EmitAll(node, inputs)[0];

    /// <summary>Adds a node with several outputs.</summary>
    public ImmutableArray<ImportValue> EmitAll(Node node, params ImmutableArray<ImportValue> inputs) => Context.Emit(node, Part is null ? Name : Name + "/" + Part, OutputName, inputs);

    /// <summary>A constant float scalar.</summary>
    public ImportValue Scalar(float value) => Context.Constant(OutputName + "/Constant", Tensor.Create(Tensors.Shape.Scalar, [value]));

    /// <summary>A constant of this node's making.</summary>
    public ImportValue NewConstant(Tensor values) => Context.Constant(OutputName + "/Constant", values);

    /// <summary>Fails when an optional output is read.</summary>
    public void RequireOutputs(int count)
    {
        for (int i = count; i < OutputCount; i++)
        {
            if (Wants(i))
            {
                throw Unsupported($"output {i} ('{_message.Outputs[i]}') is not supported");
            }
        }
    }

    /// <summary>Fails unless the condition holds.</summary>
    public void RequireSupported(bool condition, string reason)
    {
        if (!condition)
        {
            throw Unsupported(reason);
        }
    }

    /// <summary>Fails with <see cref="QuantizationErrorCode.InvalidAttribute"/> unless the condition holds.</summary>
    public void RequireValid(bool condition, string expected)
    {
        if (!condition)
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidAttribute, $"{Place}: expected {expected}.");
        }
    }

    /// <summary>The error of a feature that is missing here.</summary>
    public QuantizationException Unsupported(string reason) => new(QuantizationErrorCode.UnsupportedOperator, $"{Place}: {reason}.");

    /// <summary>An axis counted from the front.</summary>
    public int Axis(long axis, int rank) => axis >= -rank && axis < rank
        ? (int)(axis < 0 ? axis + rank : axis)
        : throw new QuantizationException(QuantizationErrorCode.InvalidAttribute, $"{Place}: expected an axis from {-rank} to {rank - 1}, found {axis}.");

    /// <summary>Distinct axes counted from the front.</summary>
    public ImmutableArray<int> Axes(ImmutableArray<long> axes, int rank)
    {
        var seen = new HashSet<int>();
        var result = ImmutableArray.CreateBuilder<int>(axes.Length);
        foreach (long axis in axes)
        {
            int normal = Axis(axis, rank);
            RequireValid(seen.Add(normal), $"each axis once, found {normal} twice");
            result.Add(normal);
        }

        return result.ToImmutable();
    }
}
