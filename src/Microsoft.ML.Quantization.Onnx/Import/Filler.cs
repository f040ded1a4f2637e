using System;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Onnx.Import;

/// <summary>Constants that the file describes in a few bytes; the budget is asked first.</summary>
internal static class Filler
{
    /// <summary>One value everywhere.</summary>
    public static Tensor Fill(Tensor value, Shape shape, NodeCall call)
    {
        int size = value.Type.SizeOf();
        call.Context.Budget.Reserve((long)shape.Count * size, call.Place);
        call.RequireSupported((long)shape.Count * size <= Array.MaxLength, "a constant of 2^31 bytes and more is not supported");
        Tensor result = Tensor.Allocate(value.Type, shape);
        Span<byte> target = result.WritableBytes;
        ReadOnlySpan<byte> pattern = value.Bytes.Span;
        if (target.IsEmpty || pattern.IndexOfAnyExcept((byte)0) < 0)
        {
            return result;
        }

        pattern.CopyTo(target);
        for (int done = size; done < target.Length; done *= 2)
        {
            target[..Math.Min(done, target.Length - done)].CopyTo(target[done..]);
            if (done > target.Length / 2)
            {
                break;
            }
        }

        return result;
    }

    /// <summary>start, start + step, .. before limit.</summary>
    public static Tensor Range(Tensor start, Tensor limit, Tensor delta, NodeCall call)
    {
        return start.Type switch
        {
            ElementType.Float32 => Floats(start.Values<float>()[0], limit.Values<float>()[0], delta.Values<float>()[0], call),
            ElementType.Int64 => Longs(start.Values<long>()[0], limit.Values<long>()[0], delta.Values<long>()[0], call),
            ElementType.Int32 => Ints(Longs(start.Values<int>()[0], limit.Values<int>()[0], delta.Values<int>()[0], call)),
            _ => throw call.Unsupported($"a range of {start.Type} is not supported"),
        };
    }

    private static Tensor Floats(float start, float limit, float delta, NodeCall call)
    {
        int count = Count(((double)limit - start) / delta, sizeof(float), call);
        Tensor result = Tensor.Allocate(ElementType.Float32, Shape.Of(count));
        Span<float> values = result.Writable<float>();
        for (int i = 0; i < count; i++)
        {
            values[i] = start + (i * delta);
        }

        return result;
    }

    private static Tensor Longs(long start, long limit, long delta, NodeCall call)
    {
        int count = Count(((double)limit - start) / delta, sizeof(long), call);
        Tensor result = Tensor.Allocate(ElementType.Int64, Shape.Of(count));
        Span<long> values = result.Writable<long>();
        for (int i = 0; i < count; i++)
        {
            values[i] = unchecked(start + (i * delta));
        }

        return result;
    }

    private static Tensor Ints(Tensor longs)
    {
        Tensor result = Tensor.Allocate(ElementType.Int32, longs.Shape);
        for (int i = 0; i < longs.Shape.Count; i++)
        {
            result.Writable<int>()[i] = unchecked((int)longs.Values<long>()[i]);
        }

        return result;
    }

    private static int Count(double steps, int size, NodeCall call)
    {
        call.RequireValid(double.IsFinite(steps), "finite numbers and a step that is not 0");
        double count = Math.Max(0, Math.Ceiling(steps));
        call.RequireValid(count <= Array.MaxLength / size, "fewer than 2^31 bytes");
        call.Context.Budget.Reserve((long)count * size, call.Place);
        return (int)count;
    }
}
