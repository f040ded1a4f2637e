using System;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Onnx.Import;

/// <summary>Layers whose weights are stored as codes in blocks along their inputs.</summary>
internal static class BlockedLinearOperators
{
    private const int ByteBits = 8;

    /// <summary>
    /// ONNX Runtime's MatMulNBits: y = x · wᵀ (+ bias), w[n][k] = (code − zero) · scale of the block of k. With zeros in the middle, 2^(bits−1), it is a <see cref="GroupedDense"/>, whose
    /// inputs are quantized row by row (accuracy_level is not looked at); with others it becomes a float layer, and a warning says so.
    /// </summary>
    public static ImportValue MatMulNBits(NodeCall call)
    {
        call.RequireFloat(0);
        var blocks = new Blocks(call);
        Tensor scales = call.Constant(2, "the scales");
        call.RequireValid(scales.Type == ElementType.Float32 && scales.Shape.Count == blocks.Count, $"{blocks.Count} float scales, found {scales}");
        call.RequireSupported(!call.Has(4), "g_idx (blocks in another order) is not supported");
        ImportValue x = call.Input(0);
        call.RequireValid(x.Shape.Rank > 0 && x.Shape[-1] == blocks.Inputs, $"an input [.., {blocks.Inputs}], found {x.Shape}");
        float[] zeros = blocks.Zeros();
        bool middle = zeros.All(z => z == blocks.Middle);
        ImportValue weights = (middle ? Codes(call, blocks, scales.Values<float>()) : null) ?? Floats(call, blocks, scales.Values<float>(), zeros, middle);
        ImmutableArray<ImportValue> inputs = call.Has(5) ? [x, weights, call.NewConstant(call.Constant(5, "the bias"))] : [x, weights];
        return call.Emit(weights.Type.IsCodes ? new GroupedDense() : new Dense(), inputs);
    }

    /// <summary>Codes less their middle with positive scales: a negative scale changes the signs of its block, for which one bit more may be needed; null where 8 bits do not hold that.</summary>
    private static ImportValue? Codes(NodeCall call, Blocks blocks, ReadOnlySpan<float> scales)
    {
        bool negative = scales.ContainsAnyInRange(float.NegativeInfinity, -float.Epsilon);
        int bits = blocks.Bits + (negative ? 1 : 0);
        bool finite = !scales.ContainsAnyExceptInRange(float.MinValue, float.MaxValue);
        if (bits > ByteBits || !finite || Math.Min(blocks.Size, blocks.Inputs) > GroupedDense.LongestGroup)
        {
            return null;
        }

        call.Context.Budget.Reserve((long)blocks.Outputs * blocks.Inputs, call.Place);
        Tensor codes = Tensor.Allocate(ElementType.Int8, Shape.Of(blocks.Outputs, blocks.Inputs));
        Span<sbyte> values = codes.Writable<sbyte>();
        for (int i = 0; i < values.Length; i++)
        {
            int sign = Math.Sign(scales[blocks.BlockOf(i)]);
            values[i] = (sbyte)((blocks.Code(i) - blocks.Middle) * sign);
        }

        var type = new CodeType(new BitWidth(bits), true);
        var quantizer = new AffineQuantization
        {
            Code = type,
            Range = type.Range,
            Granularity = Granularity.PerGroup,
            Axis = 1,
            GroupSize = blocks.Size,
            Scales = [.. scales.ToArray().Select(s => s == 0 ? 1 : Math.Abs(s))],
            ZeroPoints = [.. new int[blocks.Count]],
        };
        return ImportValue.Of(call.Context.Fresh(call.OutputName + "/Weights"), codes, quantization: quantizer);
    }

    private static ImportValue Floats(NodeCall call, Blocks blocks, ReadOnlySpan<float> scales, float[] zeros, bool middle)
    {
        call.Context.Warnings.Add($"{call.Place}: {(middle ? "its scales" : "its zero points")} have no form in groups of codes; its weights became floats.");
        call.Context.Budget.Reserve((long)blocks.Outputs * blocks.Inputs * sizeof(float), call.Place);
        Tensor weights = Tensor.Allocate(ElementType.Float32, Shape.Of(blocks.Outputs, blocks.Inputs));
        Span<float> values = weights.Writable<float>();
        for (int i = 0; i < values.Length; i++)
        {
            int block = blocks.BlockOf(i);
            values[i] = (blocks.Code(i) - zeros[block]) * scales[block];
        }

        return call.NewConstant(weights);
    }

    /// <summary>The stored codes: [outputs][blocks][bytes of a block], the first code of a byte in its low bits; zero points alike, [outputs][bytes of its blocks].</summary>
    private sealed class Blocks
    {
        private readonly NodeCall _call;
        private readonly byte[] _codes;
        private readonly int _blocksOfRow;

        public Blocks(NodeCall call)
        {
            _call = call;
            Inputs = call.Attributes.Int("K", 0);
            Outputs = call.Attributes.Int("N", 0);
            Bits = call.Attributes.Int("bits", 4);
            Size = call.Attributes.Int("block_size", 0);
            call.RequireSupported(Bits is 2 or 4 or 8, $"weights of {Bits} bits are not supported");
            call.RequireValid(Inputs > 0 && Outputs > 0 && Size is >= 8 and <= 1 << 24, $"K, N and block_size from 8, found {Inputs}, {Outputs} and {Size}");
            Tensor stored = call.Constant(1, "the weights");
            _blocksOfRow = (Inputs + Size - 1) / Size;
            long bytes = (long)Outputs * _blocksOfRow * BlockBytes;
            call.RequireValid(stored.Type == ElementType.UInt8 && stored.Shape.Count == bytes, $"{bytes} bytes of weights, found {stored}");
            _codes = stored.Values<byte>().ToArray();
        }

        public int Inputs { get; }

        public int Outputs { get; }

        public int Bits { get; }

        public int Size { get; }

        public int Middle => 1 << (Bits - 1);

        public int Count => Outputs * _blocksOfRow;

        private int BlockBytes => ((Size * Bits) + ByteBits - 1) / ByteBits;

        /// <summary>The block of a weight, both counted in row-major order.</summary>
        public int BlockOf(int weight) => (weight / Inputs * _blocksOfRow) + (weight % Inputs / Size);

        /// <summary>The stored code of a weight.</summary>
        public int Code(int weight) => Read(_codes, BlockOf(weight) * (long)BlockBytes, weight % Inputs % Size);

        /// <summary>The zero point of every block.</summary>
        public float[] Zeros()
        {
            if (!_call.Has(3))
            {
                return [.. Enumerable.Repeat((float)Middle, Count)];
            }

            Tensor stored = _call.Constant(3, "the zero points");
            if (stored.Type == ElementType.Float32)
            {
                _call.RequireValid(stored.Shape.Count == Count, $"{Count} zero points, found {stored}");
                return stored.Values<float>().ToArray();
            }

            int rowBytes = ((_blocksOfRow * Bits) + ByteBits - 1) / ByteBits;
            _call.RequireValid(stored.Type == ElementType.UInt8 && stored.Shape.Count == (long)rowBytes * Outputs, $"{(long)rowBytes * Outputs} bytes of zero points, found {stored}");
            byte[] bytes = stored.Values<byte>().ToArray();
            return [.. Enumerable.Range(0, Count).Select(i => (float)Read(bytes, (long)(i / _blocksOfRow) * rowBytes, i % _blocksOfRow))];
        }

        private int Read(byte[] bytes, long start, int index)
            => (bytes[start + ((long)index * Bits / ByteBits)] >> (index * Bits % ByteBits)) & ((1 << Bits) - 1);
    }
}
