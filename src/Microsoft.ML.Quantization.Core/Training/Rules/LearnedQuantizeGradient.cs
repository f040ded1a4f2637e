using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Training.Rules;

/// <summary>Quantizers in training: the method's own forward form, its backward form, and the gradients of its learned parameters.</summary>
internal sealed class LearnedQuantizeGradient : GradientRule
{
    /// <summary>What the way forward leaves.</summary>
    /// <param name="Call">What the method saw.</param>
    /// <param name="Prepared">What the method prepared.</param>
    /// <param name="Measured">New values of measured parameters, or null.</param>
    internal sealed record State(MethodCall Call, object? Prepared, float[]?[]? Measured);

    /// <inheritdoc/>
    /// <remarks>Groups lie along the leading axis, and a group takes its elements in any order.</remarks>
    public override ValueOrder Order(Graph graph, Node node) => ValueOrder.AsInput;

    /// <inheritdoc/>
    public override bool HasForward(Graph graph, Node node) => true;

    /// <inheritdoc/>
    public override object? Forward(OperatorCall call)
    {
        var node = (LearnedQuantize)call.Node;
        MethodCall use = node.Call(call.Inputs, call.Context, call.Pool);
        if (node.Site == QuantizerSites.Gradients)
        {
            call.Inputs[0].Values<float>().CopyTo(call.Outputs[0].Writable<float>());
            return new State(use, null, null);
        }

        // Outside a run (statistics measured anew) what counts is what will be deployed. A run's own place may be equal to that of evaluation.
        bool isRun = !ReferenceEquals(call.Context, MethodContext.Evaluation);
        string name = call.Graph[node.Site == QuantizerSites.Weights ? QuantizedWeights.Latent(call.Graph, node) : node.Inputs[0]].Name;
        use = use with { Curvature = call.Curvature?.Invoke(name) ?? default, Mask = call.Mask?.Invoke(name) ?? default };
        object? prepared = node.Method.Prepare(use);
        if (node.Method.KeptWidth > 0 && call.Memory is not null && isRun)
        {
            use = use with { Kept = call.Memory.Rent(node.Method.KeptWidth * use.X.Shape.Count) };
        }

        MethodShares.Forward(node.Method, use, prepared, call.Outputs[0], training: isRun);
        return new State(use, prepared, node.Method.Measure(use, prepared));
    }

    /// <inheritdoc/>
    public override Tensor?[] Backward(GradientCall call)
    {
        var node = (LearnedQuantize)call.Node;
        var state = (State)call.Saved!;
        Tensor?[] result = call.NewResult();
        Tensor dx = call.NewFor(0);
        object? prepared = node.Site == QuantizerSites.Gradients ? node.Method.Prepare(state.Call with { X = call.Gradient }) : state.Prepared;
        double[] totals = MethodShares.Backward(node.Method, state.Call, prepared, call.Gradient, dx);
        result[0] = call.Wanted[0] ? dx : null;
        Spread(node.Method, totals, call, result);
        return result;
    }

    /// <summary>Totals [groups][width] to one gradient a learned parameter.</summary>
    private static void Spread(QuantizationMethod method, double[] totals, GradientCall call, Tensor?[] result)
    {
        ImmutableArray<MethodParameter> parameters = method.Parameters;
        int width = MethodShares.Width(method);
        int first = 0;
        for (int i = 0; i < parameters.Length; i++)
        {
            if (parameters[i].Role != ParameterRole.Learned)
            {
                continue;
            }

            int own = parameters[i].Width;
            if (call.Wanted[i + 1])
            {
                result[i + 1] = call.NewFor(i + 1);
                Span<float> gradient = result[i + 1]!.Writable<float>();
                for (int j = 0; j < gradient.Length; j++)
                {
                    gradient[j] = (float)totals[(j / own * width) + first + (j % own)];
                }
            }

            first += own;
        }
    }
}
