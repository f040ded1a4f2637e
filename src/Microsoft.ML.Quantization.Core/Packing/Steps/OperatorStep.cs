using System;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels.Costs;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Tensors;
using ValueType = Microsoft.ML.Quantization.Graphs.ValueType;

namespace Microsoft.ML.Quantization.Packing.Steps;

/// <summary>
/// A node run by <see cref="FastOperators"/>: row-major tensors, or for element-wise work any order that all of them share.
/// </summary>
internal class OperatorStep : BoundStep
{
    private readonly BindContext _context;
    private readonly Node _node;
    private readonly Tensor?[] _constants;
    private readonly int[] _inputs;
    private readonly int[] _outputs;

    /// <param name="context">The batch.</param>
    /// <param name="node">Index of the node in the graph.</param>
    /// <param name="constants">One an input: its values if it is a constant.</param>
    /// <param name="inputs">One slot an input; −1 for constants.</param>
    /// <param name="outputs">One slot an output.</param>
    public OperatorStep(BindContext context, int node, Tensor?[] constants, int[] inputs, int[] outputs)
    {
        _context = context;
        _node = context.Graph.Nodes[node];
        _constants = constants;
        _inputs = inputs;
        _outputs = outputs;
        Work = KernelWork.Flat(KernelOperation.General, 8, Math.Max(_node.Outputs.Max(o => (long)context.Graph[o].Type.Shape.Count), _node.Inputs.Where((_, i) => inputs[i] >= 0).Select(i => (long)context.Graph[i].Type.Shape.Count).DefaultIfEmpty().Max()));
    }

    /// <inheritdoc/>
    public override object Prepare(RunBuffers buffers) => Call(buffers);

    /// <inheritdoc/>
    public override void Run(RunBuffers buffers, int chunk) => FastOperators.Run((OperatorCall)buffers.State!);

    /// <summary>The node on a run's buffers.</summary>
    protected OperatorCall Call(RunBuffers buffers)
    {
        Tensor[] inputs = [.. _node.Inputs.Select((id, i) => _constants[i] ?? Bound(buffers, id, _inputs[i]))];
        Tensor[] outputs = [.. _node.Outputs.Select((id, i) => Bound(buffers, id, _outputs[i]))];
        return new OperatorCall(_context.Graph, _node, inputs, outputs, _context.Kernels, buffers.Pool);
    }

    private Tensor Bound(RunBuffers buffers, ValueId id, int slot)
    {
        ValueType type = _context.Graph[id].Type;
        return buffers.Tensor(slot, type.Element, type.Shape);
    }
}

/// <summary>A node whose operator is prepared once a set of buffers; running it allocates nothing, and its chunks are shares of its items.</summary>
internal sealed class PreparedStep : OperatorStep
{
    private const int WorkPerElement = 32;
    private const int WorkPerFunction = 128;

    /// <inheritdoc cref="OperatorStep(BindContext, int, Tensor?[], int[], int[])"/>
    public PreparedStep(BindContext context, int node, Tensor?[] constants, int[] inputs, int[] outputs)
        : base(context, node, constants, inputs, outputs)
    {
        Node source = context.Graph.Nodes[node];
        long elements = context.Graph[source.Output].Type.Shape.Count;
        Chunks = context.Chunks((int)Math.Min(elements, int.MaxValue), elements * (source is Unary or Softmax or LayerNormalization ? WorkPerFunction : WorkPerElement));
    }

    /// <inheritdoc/>
    public override object Prepare(RunBuffers buffers) => FastOperators.Prepare(Call(buffers));

    /// <inheritdoc/>
    public override void Run(RunBuffers buffers, int chunk)
    {
        var work = (PreparedWork)buffers.State!;
        (int begin, int end) = (Begin(work.Count, chunk), Begin(work.Count, chunk + 1));
        if (begin < end)
        {
            work.Run(begin, end);
        }
    }
}
