namespace Microsoft.ML.Quantization.Numerics;

/// <summary>
/// Counter-based random numbers: a value is a pure function of (seed, site, step, index), so threads and order never matter.
/// The mixing function is SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
/// </summary>
public readonly record struct CounterRandom
{
    private const int NormalTerms = 12;

    private readonly ulong _key;

    /// <summary>Creates the stream of one site (a layer, a purpose) at one step.</summary>
    public CounterRandom(ulong seed, ulong site = 0, ulong step = 0) => _key = Mix(Mix(Mix(seed) ^ site) ^ step);

    /// <summary>SplitMix64's output for the state x.</summary>
    public static ulong Mix(ulong x)
    {
        unchecked
        {
            x += 0x9E3779B97F4A7C15UL;
            x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9UL;
            x = (x ^ (x >> 27)) * 0x94D049BB133111EBUL;
            return x ^ (x >> 31);
        }
    }

    /// <summary>64 random bits of the given index.</summary>
    public ulong Bits(long index) => Mix(_key ^ (ulong)index);

    /// <summary>Uniform in [0, 1), a multiple of 2^−24.</summary>
    public float Uniform(long index) => (Bits(index) >> 40) * (1f / 16777216f);

    /// <summary>Twelve uniform numbers, those from 12 · index on, less six: mean 0 and variance 1, near enough to normal to draw weights and directions from, and the same bits on every machine.</summary>
    public double Normal(long index)
    {
        double sum = -NormalTerms / 2;
        for (int i = 0; i < NormalTerms; i++)
        {
            sum += Uniform((index * NormalTerms) + i);
        }

        return sum;
    }

    /// <summary>Uniform integer in [minimum, maximum], both included.</summary>
    public int Integer(long index, int minimum, int maximum)
        => (int)(minimum + (long)(Bits(index) % (ulong)((long)maximum - minimum + 1)));
}
