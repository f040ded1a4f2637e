using System;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>A matrix of codes [depth][columns] as signed bytes [columns][depth], a shift taken off, with the sum of each column. Eight rows at a time; 32 columns at once where there are so many.</summary>
internal static unsafe class MatrixTurning
{
    private const int Block = 8;
    private const int Wide = 32;

    /// <summary>turned[n][k] = matrix[k][n] − shift, which must fit a signed byte; sums[n] = Σ of turned[n].</summary>
    public static void Run(ReadOnlySpan<byte> matrix, int depth, int columns, int shift, Span<sbyte> turned, Span<int> sums)
    {
        if (matrix.Length < depth * columns || turned.Length < depth * columns || sums.Length < columns)
        {
            throw new ArgumentException("The spans must hold the matrix, its transpose and a sum a column.", nameof(matrix));
        }

        sums[..columns].Clear();
        int whole = depth - (depth % Block);
        int wide = BitConverter.IsLittleEndian ? columns - (columns % Wide) : 0;
        fixed (byte* source = matrix)
        fixed (sbyte* target = turned)
        fixed (int* sum = sums)
        {
            for (int k = 0; k < whole; k += Block)
            {
                byte* rows = source + ((long)k * columns);
                for (int n = 0; n < wide; n += Wide)
                {
                    Many(rows + n, columns, (byte)shift, (byte*)target + ((long)n * depth) + k, depth, sum + n);
                }
            }

            Rest(source, columns, shift, target, depth, sum, (0, whole), (wide, columns));
            Rest(source, columns, shift, target, depth, sum, (whole, depth), (0, columns));
        }
    }

    private static void Rest(byte* source, int columns, int shift, sbyte* target, int depth, int* sums, (int Begin, int End) rows, (int Begin, int End) range)
    {
        for (int k = rows.Begin; k < rows.End; k++)
        {
            for (int n = range.Begin; n < range.End; n++)
            {
                int code = source[((long)k * columns) + n] - shift;
                target[((long)n * depth) + k] = (sbyte)code;
                sums[n] += code;
            }
        }
    }

    /// <summary>8 rows of 32 columns: four blocks of 8 · 8 bytes, each in a 64-bit lane, turned by exchanging single bytes, pairs and halves.</summary>
    private static void Many(byte* source, int stride, byte shift, byte* target, int depth, int* sums)
    {
        Vector256<ulong>* r = stackalloc Vector256<ulong>[Block];
        Vector256<short> low = Vector256<short>.Zero;
        Vector256<short> high = Vector256<short>.Zero;
        for (int i = 0; i < Block; i++)
        {
            Vector256<byte> row = Vector256.Load(source + ((long)i * stride)) - Vector256.Create(shift);
            (Vector256<short> first, Vector256<short> second) = Vector256.Widen(row.AsSByte());
            low += first;
            high += second;
            r[i] = row.AsUInt64();
        }

        Add(low, sums);
        Add(high, sums + Vector256<short>.Count);
        Exchange(r, 1, 8, 0x00FF00FF00FF00FF);
        Exchange(r, 2, 16, 0x0000FFFF0000FFFF);
        Exchange(r, 4, 32, 0x00000000FFFFFFFF);
        for (int lane = 0; lane < Vector256<ulong>.Count; lane++)
        {
            for (int i = 0; i < Block; i++)
            {
                *(ulong*)(target + ((long)((lane * Block) + i) * depth)) = ((ulong*)(r + i))[lane];
            }
        }
    }

    private static void Exchange(Vector256<ulong>* r, int distance, int bits, ulong mask)
    {
        Vector256<ulong> keep = Vector256.Create(mask);
        for (int i = 0; i < Block; i++)
        {
            if ((i & distance) == 0)
            {
                Vector256<ulong> moved = ((r[i] >>> bits) ^ r[i + distance]) & keep;
                r[i + distance] ^= moved;
                r[i] ^= moved << bits;
            }
        }
    }

    private static void Add(Vector256<short> values, int* sums)
    {
        (Vector256<int> low, Vector256<int> high) = Vector256.Widen(values);
        (Vector256.Load(sums) + low).Store(sums);
        (Vector256.Load(sums + Vector256<int>.Count) + high).Store(sums + Vector256<int>.Count);
    }
}
