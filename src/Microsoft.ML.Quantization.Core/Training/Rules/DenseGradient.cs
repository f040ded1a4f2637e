using System;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Training.Rules;

/// <summary>The way back through a dense layer: dX = dY · W, dW = Σ over chunks of 32 rows of dYᵀ · x, db = Σ dY; each product one chain an output.</summary>
internal sealed class DenseGradient : GradientRule
{
    /// <inheritdoc/>
    public override Tensor?[] Backward(GradientCall call)
    {
        Tensor dy = Clamps.Before(call.Pool, ((Dense)call.Node).Activation, call.Outputs[0], call.Gradient);
        Shape x = call.Inputs[0].Shape;
        int outputs = call.Inputs[1].Shape[0];
        int inputs = call.Inputs[1].Shape[1];
        int rows = x.CountOf(0, x.Rank - 1);
        Tensor?[] result = call.NewResult();
        if (call.Wanted[0])
        {
            result[0] = call.NewFor(0);
            using Rented turned = Rented.New(ElementType.Float32, Shape.Of(inputs, outputs));
            BatchSums.Turn(call.Pool, call.Inputs[1], 0, inputs, (outputs, inputs), turned.Tensor);
            Products.Run(call, ConvolutionGeometry.Dense(rows, outputs, inputs), dy, turned.Tensor.Values<float>(), result[0]!);
        }

        if (call.Wanted[1])
        {
            result[1] = WeightGradient(call, dy, (rows, outputs, inputs), BatchSums.Chunk * (x.Rank > 1 ? rows / Math.Max(x[0], 1) : 1));
        }

        if (call.Wanted.Length > 2 && call.Wanted[2])
        {
            result[2] = call.NewFor(2);
            BatchSums.Rows(dy.Values<float>(), outputs, result[2]!.Writable<float>());
        }

        return result;
    }

    private static Tensor WeightGradient(GradientCall call, Tensor dy, (int Rows, int Outputs, int Inputs) size, int chunk)
    {
        Tensor dw = call.NewFor(1);
        for (int first = 0; first < size.Rows; first += chunk)
        {
            int count = Math.Min(chunk, size.Rows - first);
            using Rented left = Rented.New(ElementType.Float32, Shape.Of(size.Outputs, count));
            using Rented right = Rented.New(ElementType.Float32, Shape.Of(size.Inputs, count));
            using Rented product = Rented.New(ElementType.Float32, dw.Shape);
            BatchSums.Turn(call.Pool, dy, first * size.Outputs, size.Outputs, (count, size.Outputs), left.Tensor);
            BatchSums.Turn(call.Pool, call.Inputs[0], first * size.Inputs, size.Inputs, (count, size.Inputs), right.Tensor);
            Products.Run(call, ConvolutionGeometry.Dense(size.Outputs, count, size.Inputs), left.Tensor, right.Tensor.Values<float>(), product.Tensor);
            BatchSums.Accumulate(dw.Writable<float>(), product.Tensor.Values<float>());
        }

        return dw;
    }
}
