using System;

namespace Microsoft.ML.Data;

/// <summary>A number in [0, 1) for each row, from a hash of its identity or of a key column; the same for every cursor.</summary>
internal sealed class RowSampler
{
    private readonly IDataView _data;
    private readonly DataViewSchema.Column? _key;
    private readonly ulong _seed;

    public RowSampler(IDataView data, string samplingKeyColumnName, int seed)
    {
        _data = data;
        _seed = (ulong)(uint)seed;
        if (samplingKeyColumnName != null)
        {
            _key = data.Schema.GetColumnOrNull(samplingKeyColumnName)
                ?? throw Errors.MissingColumn("samplingKeyColumnName", "sampling key", samplingKeyColumnName);
        }
    }

    /// <summary>The rows whose number lies in [lower, upper), or the others.</summary>
    public IDataView Part(double lower, double upper, bool complement = false)
        => new FilteredDataView(_data, _key is { } key ? [key] : [], row =>
        {
            Func<double> number = Number(row);
            return () =>
            {
                double x = number();
                return (x >= lower && x < upper) != complement;
            };
        });

    private Func<double> Number(DataViewRow row)
    {
        if (_key is { } key)
        {
            return (Func<double>)TypedCall.Invoke(typeof(RowSampler), nameof(KeyNumber), [key.Type.RawType], row, key, _seed);
        }

        ValueGetter<DataViewRowId> getter = row.GetIdGetter();
        DataViewRowId id = default;
        return () =>
        {
            getter(ref id);
            return ToUnit(DataViewRowId.Mix(id.Low + 0x9E3779B97F4A7C15 * (_seed + 1)) ^ DataViewRowId.Mix(id.High ^ _seed));
        };
    }

    private static Func<double> KeyNumber<T>(DataViewRow row, DataViewSchema.Column column, ulong seed)
    {
        ValueGetter<T> getter = row.GetGetter<T>(column);
        T value = default;
        return () =>
        {
            getter(ref value);
            ulong hash = seed + 0xCBF29CE484222325;
            foreach (char c in Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture) ?? "")
            {
                hash = (hash ^ c) * 0x100000001B3;
            }

            return ToUnit(DataViewRowId.Mix(hash));
        };
    }

    private static double ToUnit(ulong hash) => (DataViewRowId.Mix(hash) >> 11) * (1.0 / (1ul << 53));
}
