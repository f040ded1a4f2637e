using System;
using System.Collections.Generic;
using System.Linq;

namespace Microsoft.ML.Data;

/// <summary>An output column: one of the input passed on, or one computed from <paramref name="Sources"/>.</summary>
/// <param name="Column">Name, type, annotations.</param>
/// <param name="Sources">Input columns it needs.</param>
/// <param name="MakeGetter">Makes the getter over one row; null when the only source is passed on.</param>
internal sealed record MappedColumn(DataViewSchema.DetachedColumn Column, int[] Sources, Func<DataViewRow, Delegate> MakeGetter)
{
    public static MappedColumn PassOn(DataViewSchema.Column column) => new(new DataViewSchema.DetachedColumn(column), [column.Index], null);
}

/// <summary>A row-to-row mapping bound to one input schema.</summary>
internal sealed class RowMapping : IRowToRowMapper
{
    private readonly MappedColumn[] _columns;

    public RowMapping(DataViewSchema inputSchema, IEnumerable<MappedColumn> columns)
    {
        InputSchema = inputSchema;
        _columns = columns.ToArray();
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(_columns.Select(c => c.Column));
        OutputSchema = builder.ToSchema();
    }

    public DataViewSchema InputSchema { get; }

    public DataViewSchema OutputSchema { get; }

    /// <summary>All columns of the input, then <paramref name="added"/>.</summary>
    public static RowMapping Adding(DataViewSchema inputSchema, IEnumerable<MappedColumn> added)
        => new(inputSchema, inputSchema.Select(MappedColumn.PassOn).Concat(added));

    public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns) => Sources(Active(dependingColumns));

    public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(activeColumns);
        if (!ReferenceEquals(input.Schema, InputSchema))
        {
            throw Errors.Mark(new ArgumentException("The row's schema is not the one the mapper is bound to.", nameof(input)));
        }

        return new MappedRow(new RowBinding(this, input, Active(activeColumns)), input);
    }

    public bool[] Active(IEnumerable<DataViewSchema.Column> columns)
    {
        var active = new bool[_columns.Length];
        foreach (DataViewSchema.Column column in columns)
        {
            active[column.Index] = true;
        }

        return active;
    }

    public DataViewSchema.Column[] Sources(bool[] active)
    {
        var needed = new bool[InputSchema.Count];
        for (int i = 0; i < active.Length; i++)
        {
            if (active[i])
            {
                foreach (int source in _columns[i].Sources)
                {
                    needed[source] = true;
                }
            }
        }

        return InputSchema.Where(c => needed[c.Index]).ToArray();
    }

    /// <summary>The getters of one row or cursor.</summary>
    internal sealed class RowBinding
    {
        private readonly RowMapping _mapping;
        private readonly DataViewRow _input;
        private readonly bool[] _active;
        private readonly Delegate[] _getters;

        public RowBinding(RowMapping mapping, DataViewRow input, bool[] active)
        {
            _mapping = mapping;
            _input = input;
            _active = active;
            _getters = new Delegate[active.Length];
            for (int i = 0; i < active.Length; i++)
            {
                if (active[i])
                {
                    _getters[i] = mapping._columns[i].MakeGetter?.Invoke(input);
                }
            }
        }

        public DataViewSchema Schema => _mapping.OutputSchema;

        public bool IsActive(int column) => column < _active.Length && _active[column];

        public ValueGetter<TValue> Getter<TValue>(DataViewSchema.Column column)
        {
            int index = column.Index;
            if (!IsActive(index))
            {
                throw Errors.Inactive(column.Name);
            }

            if (_getters[index] == null)
            {
                return _input.GetGetter<TValue>(_mapping.InputSchema[_mapping._columns[index].Sources[0]]);
            }

            return _getters[index] as ValueGetter<TValue> ?? throw Errors.InvalidGetter(typeof(TValue), Schema[index].Type.RawType);
        }
    }

    private sealed class MappedRow(RowBinding binding, DataViewRow input) : DataViewRow
    {
        public override long Position => input.Position;

        public override long Batch => input.Batch;

        public override DataViewSchema Schema => binding.Schema;

        public override ValueGetter<DataViewRowId> GetIdGetter() => input.GetIdGetter();

        public override bool IsColumnActive(DataViewSchema.Column column) => binding.IsActive(column.Index);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => binding.Getter<TValue>(column);

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                input.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
