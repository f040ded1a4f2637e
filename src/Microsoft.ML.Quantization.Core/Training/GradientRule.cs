using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Training;

/// <summary>In which order of its elements a rule takes and gives activations [N, C, ..].</summary>
internal enum ValueOrder
{
    /// <summary>The graph's.</summary>
    Planar,

    /// <summary>Channels last.</summary>
    ChannelsLast,

    /// <summary>Either: channels-last where an input is.</summary>
    AsInput,
}

/// <summary>
/// How one kind of node is trained. Most kinds run forward as they are evaluated and only have a way back; a kind that behaves otherwise while it is trained
/// (batch normalization) brings its own way forward.
/// </summary>
internal abstract class GradientRule
{
    /// <summary>The order of activations, forward and back; a rule that says nothing gets the graph's own.</summary>
    public virtual ValueOrder Order(Graph graph, Node node) => ValueOrder.Planar;

    /// <summary>Whether an input is an activation, so that it comes in the order asked for; weights never do.</summary>
    public virtual bool IsActivation(int input) => input == 0;

    /// <summary>Whether <see cref="Forward"/> stands in for the ordinary operator, for this node of this graph.</summary>
    public virtual bool HasForward(Graph graph, Node node) => false;

    /// <summary>Writes the outputs in training; what it returns comes back as <see cref="GradientCall.Saved"/>.</summary>
    public virtual object? Forward(OperatorCall call)
    {
        Evaluate(call);
        return null;
    }

    /// <summary>Writes the outputs as the ordinary operator does, bit for bit.</summary>
    public virtual void Evaluate(OperatorCall call) => FastOperators.Run(call);

    /// <summary>Whether the rule covers this node; a kind may be covered in part (an operator of many).</summary>
    public virtual bool Covers(Node node) => true;

    /// <summary>The gradients of the wanted inputs, each of its input's shape; null elsewhere.</summary>
    public abstract Tensor?[] Backward(GradientCall call);
}
