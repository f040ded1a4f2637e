using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.TrainingData;

/// <summary>What a network must be to be trained on rows; looked at before any row is read.</summary>
internal static class TrainingNetwork
{
    /// <summary>Refuses networks that cannot be trained.</summary>
    /// <exception cref="QuantizationException">
    /// <see cref="QuantizationErrorCode.AlreadyQuantized"/>: it holds codes; <see cref="QuantizationErrorCode.InvalidGraph"/>: several inputs or outputs, or an input that is not of floats; <see cref="QuantizationErrorCode.InputShapeMismatch"/>: the batch is not free.
    /// </exception>
    public static void Check(Graph graph)
    {
        if (graph.Inputs.Length != 1 || graph.Outputs.Length != 1)
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidGraph, $"Training: expected a network with one input and one output, found {graph.Inputs.Length} and {graph.Outputs.Length}. Cut the network down to them.");
        }

        if (graph.Values.FirstOrDefault(v => v.Type.IsCodes) is { } codes)
        {
            throw new QuantizationException(QuantizationErrorCode.AlreadyQuantized, $"Training: expected a network of floats, found codes in '{codes.Name}' {codes.Type}. Start from the float network.");
        }

        Value input = graph[graph.Inputs[0]];
        if (input.Type.Element != ElementType.Float32)
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidGraph, $"Training: expected an input of floats, found '{input.Name}' of {input.Type}.");
        }

        Shape shape = input.Type.Shape;
        if (shape.Rank == 0 || shape[0] != Shape.Free)
        {
            throw new QuantizationException(
                QuantizationErrorCode.InputShapeMismatch, $"Training: expected an input that begins with the free batch, found '{input.Name}' {shape}. Export the network with a free batch (dynamic axes).");
        }
    }
}
