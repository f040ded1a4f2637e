using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>Dense layers with weights in groups on the kernel set: rows to codes, then the product.</summary>
internal static class GroupedDenseOperator
{
    private const int SmallestRows = 4;

    /// <summary>The sizes of a layer x [.., K], w [O, K]: all leading axes are rows. Packed scales are floats unless they are known to be halves.</summary>
    public static GroupedGeometry Geometry(Shape input, Shape weights, AffineQuantization quantizer, int scaleBits = 32)
        => new(input.CountOf(0, input.Rank - 1), weights[1], weights[0], quantizer.GroupSize, quantizer.Code.Bits.Bits) { ScaleBits = scaleBits };

    public static void Run(OperatorCall call)
    {
        AffineQuantization quantizer = call.Graph[call.Node.Inputs[1]].Type.Quantization!;
        GroupedGeometry geometry = Geometry(call.Inputs[0].Shape, call.Inputs[1].Shape, quantizer);
        GroupedGeometry one = Geometry(Shape.Of(1, geometry.Inputs), call.Inputs[1].Shape, quantizer);
        PackedWeights packed = WeightCache.Get(call.Inputs[1], call.Kernels, quantizer, () => call.Kernels.PackGroupedDense(one, call.Inputs[1].Values<sbyte>(), quantizer.Scales.AsSpan()));
        var work = new Work(call, geometry, packed);
        Shares.Run(call.Pool, geometry.Rows, SmallestRows, work, static (w, begin, end) => w.Quantize(begin, end));
        Shares.Run(call.Pool, geometry.Rows == 0 ? 0 : call.Kernels.CountGroupedDenseTiles(geometry), 1, work, static (w, begin, end) => w.Multiply(begin, end));
    }

    private sealed class Work(OperatorCall call, GroupedGeometry geometry, PackedWeights packed)
    {
        private readonly sbyte[] _codes = new sbyte[geometry.Rows * geometry.RowStride];
        private readonly int[] _sums = new int[geometry.Rows * geometry.Groups];
        private readonly float[] _scales = new float[geometry.Rows];
        private readonly float[] _bias = call.Inputs.Length > 2 ? call.Inputs[2].Values<float>().ToArray() : new float[geometry.Outputs];

        public void Quantize(int begin, int end) => call.Kernels.QuantizeRows(geometry, call.Inputs[0].Values<float>(), _codes, _sums, _scales, begin, end);

        public void Multiply(int begin, int end)
        {
            Activation activation = ((GroupedDense)call.Node).Activation;
            call.Kernels.GroupedDense(geometry, _codes, _sums, _scales, packed, _bias, activation.Low, activation.High, call.Outputs[0].Writable<float>(), begin, end);
        }
    }
}
