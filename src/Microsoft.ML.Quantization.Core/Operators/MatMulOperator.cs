using System;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>Matrix products of two values on the kernel set: the right-hand matrices are packed one at a time, constant ones once.</summary>
internal static class MatMulOperator
{
    private const int Offset = 128;

    /// <summary>The longest sum for which Σ a·b' + bias stays inside int32 too: (255 · 128 + 255 · 255) · K.</summary>
    private const int LongestKernelDepth = int.MaxValue / ((255 * 128) + (255 * 255));

    /// <summary>Products of floats.</summary>
    public static void Run(OperatorCall call)
    {
        var products = MatrixProducts.Of(call.Inputs[0].Shape, call.Inputs[1].Shape);
        if (products.Count == 1 && products.Depth > 0 && WeightCache.IsConstant(call, 1))
        {
            WithConstant(call, products);
            return;
        }

        Shares.Run(call.Pool, products.Count, 1, (call, products), static (t, begin, end) =>
        {
            using var work = new MatrixWork(t.call.Kernels, t.products, codes: false);
            for (int i = begin; i < end; i++)
            {
                work.Floats(i, t.call.Inputs[0].Values<float>(), t.call.Inputs[1].Values<float>(), t.call.Outputs[0].Writable<float>());
            }
        });
    }

    /// <summary>Products of codes.</summary>
    public static void Codes(OperatorCall call)
    {
        var products = MatrixProducts.Of(call.Inputs[0].Shape, call.Inputs[1].Shape);
        int leftShift = call.Inputs[0].Type == ElementType.Int8 ? Offset : 0;
        int rightShift = call.Inputs[1].Type == ElementType.Int8 ? Offset : 0;
        using Rented left = SignedCodes.ToUnsigned(call.Pool, call.Inputs[0], leftShift);
        using Rented right = SignedCodes.ToUnsigned(call.Pool, call.Inputs[1], rightShift);
        var codes = new CodeProducts(call, products, left.Tensor, right.Tensor, Zero(call, 0) + leftShift, Zero(call, 1) + rightShift);
        bool kernel = products.Depth <= LongestKernelDepth;
        Shares.Run(call.Pool, products.Count, 1, codes, kernel ? static (c, begin, end) => c.OnKernels(begin, end) : static (c, begin, end) => c.Plainly(begin, end));
    }

    private static int Zero(OperatorCall call, int input) => call.Graph[call.Node.Inputs[input]].Type.Quantization!.Single.ZeroPoint;

    private static void WithConstant(OperatorCall call, MatrixProducts products)
    {
        ConvolutionGeometry geometry = products.Geometry;
        PackedWeights Pack()
        {
            PackedWeights made = call.Kernels.PackConvolutionFloat(geometry, new float[products.Depth * products.Columns]);
            call.Kernels.RepackMatrixFloat(geometry, call.Inputs[1].Values<float>(), made);
            return made;
        }

        PackedWeights packed = WeightCache.Get(call.Inputs[1], call.Kernels, typeof(MatMul), Pack);
        var bias = new float[products.Columns];
        Array.Fill(bias, -0f);
        ConvolutionOperators.Multiply(call, geometry, call.Inputs[0], packed, bias, Activation.None, call.Outputs[0]);
    }

    private sealed record CodeProducts(OperatorCall Call, MatrixProducts Products, Tensor Left, Tensor Right, int LeftZero, int RightZero)
    {
        public void OnKernels(int begin, int end)
        {
            using var work = new MatrixWork(Call.Kernels, Products, codes: true);
            var epilogue = new IntegerEpilogue { Output = AccumulatorOutput.Int32 };
            for (int i = begin; i < end; i++)
            {
                work.Codes(i, Left.Values<byte>(), LeftZero, Right.Values<byte>(), RightZero, Offset, epilogue, Call.Outputs[0].WritableBytes, sizeof(int));
            }
        }

        public void Plainly(int begin, int end)
        {
            for (int i = begin * Products.ResultLength; i < end * Products.ResultLength; i++)
            {
                int product = i / Products.ResultLength;
                int row = i % Products.ResultLength / Products.Columns;
                ReadOnlySpan<byte> a = Left.Values<byte>().Slice(Products.Left[product] + (row * Products.Depth), Products.Depth);
                ReadOnlySpan<byte> b = Right.Values<byte>()[(Products.Right[product] + (i % Products.Columns))..];
                long sum = 0;
                for (int k = 0; k < a.Length; k++)
                {
                    sum += (a[k] - LeftZero) * (b[k * Products.Columns] - RightZero);
                }

                Call.Outputs[0].Writable<int>()[i] = Accumulators.Narrow(Call.Node, sum);
            }
        }
    }
}
