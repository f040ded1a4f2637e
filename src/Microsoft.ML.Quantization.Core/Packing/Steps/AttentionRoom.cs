using System;
using Microsoft.ML.Quantization.Kernels;

namespace Microsoft.ML.Quantization.Packing.Steps;

/// <summary>What one thread keeps for an attention: packed operands of a head and one block of scores. Nothing is allocated later.</summary>
internal sealed class AttentionRoom : IDisposable
{
    private readonly KernelSet _kernels;
    private readonly AttentionSizes _sizes;
    private readonly FloatProduct _first;
    private readonly FloatProduct _second;
    private readonly float[] _scores;
    private readonly float[] _operand;
    private readonly float[] _result;

    public AttentionRoom(KernelSet kernels, AttentionSizes sizes)
    {
        _kernels = kernels;
        _sizes = sizes;
        int rows = sizes.BlockRows;
        _first = new FloatProduct(kernels, rows, sizes.Query.Columns, sizes.Columns);
        _second = new FloatProduct(kernels, rows, sizes.Columns, sizes.Value.Columns);
        _scores = new float[rows * sizes.Columns];
        _operand = new float[Math.Max(rows * sizes.Query.Columns, sizes.Columns * Math.Max(sizes.Query.Columns, sizes.Value.Columns))];
        _result = new float[rows * sizes.Value.Columns];
    }

    /// <summary>The right operand of the first product.</summary>
    public void PackKey(ReadOnlySpan<float> keys, int head) => _first.Pack(_kernels, _sizes.Key.Read(keys, head, 0, _sizes.Key.Rows, _operand));

    /// <summary>The right operand of the second product.</summary>
    public void PackValue(ReadOnlySpan<float> values, int head) => _second.Pack(_kernels, _sizes.Value.Read(values, head, 0, _sizes.Value.Rows, _operand));

    /// <summary>A block of scores.</summary>
    public Span<float> Scores(ReadOnlySpan<float> queries, int head, int row, int rows)
    {
        Span<float> scores = _scores.AsSpan(0, rows * _sizes.Columns);
        _first.Run(_kernels, rows, _sizes.Query.Read(queries, head, row, rows, _operand), scores);
        return scores;
    }

    /// <summary>The scores times the values, to their place.</summary>
    public void Sums(int head, int row, int rows, Span<float> results)
    {
        ReadOnlySpan<float> scores = _scores.AsSpan(0, rows * _sizes.Columns);
        if (_sizes.Result.IsDense)
        {
            int begin = _sizes.Result.Begins[head] + (row * _sizes.Result.RowStride);
            _second.Run(_kernels, rows, scores, results.Slice(begin, rows * _sizes.Result.Columns));
            return;
        }

        Span<float> result = _result.AsSpan(0, rows * _sizes.Result.Columns);
        _second.Run(_kernels, rows, scores, result);
        _sizes.Result.Write(result, head, row, results);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _first.Dispose();
        _second.Dispose();
    }

    /// <summary>A product whose right operand is packed once for several blocks of rows.</summary>
    private sealed class FloatProduct : IDisposable
    {
        private readonly int _depth;
        private readonly int _columns;
        private readonly float[] _noBias;
        private readonly PackedWeights? _packed;

        public FloatProduct(KernelSet kernels, int rows, int depth, int columns)
        {
            (_depth, _columns) = (depth, columns);
            // x + (−0) is x for every x, so that the sum of the chain passes unchanged, −0 included.
            _noBias = new float[columns];
            Array.Fill(_noBias, -0f);
            _packed = Math.Min(rows, Math.Min(depth, columns)) == 0 ? null : kernels.PackConvolutionFloat(ConvolutionGeometry.Dense(rows, depth, columns), new float[depth * columns]);
        }

        public void Pack(KernelSet kernels, ReadOnlySpan<float> matrix)
        {
            if (_packed is not null)
            {
                kernels.RepackMatrixFloat(ConvolutionGeometry.Dense(1, _depth, _columns), matrix, _packed);
            }
        }

        public void Run(KernelSet kernels, int rows, ReadOnlySpan<float> left, Span<float> result)
        {
            if (_packed is null)
            {
                result.Clear();
                return;
            }

            var geometry = ConvolutionGeometry.Dense(rows, _depth, _columns);
            kernels.ConvolutionFloat(geometry, left, _packed, _noBias, float.NegativeInfinity, float.PositiveInfinity, result, 0, kernels.CountConvolutionFloatTiles(geometry));
        }

        public void Dispose() => _packed?.Dispose();
    }
}
