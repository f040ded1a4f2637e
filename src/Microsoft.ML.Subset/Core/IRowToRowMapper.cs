using System.Collections.Generic;

namespace Microsoft.ML.Data;

/// <summary>A transformation in which each output row depends on its own input row only.</summary>
public interface IRowToRowMapper
{
    public DataViewSchema InputSchema { get; }

    public DataViewSchema OutputSchema { get; }

    public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns);

    public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns);
}
