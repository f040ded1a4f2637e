using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>
/// Decides which values become codes, back to front. A layer wants its operand in its own width; additions want the residual stream, pools, products and functions
/// the 8-bit stream, products of two values 8 bits (symmetric for the right one, whose zero point would cost every sum a correction), the others each only if its own result is wanted as codes; what only moves elements passes the wish on. A value gets one quantizer, of the widest
/// codes wanted; other widths are explicit steps at the reads. Values that only a concatenation reads take over its quantizer.
/// </summary>
internal sealed class ActivationPlanner
{
    private const int StreamBits = 8;
    private readonly PassWalk _walk;
    private readonly QuantizationScheme _scheme;
    private readonly HashSet<string> _float;
    private readonly Dictionary<string, LayerPlan> _layers;
    private readonly Dictionary<ValueId, int> _wanted = [];
    private readonly HashSet<ValueId> _fused = [];
    private readonly HashSet<ValueId> _symmetric = [];
    private readonly Dictionary<ValueId, ActivationSite> _produced = [];
    private readonly Dictionary<Operand, ActivationSite> _operands = [];

    private ActivationPlanner(Graph graph, QuantizationScheme scheme, ImmutableArray<LayerPlan> layers)
    {
        _walk = new PassWalk(graph);
        _scheme = scheme;
        _layers = layers.ToDictionary(l => l.Name, StringComparer.Ordinal);
        _float = LayerSelection.KeptFloat(graph, scheme);
    }

    private Graph Graph => _walk.Graph;

    /// <summary>The plan of a clean float graph.</summary>
    public static QuantizationPlan Plan(Graph graph, QuantizationScheme scheme, ImmutableArray<LayerPlan> layers)
    {
        var planner = new ActivationPlanner(graph, scheme, layers);
        foreach (Node node in graph.Nodes.Reverse())
        {
            planner.Want(node);
        }

        for (int i = 0; i < graph.Values.Length; i++)
        {
            planner.Produce(new ValueId(i));
        }

        foreach (Node node in graph.Nodes)
        {
            planner.Read(node);
        }

        IEnumerable<ActivationSite> sites = planner._produced.OrderBy(p => p.Key.Index).Select(p => p.Value).Concat(planner._operands.Values);
        bool IsComputed(ActivationSite site) => graph.TryFind(site.ValueName, out ValueId id) && graph[id].Constant is null;
        return new QuantizationPlan(layers, planner._produced, planner._operands) { Sites = [.. sites.Distinct().Where(IsComputed)] };
    }

    private OperatorClass Class(Node node)
    {
        bool isFloat = _float.Contains(node.Name) || (_layers.TryGetValue(node.Name, out LayerPlan? plan) && plan.IsFloat);
        OperatorClass kind = isFloat ? OperatorClass.Float : OperatorClasses.Of(Graph, node);
        return kind == OperatorClass.Product && _scheme.WeightGranularity == Granularity.PerGroup ? OperatorClass.Float : kind;
    }

    /// <summary>Whether a node's operands become codes even where its result does not.</summary>
    private static bool IsWanting(OperatorClass kind) => kind is OperatorClass.Layer or OperatorClass.Product;

    /// <summary>The bits in which a node reads its value operands, given that its result is wanted (0: as floats).</summary>
    private int OperandBits(Node node, OperatorClass kind) => kind switch
    {
        OperatorClass.Layer => _layers[node.Name].ActivationBits,
        OperatorClass.Stream or OperatorClass.Product => StreamBits,
        OperatorClass.Add => _scheme.ResidualBits,
        _ => 0,
    };

