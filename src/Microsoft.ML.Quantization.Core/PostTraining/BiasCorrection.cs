using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.PostTraining;

/// <summary>
/// Rounding shifts the mean of a layer's outputs by E[(ŵ − w)·x̂]; the bias takes it back: b ← b − E[(ŵ − w)·x̂] for each output channel, x̂ being the layer's
/// quantized input, the mean over rows and positions, in double (Nagel et al., "Data-free quantization through weight equalization and bias correction", 2019, equation 17).
/// </summary>
public static class BiasCorrection
{
    /// <summary>Corrects every convolution and dense layer with quantized constant weights.</summary>
    /// <param name="graph">The fake-quantized network.</param>
    /// <param name="batches">Rows; one tensor an input.</param>
    /// <param name="operators">What runs them.</param>
    /// <param name="cancellationToken">Looked at before each node and batch.</param>
    public static Graph Run(Graph graph, IReadOnlyList<IReadOnlyList<Tensor>> batches, OperatorTable operators, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(batches);
        Dictionary<string, LayerShift> shifts = Shifts(graph, operators);
        using var evaluator = new Evaluator(graph, operators);
        foreach (IReadOnlyList<Tensor> batch in batches)
        {
            cancellationToken.ThrowIfCancellationRequested();
            evaluator.Run(batch, (id, tensor) => Observe(shifts, id, tensor), cancellationToken);
        }

        var rewriter = new GraphRewriter(graph);
        foreach (Node node in graph.Nodes)
        {
            if (!shifts.TryGetValue(node.Name, out LayerShift? shift))
            {
                rewriter.Copy(node);
                continue;
            }

            Value? bias = node.Inputs.Length > 2 ? graph[node.Inputs[2]] : null;
            ValueId corrected = rewriter.Builder.AddConstant(bias?.Name ?? node.Name + ".bias", shift.Correct(bias?.Constant), isTrainable: bias?.IsTrainable ?? false);
            rewriter.Emit(node, node with { Inputs = [rewriter.Map(node.Inputs[0]), rewriter.Map(node.Inputs[1]), corrected] });
        }

        Graph result = rewriter.Build();
        GraphVerifier.Verify(result);
        return result;
    }

    private static void Observe(Dictionary<string, LayerShift> shifts, ValueId id, Tensor tensor)
    {
        foreach (LayerShift shift in shifts.Values.Where(s => s.Input == id))
        {
            shift.Observe(tensor);
        }
    }

    private static Dictionary<string, LayerShift> Shifts(Graph graph, OperatorTable operators)
    {
        Node?[] producers = graph.Producers();
        var shifts = new Dictionary<string, LayerShift>(StringComparer.Ordinal);
        foreach (Node node in graph.Nodes.Where(n => n is Convolution or Dense))
        {
            bool constant = node.Inputs.Length < 3 || graph[node.Inputs[2]].Constant is not null;
            if (constant && producers[node.Inputs[1].Index] is FakeQuantize fake && graph[fake.Inputs[0]].Constant is { } weights)
            {
                Tensor rounded = fake.Quantizer(graph).Decode(fake.Quantizer(graph).Encode(weights));
                shifts[node.Name] = new LayerShift(graph, node, weights, rounded, operators);
            }
        }

        return shifts;
    }
}
