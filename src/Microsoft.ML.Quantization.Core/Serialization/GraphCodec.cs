using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using ValueType = Microsoft.ML.Quantization.Graphs.ValueType;

namespace Microsoft.ML.Quantization.Serialization;

/// <summary>The graph section: values, inputs, outputs, nodes.</summary>
internal static class GraphCodec
{
    private const int FreeDimension = Shape.Free;

    public static byte[] Write(Graph graph, IReadOnlyDictionary<ValueId, long> offsets)
    {
        var writer = new FieldWriter();
        writer.Int(graph.Values.Length);
        for (int i = 0; i < graph.Values.Length; i++)
        {
            WriteValue(writer, graph.Values[i], offsets.TryGetValue(new ValueId(i), out long offset) ? offset : -1);
        }

        writer.Ints([.. graph.Inputs.Select(i => i.Index)]);
        writer.Ints([.. graph.Outputs.Select(o => o.Index)]);
        writer.Int(graph.Nodes.Length);
        foreach (Node node in graph.Nodes)
        {
            writer.Text(node.Kind);
            writer.Text(node.Name);
            writer.Ints([.. node.Inputs.Select(i => i.Index)]);
            writer.Ints([.. node.Outputs.Select(o => o.Index)]);
            var attributes = new NodeAttributes();
            node.Describe(attributes);
            AttributeCodec.Write(writer, attributes);
        }

        return writer.ToArray();
    }

    /// <summary>Reads and verifies a graph.</summary>
    public static Graph Read(ReadOnlySpan<byte> section, WeightSection weights)
    {
        var reader = new FieldReader(section, "graph");
        var values = new Value[reader.Count("values", 12)];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = ReadValue(ref reader, weights);
        }

        CheckNames(ref reader, values);
        ImmutableArray<ValueId> inputs = Ids(ref reader, "inputs", values.Length);
        ImmutableArray<ValueId> outputs = Ids(ref reader, "outputs", values.Length);
        var nodes = new Node[reader.Count("nodes", 20)];
        for (int i = 0; i < nodes.Length; i++)
        {
            nodes[i] = ReadNode(ref reader, values.Length);
        }

        reader.End();
        CheckInputs(values, inputs, outputs);
        var graph = new Graph(ImmutableArray.Create(values), ImmutableArray.Create(nodes), inputs, outputs);
        GraphVerifier.Verify(graph);
        return graph;
    }

    /// <summary>The minor version of the format that a graph needs.</summary>
    public static ushort MinorOf(Graph graph)
    {
        if (graph.Values.Any(v => v.Type.Quantization is { Codebook: not null }))
        {
            return ModelFormat.Minor;
        }

        bool newer = graph.Values.Any(v => v.Type.Quantization is { IsMidRise: true }) || graph.Nodes.Any(n => n is FakeQuantize { Code.Space: not CodeSpace.Affine } or Staircase or Thresholds or CombineAccumulators or IntegerMatMul);
        return newer ? (ushort)1 : (ushort)0;
    }

    private static void WriteValue(FieldWriter writer, Value value, long offset)
    {
        writer.Text(value.Name);
        writer.Byte((int)value.Type.Element);
        writer.Ints(value.Type.Shape.Dimensions);
        writer.Byte((value.Type.IsCodes ? 1 : 0) | (value.IsTrainable ? 2 : 0));
        if (value.Type.Quantization is { } quantization)
        {
            AttributeCodec.Write(writer, new NodeAttributes().Set("codes", quantization));
        }

        writer.Long(offset);
    }

    private static Value ReadValue(ref FieldReader reader, WeightSection weights)
    {
        string name = reader.Text("value name");
        var element = (ElementType)reader.Byte("element type");
        if (!Enum.IsDefined(element))
        {
            throw reader.Error("element type", "1 to 7", $"{(int)element}");
        }

        Shape shape = ReadShape(ref reader);
        int flags = reader.Byte("value flags");
        AffineQuantization? quantization = (flags & 1) != 0 ? AttributeCodec.Read(ref reader).Affine("codes") : null;
        if (quantization is not null && quantization.Element != element)
        {
            throw reader.Error("element type", $"{quantization.Element}", $"{element}");
        }

        var type = new ValueType(element, shape, quantization);
        long offset = reader.Long("constant offset");
        if (offset >= 0 && shape.IsFree)
        {
            throw reader.Error("constant shape", "no free dimension", $"{shape}");
        }

        return new Value(name, type, offset < 0 ? null : ConstantStore.Read(name, type, weights, offset), (flags & 2) != 0);
    }

    private static Shape ReadShape(ref FieldReader reader)
    {
        int rank = reader.Within("rank", 0, Shape.MaximumRank);
        var dimensions = new int[rank];
        for (int i = 0; i < rank; i++)
        {
            dimensions[i] = reader.Within("dimension", FreeDimension, int.MaxValue);
        }

        return new Shape(ImmutableArray.Create(dimensions));
    }

    private static Node ReadNode(ref FieldReader reader, int valueCount)
    {
        string kind = reader.Text("node kind");
        string name = reader.Text("node name");
        ImmutableArray<ValueId> inputs = Ids(ref reader, "node inputs", valueCount);
        ImmutableArray<ValueId> outputs = Ids(ref reader, "node outputs", valueCount);
        return NodeCatalog.Read(kind, AttributeCodec.Read(ref reader)) with { Name = name, Inputs = inputs, Outputs = outputs };
    }

    private static ImmutableArray<ValueId> Ids(ref FieldReader reader, string field, int valueCount)
    {
        var ids = new ValueId[reader.Count(field, 4)];
        for (int i = 0; i < ids.Length; i++)
        {
            ids[i] = new ValueId(reader.Within(field, 0, valueCount - 1));
        }

        return ImmutableArray.Create(ids);
    }

    private static void CheckNames(ref FieldReader reader, Value[] values)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (Value value in values)
        {
            if (value.Name.Length == 0 || !names.Add(value.Name))
            {
                throw reader.Error("value name", "names that are not empty and differ", $"'{value.Name}'");
            }
        }
    }

    private static void CheckInputs(Value[] values, ImmutableArray<ValueId> inputs, ImmutableArray<ValueId> outputs)
    {
        bool distinct = inputs.Distinct().Count() == inputs.Length && inputs.All(i => values[i.Index].Constant is null);
        if (!distinct || outputs.IsEmpty)
        {
            throw new QuantizationException(QuantizationErrorCode.CorruptModel, "Model file, graph section: expected inputs that differ and hold no constants, and at least one output.");
        }
    }
}
