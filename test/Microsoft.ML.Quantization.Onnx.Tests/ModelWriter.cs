using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using Google.Protobuf;
using Microsoft.ML.Quantization.Onnx.Proto;
using Microsoft.ML.Quantization.Onnx.Reading;

namespace Microsoft.ML.Quantization.Onnx.Tests;

/// <summary>Makes small ONNX models through the message objects.</summary>
internal sealed class ModelWriter
{
    public ModelWriter(int operatorSet = 17)
    {
        Model = new ModelMessage { IrVersion = 8, ProducerName = "test", Graph = new GraphMessage { Name = "g" } };
        Model.OperatorSets.Add(new OperatorSetMessage { Version = operatorSet });
    }

    public ModelMessage Model { get; }

    public GraphMessage Graph => Model.Graph;

    /// <summary>An input; a text is a named free dimension.</summary>
    public ModelWriter Input(string name, params object[] dimensions) => Input(name, DataType.Float, dimensions);

    public ModelWriter Input(string name, DataType type, params object[] dimensions)
    {
        Graph.Inputs.Add(Value(name, type, dimensions));
        return this;
    }

    public ModelWriter Output(string name)
    {
        Graph.Outputs.Add(new ValueMessage { Name = name });
        return this;
    }

    public ModelWriter Floats(string name, long[] dimensions, params float[] values) => Raw(name, DataType.Float, dimensions, MemoryMarshal.AsBytes(values.AsSpan()).ToArray());

    public ModelWriter Filled(string name, float value, params long[] dimensions)
        => Floats(name, dimensions, [.. Enumerable.Repeat(value, (int)dimensions.Aggregate(1L, (a, b) => a * b))]);

    public ModelWriter Longs(string name, params long[] values) => Raw(name, DataType.Int64, [values.Length], MemoryMarshal.AsBytes(values.AsSpan()).ToArray());

    public ModelWriter Raw(string name, DataType type, long[] dimensions, byte[] bytes)
    {
        var tensor = new TensorMessage { Name = name, DataType = (int)type, Raw = ByteString.CopyFrom(bytes) };
        tensor.Dimensions.AddRange(dimensions);
        Graph.Initializers.Add(tensor);
        return this;
    }

    /// <summary>A node; inputs and outputs are separated by blanks, "-" is an empty name.</summary>
    public ModelWriter Node(string type, string inputs, string outputs, params (string Name, object Value)[] attributes)
    {
        var node = new NodeMessage { Operator = type, Name = type + "_" + outputs.Replace(' ', '_') };
        node.Inputs.AddRange(Names(inputs));
        node.Outputs.AddRange(Names(outputs));
        node.Attributes.AddRange(attributes.Select(a => Attribute(a.Name, a.Value)));
        Graph.Nodes.Add(node);
        return this;
    }

    public byte[] ToBytes() => Model.ToByteArray();

    public OnnxImportResult Import(OnnxImportOptions? options = null) => OnnxModel.Load(ToBytes(), options);

    private static IEnumerable<string> Names(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(n => n == "-" ? string.Empty : n);

    private static ValueMessage Value(string name, DataType type, object[] dimensions)
    {
        var shape = new ShapeMessage();
        foreach (object dimension in dimensions)
        {
            shape.Dimensions.Add(dimension is string text ? new DimensionMessage { Parameter = text } : new DimensionMessage { Size = Convert.ToInt64(dimension, System.Globalization.CultureInfo.InvariantCulture) });
        }

        return new ValueMessage { Name = name, Type = new TypeMessage { Tensor = new TensorTypeMessage { Element = (int)type, Shape = shape } } };
    }

    private static AttributeMessage Attribute(string name, object value)
    {
        var attribute = new AttributeMessage { Name = name };
        switch (value)
        {
            case float real:
                (attribute.Real, attribute.Type) = (real, 1);
                break;
            case int integer:
                (attribute.Integer, attribute.Type) = (integer, 2);
                break;
            case string text:
                (attribute.Text, attribute.Type) = (ByteString.CopyFromUtf8(text), 3);
                break;
            case TensorMessage tensor:
                (attribute.Tensor, attribute.Type) = (tensor, 4);
                break;
            case GraphMessage graph:
                (attribute.Graph, attribute.Type) = (graph, 5);
                break;
            case float[] reals:
                attribute.Reals.AddRange(reals);
                attribute.Type = 6;
                break;
            case long[] integers:
                attribute.Integers.AddRange(integers);
                attribute.Type = 7;
                break;
            default:
                throw new ArgumentException($"No attribute holds a {value.GetType()}.", nameof(value));
        }

        return attribute;
    }
}
