using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Costs;
using Microsoft.ML.Quantization.Packing.Steps;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.Packing;

/// <summary>A program in the making: which slot holds which value in which layout. Conversions are inserted when a step asks for a layout that is not there.</summary>
internal sealed class PackingState
{
    private readonly Dictionary<(ValueId Value, Layout Layout), int> _located = [];
    private readonly Dictionary<ValueId, ValueId> _reshaped = [];
    private readonly Dictionary<ValueId, Tensor> _folded = [];
    private readonly List<Slot> _slots = [];
    private readonly List<PackedStep> _steps = [];
    private readonly Node?[] _producers;
    private readonly List<Node>[] _consumers;
    private readonly HashSet<ValueId> _given;

    private BindContext? _single;

    public PackingState(Graph graph, ModelSignature signature, KernelChooser chooser, PlaneChoice planes)
    {
        Planes = planes;
        Graph = graph;
        Signature = signature;
        Chooser = chooser;
        _producers = graph.Producers();
        _consumers = graph.Consumers();
        _given = GivenCodes.Of(graph);
    }

    public Graph Graph { get; }

    public ModelSignature Signature { get; }

    /// <summary>Says which set does a step.</summary>
    public KernelChooser Chooser { get; }

    /// <summary>The layers that run on bit planes.</summary>
    public PlaneChoice Planes { get; }

    /// <summary>Whether what follows a convolution's codes goes into its step; switched off by tests that compare.</summary>
    public bool Joins { get; init; } = true;

    /// <summary>Weights packed so far.</summary>
    public WeightCache Weights { get; } = new();

    /// <summary>Nodes that another node's step does as well.</summary>
    public HashSet<Node> Done { get; } = new(ReferenceEqualityComparer.Instance);

    /// <summary>Results that the output decodes.</summary>
    public HashSet<ValueId> Deferred { get; } = [];

    /// <summary>Attentions by their last nodes.</summary>
    public Dictionary<Node, AttentionPattern> Attentions { get; } = new(ReferenceEqualityComparer.Instance);

    public ValueType TypeOf(ValueId id) => Graph[id].Type;

    /// <summary>The values of a constant, or of a node over constants that was folded; null for others.</summary>
    public Tensor? Constant(ValueId id) => Graph[id].Constant ?? _folded.GetValueOrDefault(id);

    public void Fold(ValueId id, Tensor values) => _folded[id] = values;

    /// <summary>Whether a value holds codes that the caller gives, which may lie outside their quantizer's range.</summary>
    public bool IsGiven(ValueId id) => _given.Contains(id);

    public Node? Producer(ValueId id) => _producers[id.Index];

    public List<Node> Consumers(ValueId id) => _consumers[id.Index];

    /// <summary>The node that alone reads a value, or null.</summary>
    public Node? OnlyConsumer(ValueId id) => _consumers[id.Index].Count == 1 && !Graph.Outputs.Contains(id) ? _consumers[id.Index][0] : null;

    public bool IsLocated(ValueId id, Layout layout) => _located.ContainsKey((id, layout));

    /// <summary>Whether a value lies with the channels of a pixel side by side, and not row-major.</summary>
    public bool IsChannelsLast(ValueId id) => !IsLocated(id, Layout.RowMajor) && (IsLocated(id, Layout.ChannelsLast) || (IsLocated(id, Layout.BitPlanes) && TypeOf(id).Shape.Rank > 2));

    /// <summary>The slot that holds a value in the given layout; inserts what is needed to have it there.</summary>
    public int Read(ValueId id, Layout layout)
    {
        if (_located.TryGetValue((id, layout), out int slot))
        {
            return slot;
        }

        slot = Obtain(id, layout);
        _located[(id, layout)] = slot;
        return slot;
    }

    /// <summary>A new slot for a value that a step writes.</summary>
    public int Write(ValueId id, Layout layout)
    {
        int slot = layout == Layout.BitPlanes ? NewPlanes(TypeOf(id)) : NewSlot(TypeOf(id));
        _located[(id, layout)] = slot;
        return slot;
    }

    /// <summary>A new slot for what one step leaves for the next and no value names; its batch may be free.</summary>
    public int Scratch(ElementType element, Shape shape)
    {
        _slots.Add(new Slot(_slots.Count, element, shape));
        return _slots.Count - 1;
    }

    /// <summary>From here on <paramref name="result"/> is <paramref name="source"/> under another shape; one step leads to what the first of several reshapes in a row reads.</summary>
    public void Reshape(ValueId result, ValueId source) => _reshaped[result] = _reshaped.GetValueOrDefault(source, source);

    /// <summary>The value that a reshaped value is made of.</summary>
    public bool TryReshaped(ValueId result, out ValueId source) => _reshaped.TryGetValue(result, out source);

    /// <summary>Adds a step; its kernels are chosen by its work on one row unless they are already.</summary>
    public void Add(PackedStep step)
    {
        if (step.Kernels is null)
        {
            (KernelSet kernels, string choice) = Chooser.Choose(step.Bind(Single).Work);
            step = step with { Kernels = kernels, Choice = choice };
        }

        _steps.Add(step);
    }

