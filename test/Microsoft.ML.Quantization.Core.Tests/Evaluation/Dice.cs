using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Core.Tests.Evaluation;

/// <summary>A seeded sequence of choices.</summary>
internal sealed class Dice(ulong seed)
{
    private readonly CounterRandom _random = new(seed, 77);
    private long _index;

    /// <summary>An integer in [minimum, maximum].</summary>
    public int Next(int minimum, int maximum) => _random.Integer(_index++, minimum, maximum);

    /// <summary>A float in [low, high).</summary>
    public float Float(float low, float high) => low + (_random.Uniform(_index++) * (high - low));

    /// <summary>True once in <paramref name="of"/> times.</summary>
    public bool Chance(int of) => Next(1, of) == 1;

    /// <summary>One of the values.</summary>
    public T Pick<T>(params T[] values) => values[Next(0, values.Length - 1)];

    /// <summary>A seed for something else.</summary>
    public ulong Seed() => _random.Bits(_index++);

    /// <summary>Integers in [minimum, maximum].</summary>
    public ImmutableArray<int> Many(int count, int minimum, int maximum) => [.. Enumerable.Range(0, count).Select(_ => Next(minimum, maximum))];
}
