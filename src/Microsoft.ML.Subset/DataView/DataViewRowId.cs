using System;
using System.Globalization;

namespace Microsoft.ML.Data;

/// <summary>A 128-bit identity of a row that does not depend on the order of reading.</summary>
public readonly struct DataViewRowId : IComparable<DataViewRowId>, IEquatable<DataViewRowId>
{
    public readonly ulong Low;
    public readonly ulong High;

    public DataViewRowId(ulong low, ulong high)
    {
        Low = low;
        High = high;
    }

    public DataViewRowId Fork() => new(Mix(Low ^ 0x9E3779B97F4A7C15), Mix(High + 0xD1B54A32D192ED03 + Low));

    public DataViewRowId Next() => new(Mix(Low + 0x8CB92BA72F3D8DD7), Mix(High ^ (Low << 1 | Low >> 63)));

    public DataViewRowId Combine(DataViewRowId other)
        => new(Mix(Low ^ Mix(other.Low + 0x9E3779B97F4A7C15)), Mix(High + Mix(other.High ^ Low)));

    public int CompareTo(DataViewRowId other) => High != other.High ? High.CompareTo(other.High) : Low.CompareTo(other.Low);

    public bool Equals(DataViewRowId other) => Low == other.Low && High == other.High;

    public override bool Equals(object obj) => obj is DataViewRowId other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(Low, High);

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{High:x16}{Low:x16}");

    public static bool operator ==(DataViewRowId first, DataViewRowId second) => first.Equals(second);

    public static bool operator !=(DataViewRowId first, DataViewRowId second) => !first.Equals(second);

    // The finishing step of a 64-bit multiplicative hash: every input bit reaches every output bit.
    internal static ulong Mix(ulong x)
    {
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }
}
