using System;
using Microsoft.ML.Quantization.Kernels;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>What one thread needs to run products of two computed matrices, one after the other: packed memory that each product writes anew. Nothing is allocated later.</summary>
internal sealed class MatrixWork : IDisposable
{
    private readonly KernelSet _kernels;
    private readonly MatrixProducts _products;
    private readonly ConvolutionGeometry _geometry;
    private readonly PackedWeights? _packed;
    private readonly float[] _noBias = [];
    private readonly sbyte[] _turned = [];
    private readonly int[] _bias = [];
    private readonly int _tiles;

    /// <summary>Makes room for products of floats or of codes.</summary>
    public MatrixWork(KernelSet kernels, MatrixProducts products, bool codes)
    {
        _kernels = kernels;
        _products = products;
        _geometry = products.Geometry;
        int length = products.Depth * products.Columns;
        if (products.Count == 0 || products.Depth == 0)
        {
            return;
        }

        if (codes)
        {
            _turned = new sbyte[length];
            _bias = new int[products.Columns];
            _packed = kernels.PackConvolutionByte(_geometry, _turned);
            _tiles = kernels.CountConvolutionByteTiles(_geometry);
            return;
        }

        // x + (−0) is x for every x, so that the sum of the chain passes unchanged, −0 included.
        _noBias = new float[products.Columns];
        Array.Fill(_noBias, -0f);
        _packed = kernels.PackConvolutionFloat(_geometry, new float[length]);
        _tiles = kernels.CountConvolutionFloatTiles(_geometry);
    }

    /// <summary>One product of floats: chains of fused multiply-adds.</summary>
    public void Floats(int index, ReadOnlySpan<float> left, ReadOnlySpan<float> right, Span<float> results)
    {
        Span<float> result = results.Slice(index * _products.ResultLength, _products.ResultLength);
        if (_packed is null)
        {
            result.Clear();
            return;
        }

        _kernels.RepackMatrixFloat(_geometry, right.Slice(_products.Right[index], _products.Depth * _products.Columns), _packed);
        ReadOnlySpan<float> rows = left.Slice(_products.Left[index], _products.Rows * _products.Depth);
        _kernels.ConvolutionFloat(_geometry, rows, _packed, _noBias, float.NegativeInfinity, float.PositiveInfinity, result, 0, _tiles);
    }

    /// <summary>
    /// One product of unsigned codes. With b' = b − shift, which must fit a signed byte, and z' = zb − shift: Σ (a − za)(b' − z') = Σ a·b' − za·Σ (b' − z') − z'·Σ a; the middle term is the
    /// kernel's bias, the last one (0 for shift = zb) is taken off the accumulators behind it.
    /// </summary>
    /// <param name="index">Which product.</param>
    /// <param name="left">a.</param>
    /// <param name="leftZero">za.</param>
    /// <param name="right">b.</param>
    /// <param name="rightZero">zb.</param>
    /// <param name="shift">Taken off b.</param>
    /// <param name="epilogue">Without its bias; accumulators unless <paramref name="shift"/> is <paramref name="rightZero"/>.</param>
    /// <param name="results">Bytes of all results.</param>
    /// <param name="size">Bytes of one element.</param>
    public void Codes(int index, ReadOnlySpan<byte> left, int leftZero, ReadOnlySpan<byte> right, int rightZero, int shift, in IntegerEpilogue epilogue, Span<byte> results, int size)
    {
        Span<byte> result = results.Slice(index * _products.ResultLength * size, _products.ResultLength * size);
        if (_packed is null)
        {
            result.Clear();
            return;
        }

        MatrixTurning.Run(right.Slice(_products.Right[index], _products.Depth * _products.Columns), _products.Depth, _products.Columns, shift, _turned, _bias);
        for (int column = 0; column < _bias.Length; column++)
        {
            _bias[column] = -leftZero * (_bias[column] - (_products.Depth * (rightZero - shift)));
        }

        _kernels.RepackConvolutionByte(_geometry, _turned, _packed);
        ReadOnlySpan<byte> rows = left.Slice(_products.Left[index], _products.Rows * _products.Depth);
        _kernels.ConvolutionByte(_geometry, rows, 0, _packed, epilogue with { Bias = _bias }, result, 0, _tiles);
        if (shift != rightZero)
        {
            Correct(rows, rightZero - shift, System.Runtime.InteropServices.MemoryMarshal.Cast<byte, int>(result));
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _packed?.Dispose();

    private void Correct(ReadOnlySpan<byte> rows, int zero, Span<int> accumulators)
    {
        for (int row = 0; row < _products.Rows; row++)
        {
            int sum = 0;
            foreach (byte code in rows.Slice(row * _products.Depth, _products.Depth))
            {
                sum += code;
            }

            foreach (ref int accumulator in accumulators.Slice(row * _products.Columns, _products.Columns))
            {
                accumulator -= zero * sum;
            }
        }
    }
}
