using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>The walk of <see cref="LowerToInteger"/>: gives each old value its form, and writes nodes only when somebody wants codes or floats of it.</summary>
internal sealed class Lowering
{
    private readonly PassWalk _walk;
    private readonly GraphRewriter _rewriter;
    private readonly Dictionary<ValueId, LoweredValue> _forms = [];
    private readonly Dictionary<ValueId, ValueId> _floats = [];
    private readonly LayerLowering _layers;
    private readonly ElementwiseLowering _elementwise;
    private readonly CodeEmitter _emitter;
    private readonly StaircaseLowering _staircases;
    private readonly bool _quantizeRows;
    private readonly bool _floatInputs;

    public Lowering(Graph graph, GraphFunction evaluate, bool quantizeRows, bool floatInputs)
    {
        _floatInputs = floatInputs;
        _quantizeRows = quantizeRows;
        _walk = new PassWalk(graph);
        _rewriter = new GraphRewriter(graph);
        _layers = new LayerLowering(_walk, _rewriter);
        _elementwise = new ElementwiseLowering(graph, evaluate, new PlaneLowering(_rewriter.Builder));
        _emitter = new CodeEmitter(_rewriter.Builder);
        _staircases = new StaircaseLowering(graph, _rewriter.Builder);
    }

    /// <summary>What became of the layers so far.</summary>
    public List<LayerOutcome> Reports => _layers.Reports;

    private Graph Graph => _walk.Graph;

    public Graph Run()
    {
        foreach (Node node in Graph.Nodes)
        {
            Visit(node);
        }

        foreach (ValueId output in Graph.Outputs)
        {
            _rewriter.Replace(output, Float(output));
        }

        return _rewriter.Build();
    }

    private void Visit(Node node)
    {
        if (node is FakeQuantize fake)
        {
            VisitQuantizer(fake);
            return;
        }

        if (node is Dequantize && Graph[node.Inputs[0]] is { Constant: not null, Type.Quantization: { Codebook: not null } book })
        {
            _forms[node.Output] = new LoweredValue.Codes(_rewriter.Map(node.Inputs[0]), book);
            return;
        }

        if (_quantizeRows && node is Dense && _layers.LowerGroups(node, Form(node.Inputs[1]), Float, _floatInputs) is { } grouped)
        {
            _floats[node.Output] = grouped;
            return;
        }

        LoweredValue? form = node switch
        {
            Convolution or Dense => _layers.Lower(node, Form(node.Inputs[0]), Form(node.Inputs[1])),
            MatMul => _layers.LowerProduct(node, Form(node.Inputs[0]), Form(node.Inputs[1])),
            Staircase staircase => _staircases.Lower(staircase, Form(node.Inputs[0]), Float, CodesName(node)),
            _ => _elementwise.Lower(node, Form),
        };
        if (form is not null)
        {
            _forms[node.Output] = form;
        }
        else if (!Move(node) && !MoveIndexed(node))
        {
            CopyFloat(node);
        }
    }

    private string CodesName(Node node) => _walk.IsOutput(node.Output) ? Graph[node.Output].Name + ".codes" : Graph[node.Output].Name;

    private LoweredValue? Form(ValueId value) => _forms.GetValueOrDefault(value);

    private void VisitQuantizer(FakeQuantize node)
    {
        Quantizers.AffineQuantization quantizer = node.Quantizer(Graph);
        ValueId source = node.Inputs[0];
        string name = CodesName(node);
        LoweredValue.Codes? codes = Graph[source].Constant is { } constant
            ? new LoweredValue.Codes(_rewriter.Builder.AddConstant(name, quantizer.Encode(constant), quantizer), quantizer)
            : _emitter.Emit(Form(source), quantizer, name, _walk.Producer(source)?.Name ?? name);
        if (codes is null && quantizer.Granularity == Quantizers.Granularity.PerTensor)
        {
            ValueId id = _rewriter.Builder.Add(new Quantize { Name = node.Name, Inputs = [Float(source)], Result = quantizer }, name);
            codes = new LoweredValue.Codes(id, quantizer);
        }

        if (codes is null)
        {
            CopyFloat(node);
            return;
        }

        _forms[node.Output] = codes;
    }

