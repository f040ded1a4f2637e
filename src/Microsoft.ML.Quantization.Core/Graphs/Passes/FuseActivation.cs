using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Graphs.Nodes;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>Melts a ReLU or clip into the convolution, dense layer or addition whose only reader it is. Two clamps in a row become one.</summary>
public static class FuseActivation
{
    /// <summary>Runs the pass until nothing is left to melt.</summary>
    public static Graph Run(Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        return PassWalk.Repeat(graph, g => PassWalk.Melt(g, Match, Emit));
    }

    /// <summary>The clamp that does <paramref name="first"/>, then <paramref name="second"/>.</summary>
    internal static Activation Compose(Activation first, Activation second)
        => new(Clamp(first.Low, second), Clamp(first.High, second));

    private static float Clamp(float value, Activation by) => value < by.Low ? by.Low : value > by.High ? by.High : value;

    private static Node? Match(PassWalk walk, Node node) => node is Unary { Operator: UnaryOperator.Clip } clip && clip.Alpha <= clip.Beta
        && walk.SoleProducer(node, 0) is Convolution or Dense or Binary { Operator: BinaryOperator.Add }
        && walk.Graph[node.Output].Type.Element == Tensors.ElementType.Float32
            ? walk.Producer(node.Inputs[0])
            : null;

    private static void Emit(GraphRewriter rewriter, Node earlier, Node node)
    {
        var clip = (Unary)node;
        var clamp = new Activation(clip.Alpha, clip.Beta);
        ImmutableArray<ValueId> inputs = rewriter.Map(earlier.Inputs);
        rewriter.Emit(node, earlier switch
        {
            Convolution c => c with { Inputs = inputs, Activation = Compose(c.Activation, clamp) },
            Dense d => d with { Inputs = inputs, Activation = Compose(d.Activation, clamp) },
            Binary b => b with { Inputs = inputs, Activation = Compose(b.Activation, clamp) },
            _ => throw new InvalidOperationException($"{earlier.Kind} has no activation."),
        });
    }
}
