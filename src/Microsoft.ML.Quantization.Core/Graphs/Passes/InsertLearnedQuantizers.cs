using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>
/// Puts <see cref="LearnedQuantize"/> nodes where a scheme wants them: on weights and inputs of layers, and on the gradients of their outputs. Their parameters are set from the weights
/// and from samples of the activations. A value that several layers read with the same method is quantized once. A rectifier that only methods read which are nonlinearities themselves goes
/// away, through pooling and reshaping; where others read it too, such methods read what stands in front of it.
/// </summary>
public static class InsertLearnedQuantizers
{
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

    /// <summary>The graph without the rectifiers that <see cref="Run"/> would take away: what activations are sampled from, so that parameters begin with the values that quantizers will see behind pooling and reshaping too.</summary>
    /// <param name="graph">The float graph to be trained.</param>
    /// <param name="scheme">What stands where.</param>
    internal static Graph WithoutRectifiers(Graph graph, QuantizationAwareScheme scheme)
    {
        var inserter = new Inserter(graph, scheme, _ => throw new InvalidOperationException("Rectifiers go without a sample."));
        return PassWalk.Rewrite(graph, (rewriter, node) =>
        {
            bool goes = inserter.TakesAway(node);
            if (goes)
            {
                rewriter.Replace(node.Output, rewriter.Map(node.Inputs[0]));
            }

            return goes;
        });
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
        private readonly SchemeSites _sites;
        private readonly HashSet<ValueId> _started = [];
        private readonly Dictionary<Node, ValueId> _measured = new(ReferenceEqualityComparer.Instance);
        private readonly Dictionary<ValueId, QuantizationMethod> _methods = [];
        private readonly Dictionary<(ValueId Value, QuantizationMethod Method), ValueId> _done = [];

        public Inserter(Graph graph, QuantizationAwareScheme scheme, Func<string, Tensor> sample)
        {
            (_graph, _scheme, _sample) = (graph, scheme, sample);
            _walk = new PassWalk(graph);
            _rewriter = new GraphRewriter(graph);
            _sites = new SchemeSites(graph, scheme);
        }

        public Graph Run()
        {
            foreach (Node node in _graph.Nodes)
            {
                if (!_sites.IsQuantizable(node))
                {
                    Copy(node);
                    continue;
                }

                QuantizationMethod? weights = _sites.Weights(node);
                Start(node.Inputs[1], weights);
                ImmutableArray<ValueId> inputs = _rewriter.Map(node.Inputs);
                inputs = Put(node.Inputs[0], inputs, 0, _sites.Activations(node), QuantizerSites.Activations);
                if (weights is not null && Foldable(node) is { } normalization)
                {
                    Fold(node, inputs, normalization, weights);
                }
                else
                {
                    inputs = Put(node.Inputs[1], inputs, 1, weights, QuantizerSites.Weights);
                    _rewriter.Emit(node, Padded(node, inputs));
                }

                TapGradient(node);
            }

            return _rewriter.Build();
        }

        /// <summary>The layer over its quantized operands; signs get the padding of the scheme in a node of its own.</summary>
        private Node Padded(Node node, ImmutableArray<ValueId> inputs)
        {
            bool isSign = _scheme.Padding != SignPadding.Zero && _methods.TryGetValue(inputs[0], out QuantizationMethod? method) && method is SignMethod { Signed: true, Bits: 1 };
            if (!isSign || node is not Convolution convolution || convolution.Window.PadsBegin.Concat(convolution.Window.PadsEnd).All(p => p == 0))
            {
                return node with { Inputs = inputs };
            }

            Window window = convolution.Window;
            ImmutableArray<int> none = [.. window.PadsBegin.Select(_ => 0)];
            var pad = new Pad
            {
                Name = node.Name + ".padding",
                Before = [0, 0, .. window.PadsBegin],
                After = [0, 0, .. window.PadsEnd],
                Value = _scheme.Padding == SignPadding.One ? 1 : -1,
                Inputs = [inputs[0]],
            };
            return convolution with { Inputs = inputs.SetItem(0, _rewriter.Builder.Add(pad)), Window = window with { PadsBegin = none, PadsEnd = none } };
        }

        /// <summary>The normalization that the scheme folds into a layer: the only reader of a layer without bias and clamp.</summary>
        private BatchNormalization? Foldable(Node node)
        {
            bool isPlain = node.Inputs.Length == 2 && node is Convolution { Activation.IsNone: true } or Dense { Activation.IsNone: true };
            bool isFolded = _scheme.Folding is not null && isPlain && (node is Convolution || _graph[node.Output].Type.Shape.Rank == 2);
            return isFolded && _walk.SoleConsumer(node.Output) is BatchNormalization { IsByShifts: false } normalization && normalization.Inputs.Skip(1).All(i => _graph[i].Constant is not null) ? normalization : null;
        }

        /// <summary>The layer over quantized, folded weights, and beside it the layer over its own weights, which tells the statistics.</summary>
        private void Fold(Node node, ImmutableArray<ValueId> inputs, BatchNormalization normalization, QuantizationMethod method)
        {
            Standardize(normalization);
            ValueId[] parts = [inputs[1], _rewriter.Map(normalization.Inputs[1]), _rewriter.Map(normalization.Inputs[4])];
            var folding = new FoldedWeights { Name = node.Name + ".folded", Epsilon = normalization.Epsilon, Inputs = [.. parts] };
            Tensor[] constants = [.. parts.Select(p => _rewriter.Builder[p].Constant!)];
            Tensor values = Tensor.Allocate(ElementType.Float32, constants[0].Shape);
            folding.Evaluate(constants, values);
            ValueId folded = _rewriter.Builder.Add(folding, _graph[node.Inputs[1]].Name + ".folded");
            Node layer = Padded(node, inputs.SetItem(1, Add(node.Inputs[1], folded, method, QuantizerSites.Weights, values)));
            _measured[normalization] = _rewriter.Builder.Add(layer with { Name = node.Name + ".float", Inputs = [layer.Inputs[0], inputs[1]] }, _graph[node.Output].Name + ".float");
            _rewriter.Emit(node, layer);
        }

        private void Start(ValueId weights, QuantizationMethod? method)
        {
            if (method?.FirstWeights(_graph.ConstantOf(weights)) is { } values && _started.Add(weights))
            {
                _rewriter.Replace(weights, _rewriter.Builder.AddConstant(_graph[weights].Name, values, isTrainable: _graph[weights].IsTrainable));
            }
        }

        /// <summary>Whether a node is a rectifier that methods stand for which are nonlinearities themselves.</summary>
        public bool TakesAway(Node node) => OperatorClasses.IsRectifier(node) && FeedsOnly(node.Output, static m => m.IsNonlinearity);

        /// <summary>A node that is no layer to quantize: rectifiers may go, scale and shift of normalizations may become fixed.</summary>
        private void Copy(Node node)
        {
            if (TakesAway(node))
            {
                _rewriter.Replace(node.Output, _rewriter.Map(node.Inputs[0]));
                return;
            }

            if (node is BatchNormalization normalization && _measured.TryGetValue(normalization, out ValueId measured))
            {
                _rewriter.Emit(node, new FoldedNormalization
                {
                    Name = node.Name,
                    Epsilon = normalization.Epsilon,
                    FreezeAt = _scheme.Folding!.FreezeAt,
                    Inputs = [_rewriter.Map(node.Inputs[0]), measured, .. _rewriter.Map(node.Inputs[1..])],
                });
                return;
            }

            Standardize(node);
            _rewriter.Copy(node);
        }

        /// <summary>Scale 1 and shift 0 for a normalization in front of methods that need it so.</summary>
        private void Standardize(Node node)
        {
            if (node is BatchNormalization && FeedsOnly(node.Output, static m => m.NeedsStandardInput))
            {
                Fix(node.Inputs[1], 1);
                Fix(node.Inputs[2], 0);
            }
        }

        private void Fix(ValueId constant, float value)
        {
            float[] values = [.. Enumerable.Repeat(value, _graph[constant].Type.Shape.Count)];
            _rewriter.Replace(constant, _rewriter.Builder.AddConstant(_graph[constant].Name, Tensor.Create<float>(_graph[constant].Type.Shape, values)));
        }

        /// <summary>Whether everything that reads a value, through rectifiers, max pooling and reshaping, is a layer whose input has such a method.</summary>
        private bool FeedsOnly(ValueId value, Predicate<QuantizationMethod> isSuch) => !_walk.IsOutput(value) && _walk.Consumers(value).Count > 0
            && _walk.Consumers(value).All(c => c is MaxPool or Reshape || OperatorClasses.IsRectifier(c)
                ? FeedsOnly(c.Output, isSuch)
                : _sites.IsQuantizable(c) && c.Inputs[0] == value && _sites.Activations(c) is { } method && isSuch(method));

        private ImmutableArray<ValueId> Put(ValueId value, ImmutableArray<ValueId> inputs, int index, QuantizationMethod? method, QuantizerSites site)
        {
            if (method is null)
            {
                return inputs;
            }

            ValueId source = value;
            if (site == QuantizerSites.Activations)
            {
                bool isInput = _scheme.InputBits > 0 && _walk.IsInput(value);
                method = isInput ? new Affine { Bits = _scheme.InputBits } : method;
                source = method.IsNonlinearity && OperatorClasses.IsRectifier(_walk.Producer(value)) ? _walk.Producer(value)!.Inputs[0] : value;
                method = method.For(IsSigned(source, method));
            }

            if (!_done.TryGetValue((value, method), out ValueId quantized))
            {
                quantized = Add(source, source == value ? inputs[index] : _rewriter.Map(source), method, site);
                _done[(value, method)] = quantized;
            }

            return inputs.SetItem(index, quantized);
        }

        /// <summary>Two levels of both signs would be one for a value that is never negative, which nodes do not always tell: pixels, or a function of the user's. A learned shift may yet make it negative.</summary>
        private bool IsSigned(ValueId value, QuantizationMethod method)
        {
            if (method.Bits > 1 || IsNonNegative(_walk, value) || (_walk.Producer(value) is Binary shift && shift.Inputs.Any(i => _graph[i].IsTrainable)))
            {
                return !IsNonNegative(_walk, value);
            }

            ReadOnlySpan<float> sample = _sample(_graph[value].Name).Values<float>();
            return sample.ContainsAnyExceptInRange(0, float.MaxValue) || !sample.ContainsAnyExcept(0);
        }

        private ValueId Add(ValueId old, ValueId mapped, QuantizationMethod method, QuantizerSites site, Tensor? folded = null)
        {
            string text = _graph[old].Name;
            string name = _rewriter.Builder.HasName(text + ".quantized") ? $"{text}.{method.Name}{method.Bits}" : text + ".quantized";
            Tensor x = folded ?? (site == QuantizerSites.Weights ? _graph.ConstantOf(old) : site == QuantizerSites.Activations ? _sample(text) : Tensor.Allocate(ElementType.Float32, _graph[old].Type.Shape.Bind(1)));
            Tensor[] parameters = [.. method.Parameters.Select(p => Tensor.Allocate(ElementType.Float32, LearnedQuantize.ShapeOf(method, p, x.Shape)))];
            if (site == QuantizerSites.Weights && folded is null)
            {
                x = method.FirstWeights(x) ?? x;
            }

            if (site != QuantizerSites.Gradients)
            {
                method.Initialize(x, parameters);
            }

            IEnumerable<ValueId> constants = parameters.Select((p, i) => _rewriter.Builder.AddConstant($"{name}.{method.Parameters[i].Name}", p, isTrainable: true));
            ValueId result = _rewriter.Builder.Add(new LearnedQuantize { Name = name, Inputs = [mapped, .. constants], Method = method, Site = site }, name);
            _methods[result] = method;
            return result;
        }

        private void TapGradient(Node node)
        {
            if (_scheme.Gradients is { } method && !_sites.IsApart(node))
            {
                ValueId layer = _rewriter.Map(node.Output);
                _rewriter.Replace(node.Output, Add(node.Output, layer, method, QuantizerSites.Gradients));
                if (_walk.IsOutput(node.Output))
                {
                    // What is an output now takes over its name.
                    _rewriter.Builder.Rename(layer, _graph[node.Output].Name + ".untapped");
                }
            }
        }
    }
}
