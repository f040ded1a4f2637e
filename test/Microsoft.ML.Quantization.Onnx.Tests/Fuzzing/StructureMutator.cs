using System;
using System.Collections.Generic;
using System.Linq;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Microsoft.ML.Quantization.Onnx.Proto;

namespace Microsoft.ML.Quantization.Onnx.Tests.Fuzzing;

/// <summary>Damages the meaning of a model that stays well-formed: numbers, names, types, wiring.</summary>
internal static class StructureMutator
{
    private static readonly long[] _numbers = [0, 1, -1, 2, 3, 7, 8, 9, 64, 4096, 65536, 1 << 24, int.MaxValue, int.MinValue, 1L << 31, 1L << 40, long.MaxValue, long.MinValue];
    private static readonly float[] _reals = [0, -1, 1e-30f, 1e30f, float.NaN, float.PositiveInfinity, 0.5f];

    private static readonly string[] _attributes =
        ["axis", "axes", "pads", "strides", "kernel_shape", "dilations", "group", "perm", "to", "mode", "alpha", "beta", "epsilon", "auto_pad", "ceil_mode", "keepdims", "starts", "ends", "split", "block_size", "blocksize", "size", "value", "shape", "num_groups", "output_shape"];

    /// <summary>One to four changes.</summary>
    public static ModelMessage Mutate(ModelMessage source, Random random)
    {
        ModelMessage model = source.Clone();
        int changes = random.Next(1, 5);
        for (int i = 0; i < changes; i++)
        {
            Change(model, random);
        }

        return model;
    }

    private static void Change(ModelMessage model, Random random)
    {
        GraphMessage graph = model.Graph;
        switch (random.Next(10))
        {
            case 0:
                model.OperatorSets[0].Version = random.Next(1, 30);
                break;
            case 1:
                Integers(Pick(graph.Initializers, random)?.Dimensions, random);
                break;
            case 2:
                Initializer(Pick(graph.Initializers, random), random);
                break;
            case 3:
                Pick(graph.Nodes, random)!.Operator = Pick([.. OnnxOperators.All.Select(o => o.Name)], random)!;
                break;
            case 4:
                Wire(graph, random);
                break;
            case 5:
                Dimension(graph, random);
                break;
            case 6:
                AddAttribute(Pick(graph.Nodes, random)!, random);
                break;
            case 7:
                graph.Nodes.RemoveAt(random.Next(graph.Nodes.Count));
                graph.Nodes.Add(new NodeMessage { Operator = "Relu" });
                break;
            default:
                Attribute(Pick([.. graph.Nodes.SelectMany(n => n.Attributes)], random), random);
                break;
        }
    }

    private static void Initializer(TensorMessage? tensor, Random random)
    {
        if (tensor is null)
        {
            return;
        }

        if (random.Next(3) == 0)
        {
            tensor.DataType = random.Next(0, 27);
            return;
        }

        byte[] raw = tensor.Raw.ToByteArray();
        if (raw.Length >= 8 && raw.Length % 8 == 0 && tensor.DataType == 7)
        {
            BitConverter.GetBytes(_numbers[random.Next(_numbers.Length)]).CopyTo(raw, random.Next(raw.Length / 8) * 8);
        }
        else if (raw.Length >= 4 && raw.Length % 4 == 0)
        {
            BitConverter.GetBytes(_reals[random.Next(_reals.Length)]).CopyTo(raw, random.Next(raw.Length / 4) * 4);
        }

        tensor.Raw = ByteString.CopyFrom(raw);
    }

    private static void Wire(GraphMessage graph, Random random)
    {
        NodeMessage node = Pick(graph.Nodes, random)!;
        string[] names = [.. graph.Initializers.Select(i => i.Name), .. graph.Inputs.Select(i => i.Name), .. graph.Nodes.SelectMany(n => n.Outputs), string.Empty, "nowhere"];
        RepeatedField<string> list = random.Next(4) == 0 ? node.Outputs : node.Inputs;
        if (list.Count == 0 || random.Next(4) == 0)
        {
            list.Add(Pick(names, random)!);
            return;
        }

        list[random.Next(list.Count)] = Pick(names, random)!;
    }

    private static void Dimension(GraphMessage graph, Random random)
    {
        DimensionMessage? dimension = Pick([.. graph.Inputs.SelectMany(i => i.Type.Tensor.Shape.Dimensions)], random);
        if (dimension is not null)
        {
            dimension.Size = _numbers[random.Next(_numbers.Length)];
        }
    }

    private static void AddAttribute(NodeMessage node, Random random)
    {
        var attribute = new AttributeMessage { Name = Pick(_attributes, random) };
        Attribute(attribute, random);
        node.Attributes.Add(attribute);
    }

    private static void Attribute(AttributeMessage? attribute, Random random)
    {
        switch (random.Next(5))
        {
            case 0 when attribute is not null:
                attribute.Integer = _numbers[random.Next(_numbers.Length)];
                break;
            case 1 when attribute is not null:
                attribute.Real = _reals[random.Next(_reals.Length)];
                break;
            case 2 when attribute is not null:
                attribute.Text = ByteString.CopyFromUtf8(random.Next(2) == 0 ? "SAME_UPPER" : "reflect");
                break;
            default:
                Integers(attribute?.Integers, random);
                break;
        }
    }

    private static void Integers(RepeatedField<long>? list, Random random)
    {
        if (list is null)
        {
            return;
        }

        if (list.Count == 0 || random.Next(3) == 0)
        {
            list.Add(_numbers[random.Next(_numbers.Length)]);
        }
        else if (random.Next(4) == 0)
        {
            list.RemoveAt(random.Next(list.Count));
        }
        else
        {
            list[random.Next(list.Count)] = _numbers[random.Next(_numbers.Length)];
        }
    }

    private static T? Pick<T>(IList<T> list, Random random)
        where T : class
        => list.Count == 0 ? null : list[random.Next(list.Count)];
}
