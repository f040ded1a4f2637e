using System;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.TestSupport;

/// <summary>Seeded tensors; the same arguments give the same values everywhere.</summary>
public static class RandomTensors
{
    /// <summary>Floats uniform in [−bound, bound).</summary>
    public static Tensor Floats(Shape shape, ulong seed, float bound = 2)
    {
        var random = new CounterRandom(seed, 1);
        var values = new float[shape.Count];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = ((random.Uniform(i) * 2) - 1) * bound;
        }

        return Tensor.Create(shape, values);
    }

    /// <summary>Floats uniform in [low, high).</summary>
    public static Tensor Floats(Shape shape, ulong seed, float low, float high)
    {
        var random = new CounterRandom(seed, 2);
        var values = new float[shape.Count];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = low + (random.Uniform(i) * (high - low));
        }

        return Tensor.Create(shape, values);
    }

    /// <summary>Floats as <see cref="Floats(Shape, ulong, float)"/>, now and then ±0, a subnormal, a large value, ±∞ or NaN.</summary>
    public static Tensor OddFloats(Shape shape, ulong seed)
    {
        float[] odd = [0f, -0f, 1e-41f, -3e-39f, 12345.678f, float.PositiveInfinity, float.NegativeInfinity, float.NaN, 88.8f, -104f, 0.5f, -2.5f];
        var random = new CounterRandom(seed, 3);
        float[] values = Floats(shape, seed, 4).Values<float>().ToArray();
        for (int i = 0; i < values.Length; i++)
        {
            int choice = random.Integer(i, 0, 59);
            values[i] = choice < odd.Length ? odd[choice] : values[i];
        }

        return Tensor.Create(shape, values);
    }

    /// <summary>Codes uniform over the quantizer's range, in its element type.</summary>
    public static Tensor Codes(AffineQuantization quantizer, Shape shape, ulong seed)
    {
        var random = new CounterRandom(seed, 4);
        Tensor codes = Tensor.Allocate(quantizer.Element, shape);
        for (int i = 0; i < shape.Count; i++)
        {
            int code = random.Integer(i, quantizer.Range.Min, quantizer.Range.Max);
            BitConverter.GetBytes(code).AsSpan(0, quantizer.Element.SizeOf()).CopyTo(codes.WritableBytes[(i * quantizer.Element.SizeOf())..]);
        }

        return codes;
    }

    /// <summary>Integers in [minimum, maximum].</summary>
    public static Tensor Integers(Shape shape, ulong seed, int minimum, int maximum)
    {
        var random = new CounterRandom(seed, 5);
        var values = new int[shape.Count];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = random.Integer(i, minimum, maximum);
        }

        return Tensor.Create(shape, values);
    }

    /// <summary>Int64 values in [minimum, maximum].</summary>
    public static Tensor Indices(Shape shape, ulong seed, int minimum, int maximum)
        => Tensor.Create(shape, Array.ConvertAll(Integers(shape, seed, minimum, maximum).Values<int>().ToArray(), v => (long)v));

    /// <summary>0 or 1.</summary>
    public static Tensor Booleans(Shape shape, ulong seed)
        => Tensor.Create(shape, Array.ConvertAll(Integers(shape, seed, 0, 1).Values<int>().ToArray(), v => v != 0));
}