    /// <summary>Hands the program over, its weights packed.</summary>
    public PackedProgram Build(WorkerPool pool)
    {
        Weights.Fill(pool);
        return Build();
    }

    private PackedProgram Build() => new(Graph, Signature, Chooser.Default, [.. _slots], Joins ? [.. BandFusion.Run([.. _steps], Single)] : [.. _steps], Weights.All) { Packed = Packed() };

    /// <summary>The constants of which every reader has packed weights.</summary>
    private HashSet<Tensor> Packed()
    {
        var readers = new Dictionary<Tensor, int>();
        for (int i = 0; i < Graph.Values.Length; i++)
        {
            if (Graph.Values[i].Constant is { } constant)
            {
                bool isOutput = Graph.Outputs.Contains(new ValueId(i));
                readers[constant] = readers.GetValueOrDefault(constant) + _consumers[i].Count + (isOutput ? 1 : 0);
            }
        }

        return [.. readers.Where(r => r.Value > 0 && r.Value == Weights.Uses(r.Key)).Select(r => r.Key)];
    }

    private BindContext Single => _single ??= new BindContext(Graph, 1, Chooser.Default, new ThreadSplit(1));

    private int NewSlot(ValueType type)
    {
        _slots.Add(new Slot(_slots.Count, type.Element, type.Shape));
        return _slots.Count - 1;
    }

    private int NewPlanes(ValueType type)
    {
        int words = type.Quantization!.Code.Bits.Bits * PlaneLayout.Words(type.Shape[1]);
        return Scratch(ElementType.Int32, type.Shape.With(1, words));
    }

    private int Obtain(ValueId id, Layout layout)
    {
        if (layout == Layout.BitPlanes)
        {
            return ConvertPlanes(id, Read(id, Layouts.Natural(TypeOf(id).Shape)), NewPlanes(TypeOf(id)), true);
        }

        Layout other = layout == Layout.RowMajor ? Layout.ChannelsLast : Layout.RowMajor;
        bool located = IsLocated(id, other);
        if (!located && layout == Layout.RowMajor && _reshaped.TryGetValue(id, out ValueId source))
        {
            return Read(source, Layout.RowMajor);
        }

        if (!located && IsLocated(id, Layout.BitPlanes))
        {
            Layout natural = Layouts.Natural(TypeOf(id).Shape);
            int codes = ConvertPlanes(id, Read(id, Layout.BitPlanes), NewSlot(TypeOf(id)), false);
            _located[(id, natural)] = codes;
            return natural == layout ? codes : Convert(id, layout, codes);
        }

        if (!located && Constant(id) is { } values)
        {
            return layout == Layout.RowMajor ? AddConstant(id, values) : Convert(id, layout, Read(id, Layout.RowMajor));
        }

        if (!located && Graph.Inputs.Contains(id))
        {
            (int slot, Layout natural) = EntryPacking.Load(this, id, layout, NewSlot(TypeOf(id)));
            _located[(id, natural)] = slot;
            return natural == layout ? slot : Convert(id, layout, slot);
        }

        return Convert(id, layout, Read(id, other));
    }

    private int ConvertPlanes(ValueId id, int source, int destination, bool pack)
    {
        int bits = TypeOf(id).Quantization!.Code.Bits.Bits;
        int channels = TypeOf(id).Shape[1];
        Add(new PackedStep(Graph[id].Name, pack ? "ToPlanes" : "FromPlanes", [source], [destination], context =>
        {
            Shape shape = context.ShapeOf(id);
            int pixels = shape.Count / channels;
            return pack ? new PackPlanesStep(context, pixels, channels, bits, source, destination) : new UnpackPlanesStep(context, pixels, channels, bits, source, destination);
        }));
        return destination;
    }

    private int AddConstant(ValueId id, Tensor values)
    {
        int slot = NewSlot(TypeOf(id));
        Add(new PackedStep(Graph[id].Name, "Constant", [], [slot], _ => new ConstantStep(values, slot)));
        return slot;
    }

    private int Convert(ValueId id, Layout layout, int source)
    {
        if (Layouts.AreEqual(TypeOf(id).Shape))
        {
            return source;
        }

        int slot = NewSlot(TypeOf(id));
        int size = TypeOf(id).Element.SizeOf();
        bool toChannelsLast = layout == Layout.ChannelsLast;
        Add(new PackedStep(Graph[id].Name, toChannelsLast ? "ToChannelsLast" : "ToRowMajor", [source], [slot], context =>
        {
            Shape shape = context.ShapeOf(id);
            int pixels = shape.CountOf(2, shape.Rank);
            return toChannelsLast
                ? new LayoutStep(context, shape[0], shape[1], pixels, size, source, slot)
                : new LayoutStep(context, shape[0], pixels, shape[1], size, source, slot);
        }));
        return slot;
    }
}
