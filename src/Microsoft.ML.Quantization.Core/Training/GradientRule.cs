using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Training;

/// <summary>
/// How one kind of node is trained. Most kinds run forward as they are evaluated and only have a way back; a kind that behaves otherwise while it is trained
/// (batch normalization) brings its own way forward.
/// </summary>
internal abstract class GradientRule
{
    /// <summary>Whether <see cref="Forward"/> stands in for the ordinary operator, for this node of this graph.</summary>
    public virtual bool HasForward(Graphs.Graph graph, Graphs.Node node) => false;

    /// <summary>Writes the outputs in training; what it returns comes back as <see cref="GradientCall.Saved"/>.</summary>
    public virtual object? Forward(OperatorCall call)
    {
        FastOperators.Run(call);
        return null;
    }

    /// <summary>Whether the rule covers this node; a kind may be covered in part (an operator of many).</summary>
    public virtual bool Covers(Graphs.Node node) => true;

    /// <summary>The gradients of the wanted inputs, each of its input's shape; null elsewhere.</summary>
    public abstract Tensor?[] Backward(GradientCall call);
}
