using System;
using System.Collections.Frozen;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Costs;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Packing.Steps;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.Packing;

/// <summary>
/// Makes a graph ready for one kernel set: codes become unsigned, layers with their epilogues become one step each on channels-last data, weights are packed, and whatever has
/// no step of its own runs through the fast operators on row-major data.
/// </summary>
internal static class Packer
{
    // Bytes of folded values, or how many times those of what they are made of.
    private const long MostFolded = 64L << 20;
    private const long MostGrowth = 16;

    private static readonly FrozenDictionary<Type, Func<PackingState, Node, bool>> _rules = new Dictionary<Type, Func<PackingState, Node, bool>>
    {
        [typeof(IntegerConvolution)] = (s, n) => PlanePacking.Convolution(s, n) || IntegerPacking.Convolution(s, n),
        [typeof(IntegerDense)] = (s, n) => PlanePacking.Dense(s, n) || IntegerPacking.Dense(s, n),
        [typeof(Thresholds)] = ThresholdPacking.Thresholds,
        [typeof(CombineAccumulators)] = ThresholdPacking.Combine,
        [typeof(GroupedDense)] = GroupedPacking.Dense,
        [typeof(IntegerMatMul)] = MatrixPacking.Codes,
        [typeof(MatMul)] = (s, n) => AttentionPacking.Pack(s, n) || MatrixPacking.Floats(s, n),
        [typeof(Transpose)] = AttentionPacking.Pack,
        [typeof(Convolution)] = FloatPacking.Convolution,
        [typeof(Dense)] = FloatPacking.Dense,
        [typeof(MaxPool)] = PoolPacking.Max,
        [typeof(AveragePool)] = PoolPacking.Average,
        [typeof(GlobalAveragePool)] = PoolPacking.GlobalAverage,
        [typeof(IntegerAveragePool)] = PoolPacking.IntegerAverage,
        [typeof(Quantize)] = (s, n) => EntryPacking.Quantize(s, n) || ThresholdPacking.Quantize(s, n) || ElementwisePacking.Quantize(s, n),
        [typeof(Dequantize)] = ElementwisePacking.Dequantize,
        [typeof(Requantize)] = (s, n) => ThresholdPacking.Requantize(s, n) || ElementwisePacking.Requantize(s, n) || ElementwisePacking.RequantizeChannels(s, n) || ThresholdPacking.Epilogue(s, n),
        [typeof(DequantizeAccumulator)] = ThresholdPacking.Epilogue,
        [typeof(LookupTable)] = ElementwisePacking.LookupTable,
        [typeof(IntegerAdd)] = ElementwisePacking.IntegerAdd,
        [typeof(IntegerMultiply)] = ElementwisePacking.Gate,
        [typeof(BatchNormalization)] = FloatPacking.Normalization,
        [typeof(Binary)] = ElementwisePacking.Add,
        [typeof(Unary)] = ElementwisePacking.Clip,
        [typeof(Concat)] = StructurePacking.Concat,
        [typeof(Reshape)] = StructurePacking.Reshape,
        [typeof(Pad)] = PlanePacking.Padding,
    }.ToFrozenDictionary();

    /// <summary>Packs a graph.</summary>
    /// <param name="graph">Any graph; integer, float or both.</param>
    /// <param name="signature">What callers give and get.</param>
    /// <param name="kernels">The kernels.</param>
    /// <param name="policy">Which layers run on bit planes.</param>
    /// <param name="joins">Whether steps take along what follows them; tests compare.</param>
    /// <param name="pool">The threads that pack weights; null for the caller's alone.</param>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.AccumulatorNotProved"/> or <see cref="QuantizationErrorCode.InputShapeMismatch"/>.</exception>
    public static PackedProgram Pack(Graph graph, ModelSignature signature, KernelSet kernels, PlanePolicy policy = PlanePolicy.Automatic, bool joins = true, WorkerPool? pool = null)
    {
        ArgumentNullException.ThrowIfNull(kernels);
        return Pack(graph, signature, KernelChooser.Only(kernels), policy, joins, pool);
    }

