using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>Integer convolutions and dense layers: on the kernel set where its bytes hold the weights and the bound is proved, otherwise by exact plain loops.</summary>
internal static class IntegerProductOperators
{
    private const int Offset = 128;

    public static void Convolution(OperatorCall call)
    {
        var node = (IntegerConvolution)call.Node;
        Run(call, Geometry.Convolution(node.Window, node.Groups, call.Inputs[0].Shape, call.Outputs[0].Shape), node.Window);
    }

    public static void Dense(OperatorCall call) => Run(call, Geometry.Dense(call.Inputs[0].Shape, call.Inputs[1].Shape), null);

    private static void Run(OperatorCall call, ConvolutionGeometry geometry, Window? window)
    {
        IntegerProductPlan plan = IntegerProductPlan.Of(call, geometry);
        int shift = call.Inputs[0].Type == ElementType.Int8 ? Offset : 0;
        AffineParameters codes = call.Graph[call.Node.Inputs[0]].Type.Quantization!.Single;
        int zero = codes.MidRiseTop == 0 ? codes.ZeroPoint : codes.MidRiseTop;
        int[]? bias = plan.FoldedBias(call.Inputs.Length > 2 ? call.Inputs[2].Values<int>() : default, zero + shift);
        if (bias is null)
        {
            Plain(call, geometry, plan, codes);
            return;
        }

        using Rented unsigned = codes.MidRiseTop == 0 ? SignedCodes.ToUnsigned(call.Pool, call.Inputs[0], shift) : SignedCodes.Doubled(call, call.Inputs[0]);
        using Rented source = window is null ? Rented.Borrow(unsigned.Tensor) : ChannelLayout.ToChannelsLast(call.Pool, unsigned.Tensor);
        using Rented result = window is null ? Rented.Borrow(call.Outputs[0]) : ChannelLayout.ForResult(call.Outputs[0]);
        var work = new Work(call.Kernels, geometry, source.Tensor, (byte)(zero + shift), plan, bias, result.Tensor);
        int count = geometry.IsDepthwise ? geometry.Batch * geometry.OutDepth * geometry.OutHeight : call.Kernels.CountConvolutionByteTiles(geometry);
        Shares.Run(call.Pool, count, 1, work, static (w, begin, end) => w.Run(begin, end));
        if (window is not null)
        {
            ChannelLayout.Deliver(call.Pool, result, call.Outputs[0]);
        }
    }

    private static void Plain(OperatorCall call, ConvolutionGeometry geometry, IntegerProductPlan plan, AffineParameters group)
    {
        var codes = new int[call.Inputs[0].Shape.Count];
        CodeRuns.Read(call.Inputs[0], 0, codes);
        for (int i = 0; i < codes.Length; i++)
        {
            codes[i] = group.ValueOf(codes[i]);
        }

        var work = new PlainProduct(call, geometry, codes, plan.Weights);
        Shares.Run(call.Pool, geometry.Batch * geometry.OutChannels, 1, work, static (w, begin, end) => w.Run(begin, end));
    }

    private sealed record Work(KernelSet Kernels, ConvolutionGeometry Geometry, Tensor Source, byte Padding, IntegerProductPlan Plan, int[] Bias, Tensor Result)
    {
        public void Run(int begin, int end)
        {
            var epilogue = new IntegerEpilogue { Bias = Bias, Output = AccumulatorOutput.Int32 };
            if (Plan.Packed is { } packed)
            {
                Kernels.ConvolutionByte(Geometry, Source.Values<byte>(), Padding, packed, epilogue, Result.WritableBytes, begin, end);
            }
            else
            {
                Kernels.DepthwiseByte(Geometry, Source.Values<byte>(), Padding, Plan.DepthwiseWeights, epilogue, Result.WritableBytes, begin, end);
            }
        }
    }

    /// <summary>One output plane after the other, in 64 bits; a dense layer is one pixel.</summary>
    private sealed record PlainProduct(OperatorCall Call, ConvolutionGeometry Geometry, int[] Codes, int[] Weights)
    {
        public void Run(int begin, int end)
        {
            int pixels = Geometry.OutDepth * Geometry.OutHeight * Geometry.OutWidth;
            for (int plane = begin; plane < end; plane++)
            {
                for (int pixel = 0; pixel < pixels; pixel++)
                {
                    Call.Outputs[0].Writable<int>()[(plane * pixels) + pixel] = Accumulators.Narrow(Call.Node, Sum(plane, pixel));
                }
            }
        }

        private long Sum(int plane, int pixel)
        {
            ConvolutionGeometry g = Geometry;
            int o = plane % g.OutChannels;
            int first = ((plane / g.OutChannels) * g.InChannels) + (o / g.GroupOutChannels * g.GroupInChannels);
            int size = g.InDepth * g.InHeight * g.InWidth;
            long sum = Call.Inputs.Length > 2 ? Call.Inputs[2].Values<int>()[o] : 0;
            for (int tap = 0; tap < g.Taps; tap++)
            {
                int source = Source(g, pixel, tap);
                int weight = ((o * g.Taps) + tap) * g.GroupInChannels;
                for (int c = 0; c < g.GroupInChannels && source >= 0; c++)
                {
                    sum += (long)Codes[((first + c) * size) + source] * Weights[weight + c];
                }
            }

            return sum;
        }

        private static int Source(in ConvolutionGeometry g, int pixel, int tap)
        {
            int d = (pixel / g.OutWidth / g.OutHeight * g.StrideDepth) - g.PadDepth + (tap / g.KernelWidth / g.KernelHeight * g.DilationDepth);
            int h = (pixel / g.OutWidth % g.OutHeight * g.StrideHeight) - g.PadHeight + (tap / g.KernelWidth % g.KernelHeight * g.DilationHeight);
            int w = (pixel % g.OutWidth * g.StrideWidth) - g.PadWidth + (tap % g.KernelWidth * g.DilationWidth);
            bool inside = (uint)d < (uint)g.InDepth && (uint)h < (uint)g.InHeight && (uint)w < (uint)g.InWidth;
            return inside ? (((d * g.InHeight) + h) * g.InWidth) + w : -1;
        }
    }
}
