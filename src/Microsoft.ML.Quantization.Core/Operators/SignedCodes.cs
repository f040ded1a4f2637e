using System;
using System.Linq;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>The kernels' codes are unsigned bytes; signed ones are moved up by a shift before and down after, mid-rise ones doubled.</summary>
internal static class SignedCodes
{
    private const int Smallest = 65536;
    private static readonly byte[] _doubled = [.. Enumerable.Range(0, 256).Select(c => unchecked((byte)(2 * c)))];

    /// <summary>Codes + shift as unsigned bytes; the tensor itself when nothing is shifted.</summary>
    public static Rented ToUnsigned(WorkerPool pool, Tensor codes, int shift)
    {
        if (shift == 0)
        {
            return Rented.Borrow(codes);
        }

        Rented result = Rented.New(ElementType.UInt8, codes.Shape);
        Shares.Run(pool, codes.Shape.Count, Smallest, (codes, result.Tensor, (byte)shift), static (t, begin, end) =>
        {
            ReadOnlySpan<byte> source = t.codes.Bytes.Span[begin..end];
            Span<byte> destination = t.Tensor.WritableBytes[begin..end];
            for (int i = 0; i < destination.Length; i++)
            {
                destination[i] = unchecked((byte)(source[i] + t.Item3));
            }
        });
        return result;
    }

    /// <summary>Mid-rise codes as affine ones: 2·code, whose zero point 2^bits − 1 makes them 2·code − (2^bits − 1).</summary>
    public static Rented Doubled(OperatorCall call, Tensor codes)
    {
        Rented result = Rented.New(ElementType.UInt8, codes.Shape);
        Shares.Run(call.Pool, codes.Shape.Count, Smallest, (codes, result.Tensor, call.Kernels), static (t, begin, end)
            => t.Kernels.TranslateByte(t.codes.Bytes.Span[begin..end], _doubled, t.Tensor.WritableBytes[begin..end]));
        return result;
    }

    /// <summary>Takes the shift off again, in place.</summary>
    public static void ToSigned(WorkerPool pool, Tensor codes, int shift)
    {
        if (shift == 0)
        {
            return;
        }

        Shares.Run(pool, codes.Shape.Count, Smallest, (codes, (byte)shift), static (t, begin, end) =>
        {
            Span<byte> bytes = t.codes.WritableBytes[begin..end];
            for (int i = 0; i < bytes.Length; i++)
            {
                bytes[i] = unchecked((byte)(bytes[i] - t.Item2));
            }
        });
    }
}