    /// <summary>Packs a graph, each step for the set that <paramref name="chooser"/> gives it.</summary>
    /// <inheritdoc cref="Pack(Graph, ModelSignature, KernelSet, PlanePolicy, bool, WorkerPool)"/>
    public static PackedProgram Pack(Graph graph, ModelSignature signature, KernelChooser chooser, PlanePolicy policy = PlanePolicy.Automatic, bool joins = true, WorkerPool? pool = null)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(signature);
        EntryPacking.Check(graph, signature);
        graph = ToUnsignedCodes.Run(FuseActivation.Run(graph));
        var planes = new PlaneChoice(graph, policy, chooser);
        graph = DoubleMidRise.Run(graph, planes.Has);
        var state = new PackingState(graph, signature, chooser, planes) { Joins = joins };
        AttentionPacking.Find(state);
        for (int i = 0; i < graph.Nodes.Length; i++)
        {
            Node node = graph.Nodes[i];
            if (!state.Done.Contains(node))
            {
                Pack(state, node, i);
            }
        }

        for (int i = 0; i < graph.Outputs.Length; i++)
        {
            ExitPacking.AddOutput(state, i);
        }

        return state.Build(pool ?? WorkerPool.Single);
    }

    private static void Pack(PackingState state, Node node, int index)
    {
        if (node.Inputs.Length > 0 && node.Inputs.All(i => state.Constant(i) is not null) && IsWorthFolding(state, node))
        {
            Fold(state, node);
        }
        else if (!_rules.TryGetValue(node.GetType(), out Func<PackingState, Node, bool>? rule) || !rule(state, node))
        {
            AddOperator(state, node, index);
        }
    }

    /// <summary>
    /// Whether the values of a node over constants are to be kept: not where they grow to the batch, nor where a small file asks for a lot of memory, which runs then take within their limit.
    /// </summary>
    private static bool IsWorthFolding(PackingState state, Node node)
    {
        if (node.Outputs.Any(o => state.TypeOf(o).Shape.IsFree))
        {
            return false;
        }

        long made = node.Outputs.Sum(o => (long)state.TypeOf(o).Shape.FixedCount * state.TypeOf(o).Element.SizeOf());
        long read = node.Inputs.Sum(i => (long)state.Constant(i)!.Bytes.Length);
        return made <= Math.Max(MostFolded, read * MostGrowth);
    }

    private static void Fold(PackingState state, Node node)
    {
        Tensor[] inputs = [.. node.Inputs.Select(i => state.Constant(i)!)];
        Tensor[] outputs = [.. node.Outputs.Select(o => Tensor.Allocate(state.TypeOf(o).Element, state.TypeOf(o).Shape))];
        FastOperators.Run(new OperatorCall(state.Graph, node, inputs, outputs, state.Chooser.Default, WorkerPool.Single));
        for (int i = 0; i < outputs.Length; i++)
        {
            state.Fold(node.Outputs[i], outputs[i]);
        }
    }

    private static void AddOperator(PackingState state, Node node, int index)
    {
        Layout layout = Layouts.IsElementwise(state, node) ? Layouts.Common(state, node) : Layout.RowMajor;
        Tensor?[] constants = [.. node.Inputs.Select(state.Constant)];
        int[] inputs = [.. node.Inputs.Select((id, i) => constants[i] is null ? state.Read(id, layout) : -1)];
        int[] outputs = [.. node.Outputs.Select(id => state.Write(id, layout))];
        bool prepared = FastOperators.CanPrepare(node);
        state.Add(new PackedStep(
            node.Name,
            node.Kind,
            [.. inputs.Where(s => s >= 0)],
            outputs,
            c => prepared ? new PreparedStep(c, index, constants, inputs, outputs) : new OperatorStep(c, index, constants, inputs, outputs))
        {
            Facts = prepared ? LayerFacts.None : LayerFacts.None with { Reason = "no packed step; runs through the operators" },
        });
    }
}
