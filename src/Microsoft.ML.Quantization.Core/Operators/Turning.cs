using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>Transposes, by small blocks in registers.</summary>
internal static unsafe class Turning
{
    private const int FloatBlock = 4;
    private const int ByteBlock = 16;
    private const int HalfBlock = 8;

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
        int wholeRows = rows - (rows % HalfBlock);
        int wholeColumns = columns - (columns % ByteBlock);
        for (int j = 0; j < wholeColumns; j += ByteBlock)
        {
            int i = 0;
            for (; i + ByteBlock <= wholeRows; i += ByteBlock)
            {
                Sixteen(from + ((long)i * fromStride) + j, fromStride, to + ((long)j * toStride) + i, toStride);
            }

            if (i < wholeRows)
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

    /// <summary>Sixteen rows of sixteen bytes.</summary>
    private static void Sixteen(byte* from, int fromStride, byte* to, int toStride)
    {
        Pairs(from, fromStride, out Vector128<byte> a, out Vector128<byte> b, out Vector128<byte> c, out Vector128<byte> d, out Vector128<byte> e, out Vector128<byte> f, out Vector128<byte> g, out Vector128<byte> h);
        Pairs(from + (8L * fromStride), fromStride, out Vector128<byte> i, out Vector128<byte> j, out Vector128<byte> k, out Vector128<byte> l, out Vector128<byte> m, out Vector128<byte> n, out Vector128<byte> o, out Vector128<byte> p);
        Store(a, i, to, toStride);
        Store(b, j, to + (2L * toStride), toStride);
        Store(c, k, to + (4L * toStride), toStride);
        Store(d, l, to + (6L * toStride), toStride);
        Store(e, m, to + (8L * toStride), toStride);
        Store(f, n, to + (10L * toStride), toStride);
        Store(g, o, to + (12L * toStride), toStride);
        Store(h, p, to + (14L * toStride), toStride);
    }

    /// <summary>Eight rows of sixteen bytes.</summary>
    private static void Eight(byte* from, int fromStride, byte* to, int toStride)
    {
        Pairs(from, fromStride, out Vector128<byte> a, out Vector128<byte> b, out Vector128<byte> c, out Vector128<byte> d, out Vector128<byte> e, out Vector128<byte> f, out Vector128<byte> g, out Vector128<byte> h);
        Store(a, to, toStride);
        Store(b, to + (2L * toStride), toStride);
        Store(c, to + (4L * toStride), toStride);
        Store(d, to + (6L * toStride), toStride);
        Store(e, to + (8L * toStride), toStride);
        Store(f, to + (10L * toStride), toStride);
        Store(g, to + (12L * toStride), toStride);
        Store(h, to + (14L * toStride), toStride);
    }

    /// <summary>Two columns of eight rows a vector. Each round puts the first bit of the row's number behind the column's; locals, and no loop, keep all of it in registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Pairs(byte* from, int stride, out Vector128<byte> a, out Vector128<byte> b, out Vector128<byte> c, out Vector128<byte> d, out Vector128<byte> e, out Vector128<byte> f, out Vector128<byte> g, out Vector128<byte> h)
    {
        Vector128<byte> r0 = Vector128.Load(from), r4 = Vector128.Load(from + (4L * stride));
        Vector128<byte> r1 = Vector128.Load(from + stride), r5 = Vector128.Load(from + (5L * stride));
        Vector128<byte> r2 = Vector128.Load(from + (2L * stride)), r6 = Vector128.Load(from + (6L * stride));
        Vector128<byte> r3 = Vector128.Load(from + (3L * stride)), r7 = Vector128.Load(from + (7L * stride));
        (r0, r1, r2, r3, r4, r5, r6, r7) = (Low(r0, r4), High(r0, r4), Low(r1, r5), High(r1, r5), Low(r2, r6), High(r2, r6), Low(r3, r7), High(r3, r7));
        (r0, r1, r2, r3, r4, r5, r6, r7) = (Low(r0, r4), High(r0, r4), Low(r1, r5), High(r1, r5), Low(r2, r6), High(r2, r6), Low(r3, r7), High(r3, r7));
        (a, b, c, d, e, f, g, h) = (Low(r0, r4), High(r0, r4), Low(r1, r5), High(r1, r5), Low(r2, r6), High(r2, r6), Low(r3, r7), High(r3, r7));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector128<byte> columns, byte* to, int toStride)
    {
        columns.GetLower().Store(to);
        columns.GetUpper().Store(to + toStride);
    }

    /// <summary>Two columns of which each vector holds eight rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector128<byte> first, Vector128<byte> last, byte* to, int toStride)
    {
        if (!Sse2.IsSupported)
        {
            Vector128.Create(first.GetLower(), last.GetLower()).Store(to);
            Vector128.Create(first.GetUpper(), last.GetUpper()).Store(to + toStride);
            return;
        }

        Sse2.UnpackLow(first.AsInt64(), last.AsInt64()).AsByte().Store(to);
        Sse2.UnpackHigh(first.AsInt64(), last.AsInt64()).AsByte().Store(to + toStride);
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