    private void Want(Node node)
    {
        OperatorClass kind = Class(node);
        int result = node.Outputs.Max(o => Math.Max(_wanted.GetValueOrDefault(o), _fused.Contains(o) ? StreamBits : 0));
        if (kind == OperatorClass.Float || (!IsWanting(kind) && result == 0))
        {
            return;
        }

        if (!IsWanting(kind) && OperatorClasses.IsFusedClamp(_walk, node) && Class(_walk.Producer(node.Inputs[0])!) != OperatorClass.Float)
        {
            _fused.Add(node.Inputs[0]);
            return;
        }

        int bits = kind is OperatorClass.Share or OperatorClass.Concat ? result : OperandBits(node, kind);
        foreach (int input in Operands(node, kind))
        {
            ValueId value = node.Inputs[input];
            _wanted[value] = Math.Max(_wanted.GetValueOrDefault(value), bits);
            if ((kind == OperatorClass.Product && input == 1) || (kind is OperatorClass.Share or OperatorClass.Concat && node.Outputs.Any(_symmetric.Contains)))
            {
                _symmetric.Add(value);
            }
        }
    }

    /// <summary>The inputs that become codes as activations: not weights, biases, indices, nor the constants of an affine step.</summary>
    private IEnumerable<int> Operands(Node node, OperatorClass kind)
    {
        if (kind is OperatorClass.Layer or OperatorClass.Share)
        {
            return [0];
        }

        Node plain = node is Binary binary ? binary with { Activation = Activation.None } : node;
        return ChannelAffine.Of(Graph, plain) is { } affine
            ? [node.Inputs.IndexOf(affine.Input)]
            : Enumerable.Range(0, node.Inputs.Length);
    }

    private void Produce(ValueId value)
    {
        bool shared = _walk.Producer(value) is { } producer && Class(producer) == OperatorClass.Share && _wanted.GetValueOrDefault(producer.Inputs[0]) > 0;
        if (_wanted.GetValueOrDefault(value) > 0 && !shared)
        {
            _produced[value] = Base(value);
        }
    }

    /// <summary>The site of a value that is written as codes.</summary>
    private ActivationSite Base(ValueId value)
    {
        ValueId end = value;
        while (_walk.SoleConsumer(end) is { Outputs.Length: 1 } reader && Class(reader) == OperatorClass.Share)
        {
            end = reader.Output;
        }

        return _walk.SoleConsumer(end) is { } join && Class(join) == OperatorClass.Concat && _wanted.GetValueOrDefault(join.Output) > 0
            ? Base(join.Output)
            : Site(value, _wanted[value]);
    }

    private ValueId Root(ValueId value)
    {
        while (!_produced.ContainsKey(value) && _walk.Producer(value) is { } producer && Class(producer) == OperatorClass.Share)
        {
            value = producer.Inputs[0];
        }

        return value;
    }

    private void Read(Node node)
    {
        OperatorClass kind = Class(node);
        bool wanted = node.Outputs.Any(o => _wanted.GetValueOrDefault(o) > 0 || _fused.Contains(o));
        bool fused = wanted && node.Inputs.Length > 0 && _fused.Contains(node.Inputs[0]);
        if (kind is OperatorClass.Float or OperatorClass.Share || (!IsWanting(kind) && !wanted) || fused)
        {
            return;
        }

        foreach (int input in Operands(node, kind))
        {
            ValueId root = Root(node.Inputs[input]);
            _operands[new Operand(node.Name, input)] = kind == OperatorClass.Concat ? _produced[Root(node.Output)] : Operand(root, OperandBits(node, kind));
        }
    }

    private ActivationSite Operand(ValueId root, int bits)
    {
        ActivationSite own = _produced[root];
        return own.Code.Bits.Bits == bits ? own : Site(root, bits);
    }

    private ActivationSite Site(ValueId value, int bits)
    {
        bool signed = _scheme.SignedActivations || bits == 16;
        bool symmetric = _scheme.SymmetricActivations || bits == 16 || _symmetric.Contains(value);
        IntegerRange full = signed ? IntegerRange.Signed(bits) : IntegerRange.Unsigned(bits);
        IntegerRange odd = signed ? IntegerRange.SignedNarrow(bits) : new IntegerRange(0, full.Max - 1);
        return new ActivationSite(Graph[value].Name, new CodeType(new BitWidth(bits), signed), symmetric ? odd : full, symmetric);
    }
}
