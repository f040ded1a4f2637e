using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>
/// An equal integer graph in which every activation code of up to 8 bits is unsigned: code, zero point and limits move up by 2^(bits−1), table entries and padding
/// values with them. Weights stay as they are. Inputs and outputs of the graph keep their types behind exact conversions.
/// </summary>
public static class ToUnsignedCodes
{
    /// <summary>Runs the pass.</summary>
    public static Graph Run(Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        if (!Enumerable.Range(0, graph.Values.Length).Any(i => graph.Values[i].Constant is null && IsSigned(graph.Values[i].Type.Quantization)))
        {
            return graph;
        }

        Graph result = new Conversion(graph).Run();
        GraphVerifier.Verify(result);
        return result;
    }

    private static bool IsSigned(AffineQuantization? quantizer) => quantizer is { Code: { Signed: true, Bits.Bits: <= 8 } };

    private static int Shift(AffineQuantization quantizer) => IsSigned(quantizer) ? -quantizer.Code.Range.Min : 0;

    private static AffineQuantization Unsigned(AffineQuantization quantizer)
    {
        int shift = Shift(quantizer);
        return shift == 0 ? quantizer : quantizer with
        {
            Code = quantizer.Code with { Signed = false },
            Range = new IntegerRange(quantizer.Range.Min + shift, quantizer.Range.Max + shift),
            ZeroPoints = [.. quantizer.ZeroPoints.Select(z => z + shift)],
        };
    }

    private sealed class Conversion(Graph graph)
    {
        private readonly GraphRewriter _rewriter = new(graph);
        private readonly HashSet<ValueId> _outputs = [.. graph.Outputs];
        private readonly Dictionary<ValueId, ValueId> _constants = [];

        public Graph Run()
        {
            foreach (ValueId input in graph.Inputs.Where(i => IsSigned(graph[i].Type.Quantization)))
            {
                AffineQuantization to = Unsigned(graph[input].Type.Quantization!);
                _rewriter.Replace(input, Convert(_rewriter.Map(input), to, graph[input].Name + ".unsigned"));
            }

            foreach (Node node in graph.Nodes)
            {
                Node moved = Moved(node) with { Inputs = [.. node.Inputs.Select((value, i) => Read(node, value, i))] };
                ImmutableArray<ValueId> outputs = _rewriter.Builder.AddAll(moved, [.. node.Outputs.Select(OutputName)]);
                for (int i = 0; i < outputs.Length; i++)
                {
                    _rewriter.Replace(node.Outputs[i], outputs[i]);
                }
            }

            foreach (ValueId output in graph.Outputs.Distinct().Where(o => IsSigned(graph[o].Type.Quantization) && graph[o].Constant is null))
            {
                _rewriter.Replace(output, Convert(_rewriter.Map(output), graph[output].Type.Quantization!, graph[output].Name));
            }

            return _rewriter.Build();
        }

        private string OutputName(ValueId output)
            => _outputs.Contains(output) && IsSigned(graph[output].Type.Quantization) ? graph[output].Name + ".unsigned" : graph[output].Name;

        /// <summary>code − z and back with multiplier 1: exact.</summary>
        private ValueId Convert(ValueId value, AffineQuantization result, string name) => _rewriter.Builder.Add(
            new Requantize { Name = name, Inputs = [value], Multipliers = [1], Offsets = [0], Axis = 0, Minimum = result.Range.Min, Maximum = result.Range.Max, Result = result },
            name);

        private ValueId Read(Node node, ValueId value, int input)
        {
            bool weights = node is IntegerConvolution or IntegerDense or GroupedDense && input > 0;
            if (weights || node is Dequantize || graph[value].Constant is not { } constant || !IsSigned(graph[value].Type.Quantization))
            {
                return _rewriter.Map(value);
            }

            if (!_constants.TryGetValue(value, out ValueId moved))
            {
                AffineQuantization quantizer = graph[value].Type.Quantization!;
                moved = _rewriter.Builder.AddConstant(graph[value].Name, Raised(constant, Shift(quantizer)), Unsigned(quantizer));
                _constants[value] = moved;
            }

            return moved;
        }

        private static Tensor Raised(Tensor codes, int shift)
        {
            byte[] raised = [.. codes.Values<sbyte>().ToArray().Select(c => (byte)(c + shift))];
            return Tensor.Create(codes.Shape, raised);
        }

        private Node Moved(Node node) => node switch
        {
            Quantize quantize => quantize with { Result = Unsigned(quantize.Result) },
            Requantize r => r with { Result = Unsigned(r.Result), Minimum = r.Minimum + Shift(r.Result), Maximum = r.Maximum + Shift(r.Result) },
            IntegerAdd a => a with { Result = Unsigned(a.Result), Minimum = a.Minimum + Shift(a.Result), Maximum = a.Maximum + Shift(a.Result) },
            IntegerMultiply m => m with { Result = Unsigned(m.Result), Minimum = m.Minimum + Shift(m.Result), Maximum = m.Maximum + Shift(m.Result) },
            IntegerAveragePool pool => pool with { Result = Unsigned(pool.Result) },
            LookupTable table => table with { Result = Unsigned(table.Result), Table = Raised(table) },
            Pad pad when graph[pad.Inputs[0]].Type.Quantization is { } q => pad with { Value = pad.Value + Shift(q) },
            _ => node,
        };

        /// <summary>The index of a table counts from the lowest code, so only the entries move.</summary>
        private static ImmutableArray<byte> Raised(LookupTable table)
        {
            int shift = Shift(table.Result);
            return shift == 0 ? table.Table : [.. table.Table.Select(entry => (byte)((sbyte)entry + shift))];
        }
    }
}
