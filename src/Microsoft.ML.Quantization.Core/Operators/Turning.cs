using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>Transposes of small blocks.</summary>
internal static unsafe class Turning
{
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
}
