using System;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;

namespace Microsoft.ML.Quantization.Quantizers;

/// <summary>
/// The levels that codes of weights look up (vector quantization with scalar codewords; Han, Mao, Dally, 2016): real = fl(Scale[c] · level(b, code)), b being the book of output channel c.
/// Levels of a book ascend and may repeat, which is how a book with fewer different levels than codes is filled up; no fitter emits a code behind the first of equal levels.
/// Integer levels are signed bytes, so that sums of products stay exact integers; real levels are floats, and layers that have them run in float.
/// </summary>
public sealed record Codebook
{
    /// <summary>The most entries of one book.</summary>
    public const int MostEntries = 256;

    /// <summary>Integer levels [Books][Entries]; empty when levels are reals.</summary>
    public ImmutableArray<sbyte> Integers { get; init; } = [];

    /// <summary>Real levels [Books][Entries]; empty when levels are integers.</summary>
    public ImmutableArray<float> Reals { get; init; } = [];

    /// <summary>Entries of one book, 2 to 256.</summary>
    public required int Entries { get; init; }

    /// <summary>Neighbouring output channels (indices of axis 0) that share a book; 0 when all share one.</summary>
    public int ChannelsPerBook { get; init; }

    /// <summary>Whether levels are integers.</summary>
    public bool IsInteger => !Integers.IsEmpty;

    /// <summary>Number of books.</summary>
    public int Books => (Integers.Length + Reals.Length) / Math.Max(Entries, 1);

    /// <summary>The book of an output channel.</summary>
    public int BookOf(int channel) => ChannelsPerBook == 0 ? 0 : channel / ChannelsPerBook;

    /// <summary>The integer level of a code.</summary>
    /// <exception cref="InvalidOperationException">Levels are reals.</exception>
    public int ValueOf(int channel, int code) => IsInteger ? Integers[(BookOf(channel) * Entries) + code] : throw new InvalidOperationException("The levels are reals; no integer stands for a code.");

    /// <summary>The level of a code as a float.</summary>
    public float LevelOf(int channel, int code) => Level((BookOf(channel) * Entries) + code);

    /// <summary>
    /// The code of the level that is nearest to u = fl(value / scale): the number of midpoints (l[i − 1] + l[i]) / 2 that u is not below, then the first of equal levels. A midpoint
    /// belongs to the upper level.
    /// </summary>
    public int Nearest(int channel, float value, float scale)
    {
        int first = BookOf(channel) * Entries;
        double u = value / scale;
        (int low, int high) = (first, first + Entries - 1);
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            (low, high) = u >= ((double)Level(middle - 1) + Level(middle)) / 2 ? (middle, high) : (low, middle - 1);
        }

        while (low > first && Level(low - 1) == Level(low))
        {
            low--;
        }

        return low - first;
    }

    /// <summary>Whether a tensor with this many output channels uses all books and has one for each channel.</summary>
    public bool Covers(int channels) => ChannelsPerBook == 0 ? Books == 1 : Books == (channels + ChannelsPerBook - 1) / ChannelsPerBook;

    /// <inheritdoc/>
    public bool Equals(Codebook? other) => other is not null && Entries == other.Entries && ChannelsPerBook == other.ChannelsPerBook
        && Integers.AsSpan().SequenceEqual(other.Integers.AsSpan()) && Reals.AsSpan().SequenceEqual(other.Reals.AsSpan());

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Entries, ChannelsPerBook, Integers.Length, Integers.FirstOrDefault(), Reals.FirstOrDefault());

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"books={Books} of {Entries} {(IsInteger ? "Int8" : "Float32")}");

    /// <summary>What is wrong with the levels, or null.</summary>
    internal string? Fault()
    {
        if (Entries is < 2 or > MostEntries || ChannelsPerBook < 0)
        {
            return string.Create(CultureInfo.InvariantCulture, $"2 to {MostEntries} entries a book and a number of channels from 0");
        }

        int count = Integers.Length + Reals.Length;
        if (Integers.IsEmpty == Reals.IsEmpty || count % Entries != 0 || (ChannelsPerBook == 0 && count != Entries))
        {
            return string.Create(CultureInfo.InvariantCulture, $"whole books of {Entries} integers or reals");
        }

        bool finite = Reals.All(float.IsFinite);
        bool ascending = Enumerable.Range(1, count - 1).All(i => i % Entries == 0 || Level(i - 1) <= Level(i));
        return finite && ascending ? null : "finite levels that ascend in each book";
    }

    private float Level(int index) => IsInteger ? Integers[index] : Reals[index];
}
