using System;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using Form = Microsoft.ML.Quantization.Graphs.Passes.LoweredValue;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>Quantizers with levels of any spacing: thresholds give the index of a level, a table or several the codes of the levels.</summary>
internal sealed class StaircaseLowering(Graph graph, GraphBuilder builder)
{
    private readonly CurveEmitter _curves = new(builder);

    /// <summary>The form of a staircase over a form (or over what <paramref name="floats"/> gives), or null when its levels have no codes.</summary>
    public Form? Lower(Staircase node, Form? source, Func<ValueId, ValueId> floats, string name)
    {
        float[] thresholds = graph.ConstantOf(node.Inputs[1]).Values<float>().ToArray();
        float[] values = graph.ConstantOf(node.Inputs[2]).Values<float>().ToArray();
        var levels = new StaircaseLevels(values);
        if (!levels.HasCodes)
        {
            (thresholds, values) = StaircaseLevels.Merge(thresholds, values);
            levels = new StaircaseLevels(values);
        }

        if (!levels.HasCodes)
        {
            return null;
        }

        int Code(float x) => ThresholdCount(thresholds, x);
        if (graph[node.Inputs[0]].Constant is { } constant)
        {
            int[] indices = [.. constant.Values<float>().ToArray().Select(Code)];
            return OfConstant(indices, constant.Shape, levels, name);
        }

        string indexName = levels.Grid is null ? name + ".index" : name;
        var index = new Form.Codes(Index(node, source, Code, levels.Grid ?? levels.Index, floats, indexName, thresholds), levels.Grid ?? levels.Index);
        if (levels.Grid is not null)
        {
            return index;
        }

        return levels.Multiples is var (quantizer, codes)
            ? Table(index, quantizer, codes, name)
            : new Form.Indexed(index, levels);
    }

    private static int ThresholdCount(float[] thresholds, float x) => thresholds.Count(t => x >= t);

    private Form OfConstant(int[] indices, Shape shape, StaircaseLevels levels, string name)
    {
        Form.Codes Constant(AffineQuantization quantizer, int[] codes, string constantName)
        {
            Tensor tensor = Tensor.Allocate(quantizer.Element, shape);
            for (int i = 0; i < indices.Length; i++)
            {
                CodeAccess.Write(tensor, i, codes[indices[i]]);
            }

            return new Form.Codes(builder.AddConstant(constantName, tensor, quantizer), quantizer);
        }

        if (levels.Grid is { } grid)
        {
            return Constant(grid, [.. Enumerable.Range(0, grid.Range.Max + 1)], name);
        }

        return levels.Multiples is var (quantizer, codes)
            ? Constant(quantizer, codes, name)
            : new Form.Planes([.. levels.Bits!.Value.Select((bit, k) => Constant(bit.Quantizer, bit.Codes, $"{name}.bit{k}"))]);
    }

    private ValueId Index(Staircase node, Form? source, Func<float, int> code, AffineQuantization result, Func<ValueId, ValueId> floats, string name, float[] thresholds)
    {
        if (source is Form.Table table)
        {
            ImmutableArray<byte> entries = [.. table.Values.Select(v => (byte)code(v))];
            return builder.Add(new LookupTable { Name = node.Name + ".index", Inputs = [table.Source.Id], Table = entries, Result = result }, name);
        }

        return CurveEmitter.Of(source) is { } curve
            ? _curves.Emit(curve, code, result, name, node.Name)
            : builder.Add(new Thresholds { Name = node.Name + ".thresholds", Inputs = [floats(node.Inputs[0])], Reals = [.. thresholds], Result = result }, name);
    }

    private Form.Codes Table(Form.Codes index, AffineQuantization quantizer, int[] codes, string name) => Table(builder, index, quantizer, codes, name);

    /// <summary>The codes of an index's levels by a table.</summary>
    public static Form.Codes Table(GraphBuilder builder, Form.Codes index, AffineQuantization quantizer, int[] codes, string name)
    {
        ImmutableArray<byte> entries = [.. Enumerable.Range(0, (int)index.Quantizer.Code.Range.Count).Select(i => unchecked((byte)codes[Math.Min(i, codes.Length - 1)]))];
        ValueId id = builder.Add(new LookupTable { Name = name + ".levels", Inputs = [index.Id], Table = entries, Result = quantizer }, name);
        return new Form.Codes(id, quantizer);
    }
}
