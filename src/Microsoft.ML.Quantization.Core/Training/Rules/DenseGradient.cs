using System;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Patches;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Training.Rules;

/// <summary>The way back through a dense layer: dX = dY · W, dW = Σ over chunks of 32 rows of dYᵀ · x, db = Σ dY; each product one chain an output.</summary>
internal sealed class DenseGradient : GradientRule
{
    /// <inheritdoc/>
    public override void Evaluate(OperatorCall call)
    {
        ConvolutionGeometry g = Geometry.Dense(call.Inputs[0].Shape, call.Inputs[1].Shape);
        Tensor? bias = call.Inputs.Length > 2 ? call.Inputs[2] : null;
        var order = PanelOrder.Dense(g.OutChannels, g.InChannels, isTurned: false);
        Products.TryForward(call, g, new Products.Operands(call.Inputs[0], call.Inputs[1], order, bias, ((Dense)call.Node).Activation, call.Outputs[0]));
    }

    /// <inheritdoc/>
    public override Tensor?[] Backward(GradientCall call)
    {
        Tensor dy = Clamps.Before(call, ((Dense)call.Node).Activation, call.Outputs[0]);
        Shape x = call.Inputs[0].Shape;
        ConvolutionGeometry g = Geometry.Dense(x, call.Inputs[1].Shape);
        Tensor?[] result = call.NewResult();
        if (call.Wanted[0])
        {
            result[0] = call.UnsetFor(0);
            var back = ConvolutionGeometry.Dense(g.Batch, g.OutChannels, g.InChannels);
            Products.Back(call, back, PatchPlacement.All(back), dy, PanelOrder.Dense(g.InChannels, g.OutChannels, isTurned: true), result[0]!);
        }

        if (call.Wanted[1])
        {
            result[1] = Products.Weights(call, g, dy, BatchSums.Chunk * (x.Rank > 1 ? g.Batch / Math.Max(x[0], 1) : 1));
        }

        if (call.Wanted.Length > 2 && call.Wanted[2])
        {
            result[2] = call.UnsetFor(2);
            BatchSums.Rows(dy.Values<float>(), g.OutChannels, result[2]!.Writable<float>());
        }

        return result;
    }
}
