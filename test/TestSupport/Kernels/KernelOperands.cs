using System.Linq;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.TestSupport.Kernels;

/// <summary>Seeded operands of a <see cref="KernelCase"/>.</summary>
public static class KernelOperands
{
    /// <summary>Floats in (−2, 2), now and then ±0, a subnormal or a large value.</summary>
    public static float[] Floats(long count, ulong seed, ulong site)
    {
        CounterRandom random = new(seed, site);
        float[] values = new float[count];
        for (int i = 0; i < count; i++)
        {
            values[i] = (random.Bits(i) & 63) switch
            {
                0 => 0f,
                1 => -0f,
                2 => 1e-40f,
                3 => -3e-39f,
                4 => 12345.678f,
                _ => (random.Uniform(i) * 4) - 2,
            };
        }

        return values;
    }

    /// <summary>Codes 0 to 255, or 255 only.</summary>
    public static byte[] Codes(long count, ulong seed, ulong site, bool extreme)
    {
        CounterRandom random = new(seed, site);
        byte[] values = new byte[count];
        for (int i = 0; i < count; i++)
        {
            values[i] = extreme ? (byte)255 : (byte)random.Integer(i, 0, 255);
        }

        return values;
    }

    /// <summary>Weights −128 to 127; extreme ones are −128 in the even output channels and 127 in the odd ones.</summary>
    public static sbyte[] Weights(long count, ulong seed, ulong site, bool extreme, int run)
    {
        CounterRandom random = new(seed, site);
        sbyte[] values = new sbyte[count];
        for (int i = 0; i < count; i++)
        {
            sbyte outer = i / run % 2 == 0 ? (sbyte)-128 : (sbyte)127;
            values[i] = extreme ? outer : (sbyte)random.Integer(i, -128, 127);
        }

        return values;
    }

    /// <summary>An epilogue of codes of which one channel has numbers that no shortcut may assume away: sums beyond the integers, infinities, NaN.</summary>
    public static IntegerEpilogue WildEpilogue(int channels, int depth, ulong seed)
    {
        IntegerEpilogue tame = Epilogue(channels, depth, seed, AccumulatorOutput.UInt8);
        float[] multipliers = tame.Multipliers.ToArray();
        float[] offsets = tame.Offsets.ToArray();
        int channel = (int)(seed % (ulong)channels);
        (float Multiplier, float Offset)[] wild = [(3e9f, 0), (-3e9f, 1), (float.PositiveInfinity, 0), (1, float.NaN), (0.6f, 0), (0.01f, 3e9f), (float.NaN, 0), (0.5f, -3e9f)];
        (multipliers[channel], offsets[channel]) = wild[seed % (ulong)wild.Length];
        return tame with { Multipliers = multipliers, Offsets = offsets };
    }

    /// <summary>An epilogue of codes with multipliers far above 1/2, as layers of few bits and thresholds have: most codes are at an end.</summary>
    public static IntegerEpilogue SteepEpilogue(int channels, int depth, ulong seed)
    {
        CounterRandom random = new(seed, 78);
        float[] multipliers = [.. Enumerable.Range(0, channels).Select(c => (random.Uniform(c) - 0.5f) * (c % 5 == 0 ? 3000 : 3))];
        float[] offsets = [.. Enumerable.Range(0, channels).Select(c => c % 2 == 0 ? 1.5f : 1e6f * (random.Uniform(1000 + c) - 0.5f))];
        return Epilogue(channels, depth, seed, AccumulatorOutput.UInt8) with { Multipliers = multipliers, Offsets = offsets };
    }

    /// <summary>An epilogue of codes that has no offsets, as most layers have.</summary>
    public static IntegerEpilogue CenteredEpilogue(int channels, int depth, ulong seed)
        => Epilogue(channels, depth, seed, AccumulatorOutput.UInt8) with { Offsets = new float[channels] };

    /// <summary>An epilogue for <paramref name="channels"/> outputs whose codes cover their range for sums of the given depth.</summary>
    public static IntegerEpilogue Epilogue(int channels, int depth, ulong seed, AccumulatorOutput output)
    {
        CounterRandom random = new(seed, 77);
        int[] bias = new int[channels];
        float[] multipliers = new float[channels];
        float[] offsets = new float[channels];
        int reach = output == AccumulatorOutput.Int16 ? 30000 : 150;
        for (int c = 0; c < channels; c++)
        {
            bias[c] = random.Integer(c, -5000, 5000);
            multipliers[c] = (random.Uniform(1000000 + c) + 0.1f) * reach / (4000f * System.MathF.Sqrt(depth));
            offsets[c] = c % 3 == 0 ? 0 : (random.Uniform(2000000 + c) * 9) - 4;
        }

        bool wide = output == AccumulatorOutput.Int16;
        return new IntegerEpilogue
        {
            Bias = bias,
            Multipliers = multipliers,
            Offsets = offsets,
            Output = output,
            ZeroPoint = wide ? 0 : random.Integer(5, 0, 255),
            Minimum = wide ? -32768 : random.Integer(6, 0, 3),
            Maximum = wide ? 32767 : random.Integer(7, 200, 255),
            Low = -3.5f,
            High = 90f,
        };
    }
}