    /// <summary>Nodes that only move elements run on codes.</summary>
    private bool Move(Node node)
    {
        bool concat = node is Concat;
        bool moves = concat || OperatorClasses.IsShare(Graph, node) || node is Pad { Mode: PadMode.Constant };
        if (!moves || node.Inputs.Length == 0 || !(concat ? node.Inputs : node.Inputs[..1]).All(i => Form(i) is LoweredValue.Codes))
        {
            return false;
        }

        ImmutableArray<LoweredValue.Codes> parts = _emitter.Alike([.. (concat ? node.Inputs : node.Inputs[..1]).Select(i => (LoweredValue.Codes)Form(i)!)]);
        if (parts.Any(p => p.Quantizer != parts[0].Quantizer))
        {
            _forms[node.Output] = new LoweredValue.Joined(parts, ((Concat)node).Axis);
            return true;
        }

        if (parts[0].Quantizer.Granularity != Quantizers.Granularity.PerTensor || PadCode(node, parts[0].Quantizer) is not { } moved)
        {
            return false;
        }

        ImmutableArray<ValueId> inputs = [.. parts.Select(p => p.Id), .. (concat ? [] : node.Inputs[1..]).Select(Float)];
        ImmutableArray<ValueId> outputs = _rewriter.Builder.AddAll(moved with { Inputs = inputs }, [.. node.Outputs.Select(o => _walk.IsOutput(o) ? Graph[o].Name + ".codes" : Graph[o].Name)]);
        for (int i = 0; i < outputs.Length; i++)
        {
            _forms[node.Outputs[i]] = new LoweredValue.Codes(outputs[i], parts[0].Quantizer);
        }

        return true;
    }

    /// <summary>Indices of levels move like codes; a max pool may take the largest index where levels ascend.</summary>
    private bool MoveIndexed(Node node)
    {
        bool moves = OperatorClasses.IsShare(Graph, node) && node is not Pad;
        if (!moves || Form(node.Inputs[0]) is not LoweredValue.Indexed indexed || (node is MaxPool && !indexed.Levels.IsAscending))
        {
            return false;
        }

        ImmutableArray<ValueId> inputs = [indexed.Index.Id, .. node.Inputs[1..].Select(Float)];
        ImmutableArray<ValueId> outputs = _rewriter.Builder.AddAll(node with { Inputs = inputs }, [.. node.Outputs.Select(o => Graph[o].Name + ".index")]);
        for (int i = 0; i < outputs.Length; i++)
        {
            _forms[node.Outputs[i]] = new LoweredValue.Indexed(new LoweredValue.Codes(outputs[i], indexed.Index.Quantizer), indexed.Levels);
        }

        return true;
    }

    /// <summary>The node with a padding value in codes; null when no code stands for it.</summary>
    private static Node? PadCode(Node node, Quantizers.AffineQuantization quantizer)
    {
        if (node is not Pad { Mode: PadMode.Constant } pad)
        {
            return node;
        }

        int code = quantizer.Single.Quantize(pad.Value, quantizer.Range);
        return quantizer.Single.Dequantize(code) == pad.Value ? pad with { Value = code } : null;
    }

    private void CopyFloat(Node node)
    {
        ImmutableArray<ValueId> inputs = [.. node.Inputs.Select(Float)];
        ImmutableArray<ValueId> outputs = _rewriter.Builder.AddAll(node with { Inputs = inputs }, [.. node.Outputs.Select(o => Graph[o].Name)]);
        for (int i = 0; i < outputs.Length; i++)
        {
            _floats[node.Outputs[i]] = outputs[i];
        }
    }

    /// <summary>The new float value that stands for an old one; written on the first call.</summary>
    private ValueId Float(ValueId value)
    {
        if (_floats.TryGetValue(value, out ValueId id))
        {
            return id;
        }

        Node? producer = _walk.Producer(value);
        if (producer is null)
        {
            return _rewriter.Map(value);
        }

        string name = Graph[value].Name;
        switch (Form(value))
        {
            case LoweredValue.Codes codes:
                id = _rewriter.Builder.Add(new Dequantize { Name = name + ".float", Inputs = [codes.Id] }, _walk.IsOutput(value) ? name : name + ".float");
                break;
            case LoweredValue.Scaled scaled:
                id = _emitter.Dequantize(scaled, name, producer.Name + ".dequantize");
                break;
            case LoweredValue.Combined combined:
                id = _emitter.Combine(combined, name, producer.Name + ".combine");
                break;
            default:
                CopyFloat(producer);
                return _floats[value];
        }

        _floats[value] = id;
        return id;
    }
}
