using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Threading;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Evaluation;

/// <summary>
/// One walk over a graph, node by node, with one of the operator tables. The batch is whatever the inputs have in the free dimension. Any number of
/// threads may call <see cref="Run(IReadOnlyList{Tensor})"/> at once.
/// </summary>
public sealed class Evaluator : IGraphRunner
{
    private const int CachedBatches = 8;

    private readonly Graph _graph;
    private readonly OperatorTable _operators;
    private readonly List<(int Batch, BoundGraph Bound)> _bound = [];

    /// <summary>Prepares a graph.</summary>
    public Evaluator(Graph graph, OperatorTable operators)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(operators);
        _graph = graph;
        _operators = operators;
    }

    /// <inheritdoc/>
    public IReadOnlyList<Tensor> Run(IReadOnlyList<Tensor> inputs) => Run(inputs, null, CancellationToken.None);

    /// <summary>Runs the graph and shows every value on the way.</summary>
    /// <param name="inputs">One tensor a graph input, in the graph's order.</param>
    /// <param name="observer">Called with each graph input and then each node's outputs, in order, ids being those of the graph given; null for none.</param>
    /// <param name="cancellationToken">Looked at before each node.</param>
    /// <returns>The graph's outputs in order.</returns>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InputShapeMismatch"/>: number, type or shape of the inputs.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public IReadOnlyList<Tensor> Run(IReadOnlyList<Tensor> inputs, Action<ValueId, Tensor>? observer, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        BoundGraph bound = Bind(Check(inputs));
        Tensor?[] values = bound.NewValues();
        for (int i = 0; i < inputs.Count; i++)
        {
            values[bound.Graph.Inputs[i].Index] = inputs[i];
            observer?.Invoke(_graph.Inputs[i], inputs[i]);
        }

        for (int i = 0; i < bound.Graph.Nodes.Length; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Step(bound.Graph, bound.Graph.Nodes[i], values);
            Show(observer, i, bound.Graph, values);
            bound.Release(i, values);
        }

        return [.. bound.Graph.Outputs.Select(o => values[o.Index]!)];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_bound)
        {
            _bound.Clear();
        }
    }

    private void Step(Graph graph, Node node, Tensor?[] values)
    {
        var inputs = new Tensor[node.Inputs.Length];
        for (int i = 0; i < inputs.Length; i++)
        {
            inputs[i] = values[node.Inputs[i].Index]!;
        }

        var outputs = new Tensor[node.Outputs.Length];
        for (int i = 0; i < outputs.Length; i++)
        {
            Graphs.ValueType type = graph[node.Outputs[i]].Type;
            outputs[i] = Tensor.Allocate(type.Element, type.Shape);
            values[node.Outputs[i].Index] = outputs[i];
        }

        _operators.Run(graph, node, inputs, outputs);
    }

    private void Show(Action<ValueId, Tensor>? observer, int index, Graph bound, Tensor?[] values)
    {
        for (int i = 0; observer is not null && i < bound.Nodes[index].Outputs.Length; i++)
        {
            observer(_graph.Nodes[index].Outputs[i], values[bound.Nodes[index].Outputs[i].Index]!);
        }
    }

    private BoundGraph Bind(int batch)
    {
        lock (_bound)
        {
            int index = _bound.FindIndex(b => b.Batch == batch);
            (int Batch, BoundGraph Bound) found = index >= 0 ? _bound[index] : (batch, new BoundGraph(_graph.Bind(batch)));
            if (index >= 0 || _bound.Count == CachedBatches)
            {
                _bound.RemoveAt(index >= 0 ? index : _bound.Count - 1);
            }

            _bound.Insert(0, found);
            return found.Bound;
        }
    }

    /// <summary>Checks the inputs and gives the batch; 1 for a graph that has no free dimension.</summary>
    private int Check(IReadOnlyList<Tensor> inputs)
    {
        if (inputs.Count != _graph.Inputs.Length)
        {
            throw Mismatch("Graph", string.Create(CultureInfo.InvariantCulture, $"{_graph.Inputs.Length} inputs"), string.Create(CultureInfo.InvariantCulture, $"{inputs.Count}"));
        }

        int batch = -1;
        for (int i = 0; i < inputs.Count; i++)
        {
            Value expected = _graph[_graph.Inputs[i]];
            Shape shape = expected.Type.Shape;
            Shape found = inputs[i].Shape;
            batch = batch < 0 && shape.IsFree && found.Rank == shape.Rank ? found[shape.Dimensions.IndexOf(Shape.Free)] : batch;
            if (inputs[i].Type != expected.Type.Element || (shape.IsFree && batch < 1) || !found.Equals(shape.Bind(batch)))
            {
                throw Mismatch($"Input '{expected.Name}'", $"{expected.Type.Element}{shape}{(batch > 0 ? $" with N = {batch.ToString(CultureInfo.InvariantCulture)}" : " with N from 1")}", inputs[i].ToString());
            }
        }

        return Math.Max(batch, 1);
    }

    private static QuantizationException Mismatch(string place, string expected, string found)
        => new(QuantizationErrorCode.InputShapeMismatch, $"{place}: expected {expected}, found {found}. Give one tensor an input, all with the same number of rows.");
}
