using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.Training;

/// <summary>One node on its way back: what it read and wrote on the way forward, and the gradient of the loss with respect to what it wrote.</summary>
/// <param name="Node">The node.</param>
/// <param name="Inputs">One tensor an input, the values of the forward pass.</param>
/// <param name="Outputs">One tensor an output, as the node wrote it.</param>
/// <param name="OutputGradients">One gradient an output, of its shape; null where nothing reads the output.</param>
/// <param name="Wanted">For each input, whether its gradient is needed.</param>
/// <param name="Saved">What the rule's own forward form kept, or null.</param>
/// <param name="Kernels">The kernel set.</param>
/// <param name="Pool">The threads.</param>
/// <param name="Memory">Memory of the step; a gradient made in it lives as long as the pass.</param>
internal sealed record GradientCall(
    Node Node, Tensor[] Inputs, Tensor[] Outputs, Tensor?[] OutputGradients, bool[] Wanted, object? Saved, KernelSet Kernels, WorkerPool Pool, StepMemory Memory)
{
    /// <summary>Whether activations and their gradients lie channels-last (<see cref="GradientRule.Order"/>).</summary>
    public bool IsChannelsLast { get; init; }

    /// <summary>The gradient of the first output.</summary>
    public Tensor Gradient => OutputGradients[0]!;

    /// <summary>Zeros of the shape of an input.</summary>
    public Tensor NewFor(int input) => Memory.Zeros(ElementType.Float32, Inputs[input].Shape);

    /// <summary>A tensor of the shape of an input with undefined contents, for a rule that writes every element.</summary>
    public Tensor UnsetFor(int input) => Memory.Rent(ElementType.Float32, Inputs[input].Shape);

    /// <summary>A place for each input's gradient.</summary>
    public Tensor?[] NewResult() => new Tensor?[Inputs.Length];
}
