using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>
/// Puts FakeQuantize nodes where a <see cref="QuantizationPlan"/> wants codes: behind values, before operands that need other codes than the value's own, and
/// on weights. Biases stay float; lowering rounds them to the accumulator's step. Outputs of the graph keep their unquantized values.
/// </summary>
public static class InsertFakeQuantize
{
    /// <summary>Runs the pass.</summary>
    /// <param name="graph">The clean float graph that the plan was made for.</param>
    /// <param name="plan">The plan.</param>
    /// <param name="activations">A quantizer for each of the plan's sites.</param>
    /// <param name="weights">The quantizer of a layer's weights.</param>
    /// <param name="planes">The planes that a layer's weights are a sum of, in the quantizer's place; empty where they are none. Null for no layer.</param>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.MissingCalibrationData"/> when a site has no quantizer.</exception>
    public static Graph Run(
        Graph graph,
        QuantizationPlan plan,
        IReadOnlyDictionary<ActivationSite, AffineQuantization> activations,
        Func<LayerPlan, Tensor, AffineQuantization> weights,
        Func<LayerPlan, ImmutableArray<WeightPlane>>? planes = null)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(activations);
        ArgumentNullException.ThrowIfNull(weights);
        var inserter = new Inserter(graph, plan, activations, weights, planes ?? (_ => []));
        Graph result = inserter.Run();
        GraphVerifier.Verify(result);
        return result;
    }

    private sealed class Inserter(
        Graph graph,
        QuantizationPlan plan,
        IReadOnlyDictionary<ActivationSite, AffineQuantization> activations,
        Func<LayerPlan, Tensor, AffineQuantization> weights,
        Func<LayerPlan, ImmutableArray<WeightPlane>> planes)
    {
        private readonly GraphRewriter _rewriter = new(graph);
        private readonly Dictionary<ValueId, (ValueId Id, ActivationSite Site)> _coded = [];
        private readonly Dictionary<(ValueId Value, ActivationSite Site), ValueId> _steps = [];
        private readonly Dictionary<(ValueId Weights, AffineQuantization Quantizer), ValueId> _weights = [];
        private readonly Dictionary<string, LayerPlan> _layers = plan.Layers.ToDictionary(l => l.Name, StringComparer.Ordinal);

        public Graph Run()
        {
            foreach (ValueId input in graph.Inputs)
            {
                Produce(input);
            }

            foreach (Node node in graph.Nodes)
            {
                ImmutableArray<ValueId> inputs = [.. node.Inputs.Select((value, i) => Read(node, value, i))];
                if (_layers.TryGetValue(node.Name, out LayerPlan? layer) && layer.WeightBits != LayerPlan.FloatBits)
                {
                    ImmutableArray<WeightPlane> terms = planes(layer);
                    inputs = inputs.SetItem(1, terms.IsEmpty ? Weights(node, layer) : PlaneSum.Add(_rewriter.Builder, terms, $"{layer.Name}.terms"));
                }

                _rewriter.Emit(node, node with { Inputs = inputs });
                foreach (ValueId output in node.Outputs)
                {
                    Follow(node, output);
                    Produce(output);
                }
            }

            return _rewriter.Build();
        }

        private AffineQuantization Quantizer(ActivationSite site)
        {
            if (activations.TryGetValue(site, out AffineQuantization? quantizer))
            {
                return quantizer;
            }

            if (graph.TryFind(site.ValueName, out ValueId id) && graph[id].Constant is { } constant)
            {
                return site.Quantizer(RangeOf(constant));
            }

            throw new QuantizationException(QuantizationErrorCode.MissingCalibrationData, $"Value '{site.ValueName}': expected a calibrated range for codes {site.Code}, found none; give calibration data.");
        }

        private static ClippingRange RangeOf(Tensor values)
        {
            ReadOnlySpan<float> span = values.Values<float>();
            (double low, double high) = (0, 0);
            foreach (float value in span)
            {
                low = Math.Min(low, value);
                high = Math.Max(high, value);
            }

            return new ClippingRange(low, high);
        }

        private void Produce(ValueId value)
        {
            if (!_coded.ContainsKey(value) && plan.Produced.TryGetValue(value, out ActivationSite? site) && graph[value].Constant is null)
            {
                _coded[value] = (Step(value, _rewriter.Map(value), site), site);
            }
        }

        /// <summary>What only moves codes hands their quantizer on.</summary>
        private void Follow(Node node, ValueId output)
        {
            bool concat = node is Nodes.Concat && plan.Operands.ContainsKey(new Operand(node.Name, 0));
            ActivationSite? site = concat
                ? plan.Operands[new Operand(node.Name, 0)]
                : !plan.Produced.ContainsKey(output) && OperatorClasses.IsShare(graph, node) && _coded.TryGetValue(node.Inputs[0], out var from) ? from.Site : null;
            if (site is not null)
            {
                _coded[output] = (_rewriter.Map(output), site);
            }
        }

        private ValueId Read(Node node, ValueId value, int input)
        {
            (ValueId id, ActivationSite? own) = _coded.TryGetValue(value, out (ValueId Id, ActivationSite Site) coded) ? coded : (_rewriter.Map(value), (ActivationSite?)null);
            return plan.Operands.TryGetValue(new Operand(node.Name, input), out ActivationSite? wanted) && wanted != own ? Step(value, id, wanted) : id;
        }

        private ValueId Step(ValueId value, ValueId id, ActivationSite site)
        {
            if (!_steps.TryGetValue((value, site), out ValueId step))
            {
                step = NormalizeQdq.Add(_rewriter.Builder, id, Quantizer(site), $"{graph[value].Name}.{site.Code}");
                _steps[(value, site)] = step;
            }

            return step;
        }

        /// <summary>Weights of a codebook are stored as codes at once; what reads them sees the levels.</summary>
        private ValueId Decode(Tensor weights, AffineQuantization quantizer, string name)
        {
            ValueId codes = _rewriter.Builder.AddConstant(name, quantizer.Encode(weights), quantizer);
            return _rewriter.Builder.Add(new Nodes.Dequantize { Name = name + ".float", Inputs = [codes] });
        }

        private ValueId Weights(Node node, LayerPlan layer)
        {
            ValueId value = node.Inputs[1];
            AffineQuantization quantizer = weights(layer, graph.ConstantOf(value));
            if (node.Inputs.Length > 2 && plan.Operands.TryGetValue(new Operand(node.Name, 0), out ActivationSite? site))
            {
                quantizer = BiasRules.Fit(quantizer, graph.ConstantOf(value), Quantizer(site).Single.Scale, graph.ConstantOf(node.Inputs[2]));
            }

            if (!_weights.TryGetValue((value, quantizer), out ValueId fake))
            {
                string name = $"{graph[value].Name}.{quantizer.Code}";
                fake = quantizer.Codebook is null ? NormalizeQdq.Add(_rewriter.Builder, _rewriter.Map(value), quantizer, name) : Decode(graph.ConstantOf(value), quantizer, name);
                _weights[(value, quantizer)] = fake;
            }

            return fake;
        }
    }
}
