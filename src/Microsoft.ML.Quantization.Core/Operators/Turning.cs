using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>Transposes, by small blocks in registers.</summary>
internal static unsafe class Turning
{
    private const int FloatBlock = 4;
    private const int ByteRows = 8;
    private const int ByteColumns = 16;

    /// <summary>to[j · toStride + i] = from[i · fromStride + j] for rows i and columns j; bits stay as they are.</summary>
    public static void Floats(float* from, int rows, int columns, int fromStride, float* to, int toStride)
    {
        int wholeRows = rows - (rows % FloatBlock);
        int wholeColumns = columns - (columns % FloatBlock);
        for (int i = 0; i < wholeRows; i += FloatBlock)
        {
            for (int j = 0; j < wholeColumns; j += FloatBlock)
            {
                Four(from + ((long)i * fromStride) + j, fromStride, to + ((long)j * toStride) + i, toStride);
            }
        }

        Rest(from, rows, columns, fromStride, to, toStride, (wholeRows, wholeColumns));
    }

    /// <summary>The same for bytes.</summary>
    public static void Bytes(byte* from, int rows, int columns, int fromStride, byte* to, int toStride)
    {
        int wholeRows = rows - (rows % ByteRows);
        int wholeColumns = columns - (columns % ByteColumns);
        for (int j = 0; j < wholeColumns; j += ByteColumns)
        {
            for (int i = 0; i < wholeRows; i += ByteRows)
            {
                Eight(from + ((long)i * fromStride) + j, fromStride, to + ((long)j * toStride) + i, toStride);
            }
        }

        Rest(from, rows, columns, fromStride, to, toStride, (wholeRows, wholeColumns));
    }

    /// <summary>to[j][i] = from[i][j] for four rows of four values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Four(float* from, int fromStride, float* to, int toStride)
    {
        Vector128<float> a = Vector128.Load(from);
        Vector128<float> b = Vector128.Load(from + fromStride);
        Vector128<float> c = Vector128.Load(from + (2L * fromStride));
        Vector128<float> d = Vector128.Load(from + (3L * fromStride));
        if (!Sse.IsSupported)
        {
            for (int j = 0; j < 4; j++)
            {
                Vector128.Create(a[j], b[j], c[j], d[j]).Store(to + ((long)j * toStride));
            }

            return;
        }

        Vector128<float> ab = Sse.UnpackLow(a, b);
        Vector128<float> cd = Sse.UnpackLow(c, d);
        Sse.MoveLowToHigh(ab, cd).Store(to);
        Sse.MoveHighToLow(cd, ab).Store(to + toStride);
        ab = Sse.UnpackHigh(a, b);
        cd = Sse.UnpackHigh(c, d);
        Sse.MoveLowToHigh(ab, cd).Store(to + (2L * toStride));
        Sse.MoveHighToLow(cd, ab).Store(to + (3L * toStride));
    }

    // What is left below and beside the blocks.
    private static void Rest<T>(T* from, int rows, int columns, int fromStride, T* to, int toStride, (int Rows, int Columns) done)
        where T : unmanaged
    {
        for (int i = 0; i < rows; i++)
        {
            for (int j = i < done.Rows ? done.Columns : 0; j < columns; j++)
            {
                to[((long)j * toStride) + i] = from[((long)i * fromStride) + j];
            }
        }
    }

    /// <summary>Eight rows of sixteen bytes: each round puts the first bit of the row's number behind the column's; after three, a register holds two columns.</summary>
    private static void Eight(byte* from, int fromStride, byte* to, int toStride)
    {
        Vector128<byte> a = Vector128.Load(from), e = Vector128.Load(from + (4L * fromStride));
        Vector128<byte> b = Vector128.Load(from + fromStride), f = Vector128.Load(from + (5L * fromStride));
        Vector128<byte> c = Vector128.Load(from + (2L * fromStride)), g = Vector128.Load(from + (6L * fromStride));
        Vector128<byte> d = Vector128.Load(from + (3L * fromStride)), h = Vector128.Load(from + (7L * fromStride));
        for (int round = 0; round < 3; round++)
        {
            (a, b, c, d, e, f, g, h) = (Low(a, e), High(a, e), Low(b, f), High(b, f), Low(c, g), High(c, g), Low(d, h), High(d, h));
        }

        Store(a, to, toStride);
        Store(b, to + (2L * toStride), toStride);
        Store(c, to + (4L * toStride), toStride);
        Store(d, to + (6L * toStride), toStride);
        Store(e, to + (8L * toStride), toStride);
        Store(f, to + (10L * toStride), toStride);
        Store(g, to + (12L * toStride), toStride);
        Store(h, to + (14L * toStride), toStride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector128<byte> columns, byte* to, int toStride)
    {
        columns.GetLower().Store(to);
        columns.GetUpper().Store(to + toStride);
    }

    /// <summary>a₀ b₀ a₁ b₁ … of the first halves.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Low(Vector128<byte> a, Vector128<byte> b)
        => Sse2.IsSupported ? Sse2.UnpackLow(a, b) : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipLow(a, b) : Interleave(a.GetLower(), b.GetLower());

    /// <summary>The same of the second halves.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> High(Vector128<byte> a, Vector128<byte> b)
        => Sse2.IsSupported ? Sse2.UnpackHigh(a, b) : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipHigh(a, b) : Interleave(a.GetUpper(), b.GetUpper());

    private static Vector128<byte> Interleave(Vector64<byte> a, Vector64<byte> b)
    {
        (Vector128<ushort> low, Vector128<ushort> high) = (Vector128.WidenLower(a.ToVector128()), Vector128.WidenLower(b.ToVector128()));
        return (low | (high << 8)).AsByte();
    }
}
