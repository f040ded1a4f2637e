using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>
/// Puts <see cref="LearnedQuantize"/> nodes where a scheme wants them: on weights and inputs of layers, and on the gradients of their outputs. Their parameters are set from the weights
/// and from samples of the activations. A value that several layers read with the same method is quantized once.
/// </summary>
public static class InsertLearnedQuantizers
{
    private const int EdgeBits = 8;

    /// <summary>Runs the pass.</summary>
    /// <param name="graph">The float graph to be trained.</param>
    /// <param name="scheme">What stands where.</param>
    /// <param name="sample">Activations of some rows, by the value's name.</param>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.UnknownLayer"/>, <see cref="QuantizationErrorCode.NothingToQuantize"/>, or the scheme's own errors.</exception>
    public static Graph Run(Graph graph, QuantizationAwareScheme scheme, Func<string, Tensor> sample)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(scheme);
        ArgumentNullException.ThrowIfNull(sample);
        Graph result = new Inserter(graph, scheme.Validate(), sample).Run();
        GraphVerifier.Verify(result);
        return result.Nodes.Any(n => n is LearnedQuantize)
            ? result
            : throw new QuantizationException(QuantizationErrorCode.NothingToQuantize, "Network: expected a layer that the scheme quantizes, found none; look at edges and at layers kept float.");
    }

    /// <summary>Whether a value is never negative, from the nodes that give it.</summary>
    internal static bool IsNonNegative(PassWalk walk, ValueId value) => walk.Producer(value) switch
    {
        Unary { Operator: UnaryOperator.Sigmoid } => true,
        Unary { Operator: UnaryOperator.Clip, Alpha: >= 0 } => true,
        Convolution { Activation.Low: >= 0 } or Dense { Activation.Low: >= 0 } or Binary { Activation.Low: >= 0 } => true,
        MaxPool or AveragePool or GlobalAveragePool or Reshape or Transpose or Slice => IsNonNegative(walk, walk.Producer(value)!.Inputs[0]),
        Concat or Binary { Operator: BinaryOperator.Add or BinaryOperator.Multiply } => walk.Producer(value)!.Inputs.All(i => IsNonNegative(walk, i)),
        _ => false,
    };

    private sealed class Inserter
    {
        private readonly Graph _graph;
        private readonly QuantizationAwareScheme _scheme;
        private readonly Func<string, Tensor> _sample;
        private readonly PassWalk _walk;
        private readonly GraphRewriter _rewriter;
        private readonly HashSet<string> _kept;
        private readonly HashSet<Node> _edges;
        private readonly HashSet<ValueId> _started = [];
        private readonly Dictionary<(ValueId Value, QuantizationMethod Method), ValueId> _done = [];

        public Inserter(Graph graph, QuantizationAwareScheme scheme, Func<string, Tensor> sample)
        {
            (_graph, _scheme, _sample) = (graph, scheme, sample);
            _walk = new PassWalk(graph);
            _rewriter = new GraphRewriter(graph);
            string[] names = [.. graph.Nodes.Select(n => n.Name)];
            _kept = [.. scheme.KeepFloat.SelectMany(pattern => LayerPattern.Match(pattern, names))];
            _edges = LayerSelection.Edges(graph);
        }

        public Graph Run()
        {
            foreach (Node node in _graph.Nodes)
            {
                if (!LayerSelection.IsLayer(node) || _kept.Contains(node.Name) || _graph[node.Inputs[1]].Constant is null)
                {
                    _rewriter.Copy(node);
                    continue;
                }

                bool edge = _edges.Contains(node);
                Start(node.Inputs[1], Method(_scheme.Weights, edge, perChannel: true));
                ImmutableArray<ValueId> inputs = _rewriter.Map(node.Inputs);
                inputs = Put(node.Inputs[0], inputs, 0, Method(_scheme.Activations, edge, perChannel: false), QuantizerSites.Activations);
                inputs = Put(node.Inputs[1], inputs, 1, Method(_scheme.Weights, edge, perChannel: true), QuantizerSites.Weights);
                _rewriter.Emit(node, node with { Inputs = inputs });
                TapGradient(node, edge);
            }

            return _rewriter.Build();
        }

        private void Start(ValueId weights, QuantizationMethod? method)
        {
            if (method?.Start(_graph.ConstantOf(weights)) is { } values && _started.Add(weights))
            {
                _rewriter.Replace(weights, _rewriter.Builder.AddConstant(_graph[weights].Name, values, isTrainable: _graph[weights].IsTrainable));
            }
        }

        private QuantizationMethod? Method(QuantizationMethod? own, bool edge, bool perChannel) => (edge, _scheme.EdgeLayers) switch
        {
            (false, _) or (_, EdgeLayers.SameBits) => own,
            (_, EdgeLayers.Float) => null,
            _ => own is { Bits: >= EdgeBits } ? own : new Affine { Bits = EdgeBits, PerChannel = perChannel },
        };

        private ImmutableArray<ValueId> Put(ValueId value, ImmutableArray<ValueId> inputs, int index, QuantizationMethod? method, QuantizerSites site)
        {
            if (method is null)
            {
                return inputs;
            }

            if (site == QuantizerSites.Activations)
            {
                bool isInput = _scheme.InputBits > 0 && _graph.Inputs.Contains(value);
                method = (isInput ? new Affine { Bits = _scheme.InputBits } : method).For(!IsNonNegative(_walk, value));
            }

            if (!_done.TryGetValue((value, method), out ValueId quantized))
            {
                quantized = Add(value, inputs[index], method, site);
                _done[(value, method)] = quantized;
            }

            return inputs.SetItem(index, quantized);
        }

        private ValueId Add(ValueId old, ValueId mapped, QuantizationMethod method, QuantizerSites site)
        {
            string text = _graph[old].Name;
            string name = _rewriter.Builder.HasName(text + ".quantized") ? $"{text}.{method.Name}{method.Bits}" : text + ".quantized";
            Tensor x = site == QuantizerSites.Weights ? _graph.ConstantOf(old) : site == QuantizerSites.Activations ? _sample(text) : Tensor.Allocate(ElementType.Float32, _graph[old].Type.Shape.Bind(1));
            Tensor[] parameters = [.. method.Parameters.Select(p => Tensor.Allocate(ElementType.Float32, LearnedQuantize.ShapeOf(method, p, x.Shape)))];
            if (site == QuantizerSites.Weights)
            {
                x = method.Start(x) ?? x;
            }

            if (site != QuantizerSites.Gradients)
            {
                method.Initialize(x, parameters);
            }

            IEnumerable<ValueId> constants = parameters.Select((p, i) => _rewriter.Builder.AddConstant($"{name}.{method.Parameters[i].Name}", p, isTrainable: true));
            return _rewriter.Builder.Add(new LearnedQuantize { Name = name, Inputs = [mapped, .. constants], Method = method, Site = site }, name);
        }

        private void TapGradient(Node node, bool edge)
        {
            if (_scheme.Gradients is { } method && !edge)
            {
                _rewriter.Replace(node.Output, Add(node.Output, _rewriter.Map(node.Output), method, QuantizerSites.Gradients));
            }
        }
    }
}
