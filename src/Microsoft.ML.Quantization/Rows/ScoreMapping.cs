using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Data;
using Microsoft.ML.Quantization.Scoring;

namespace Microsoft.ML.Quantization.Rows;

/// <summary>A model bound to an input schema: which columns are read, which are added, and rows made of them.</summary>
internal sealed class ScoreMapping : IRowToRowMapper
{
    private readonly AddedColumn[] _added;
    private readonly DataViewSchema.Column[] _sources;

    public ScoreMapping(ScoringModel model, DataViewSchema inputSchema)
    {
        Model = model;
        InputSchema = inputSchema;
        _sources = [.. model.Columns.Inputs.Select(i => InputColumns.Check(inputSchema, i.Column, model.InputOf(i)))];
        _added = AddedColumns.Create(model.Document.Signature, model.Columns, model.Labels, AddedColumns.NextSet(inputSchema));
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(inputSchema);
        foreach (AddedColumn column in _added)
        {
            builder.AddColumn(column.Name, column.Type, column.Annotations);
        }

        OutputSchema = builder.ToSchema();
    }

    public ScoringModel Model { get; }

    public DataViewSchema InputSchema { get; }

    public DataViewSchema OutputSchema { get; }

    /// <summary>One flag an output column.</summary>
    public bool[] Active(IEnumerable<DataViewSchema.Column> columnsNeeded)
    {
        var active = new bool[OutputSchema.Count];
        foreach (DataViewSchema.Column column in columnsNeeded)
        {
            if (column.Index >= active.Length || OutputSchema[column.Index].Name != column.Name)
            {
                throw new ArgumentException($"Column '{column.Name}' does not belong to this schema.", nameof(columnsNeeded));
            }

            active[column.Index] = true;
        }

        return active;
    }

    /// <summary>The input columns that the active output columns need.</summary>
    public DataViewSchema.Column[] Sources(bool[] active)
    {
        IEnumerable<DataViewSchema.Column> passed = InputSchema.Where(c => active[c.Index]);
        return [.. (IsScoring(active) ? passed.Concat(_sources) : passed).DistinctBy(c => c.Index)];
    }

    /// <summary>Whether an added column is active.</summary>
    public bool IsScoring(bool[] active) => active.AsSpan(InputSchema.Count).Contains(true);

    /// <summary>Whether a column passes through from the input.</summary>
    public bool IsInput(DataViewSchema.Column column) => column.Index < InputSchema.Count;

    /// <summary>A getter of an added column.</summary>
    public Delegate Getter(DataViewSchema.Column column, ScoreBatch batch, Func<int> slot) => _added[column.Index - InputSchema.Count].Getter(batch, slot);

    public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns) => Sources(Active(dependingColumns));

    public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (!ReferenceEquals(input.Schema, InputSchema))
        {
            throw new ArgumentException("The row's schema is not the one that this mapper was made for.", nameof(input));
        }

        return new LiveRow(this, input, Active(activeColumns));
    }
}
