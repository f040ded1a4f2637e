using System;
using System.Collections.Generic;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Onnx.Proto;

namespace Microsoft.ML.Quantization.Onnx.Import;

/// <summary>Gives values the names that the file has for them.</summary>
internal static class OutputWriter
{
    /// <summary>A value that an operator just made takes the file's name; one that had a name of the file before keeps it.</summary>
    public static ImportValue Named(ImportContext context, ImportValue value, string name)
    {
        if (value.Id is not { } id || context.Values.ContainsKey(value.Name) || value.Constant is not null)
        {
            return value;
        }

        context.Builder.Rename(id, name);
        ImportValue renamed = ImportValue.Of(id, context.Builder[id]);
        renamed.DequantizedFrom = value.DequantizedFrom;
        foreach (string kept in new[] { "source", "T" })
        {
            if (context.Derived.TryGetValue((value, kept), out ImportValue? derived))
            {
                context.Derived[(renamed, kept)] = derived;
            }
        }

        return renamed;
    }

    /// <summary>Adds the graph's outputs; one that is an input, a constant or another output gets a copy of its own.</summary>
    public static void Write(ImportContext context, IEnumerable<ValueMessage> outputs, Func<string, ImportValue> valueOf)
    {
        var done = new HashSet<string>(StringComparer.Ordinal);
        foreach (ValueMessage output in outputs)
        {
            if (!done.Add(output.Name))
            {
                throw new QuantizationException(QuantizationErrorCode.InvalidGraph, $"Graph: expected outputs with names of their own, found '{output.Name}' twice.");
            }

            ImportValue value = valueOf(output.Name);
            ValueId id = context.InGraph(value, $"Output '{output.Name}'");
            context.Builder.AddOutput(context.Builder[id].Name == output.Name ? id : Copy(context, id, output.Name));
        }

        if (done.Count == 0)
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidGraph, "Graph: expected at least one output, found none.");
        }
    }

    private static ValueId Copy(ImportContext context, ValueId id, string name)
        => context.Builder.Add(new Reshape { Name = name, Inputs = [id], Target = WindowReader.Repeat(0, context.Builder[id].Type.Shape.Rank) }, name);
}
