using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;

namespace Microsoft.ML.Quantization.TestSupport.MLNet;

/// <summary>The rules of views and cursors.</summary>
public static class ViewContract
{
    /// <summary>Checks schema objects, activity, types of getters, repeated reading and cursor sets.</summary>
    /// <exception cref="ContractViolationException">A rule is broken.</exception>
    public static void Verify(IDataView view)
    {
        ArgumentNullException.ThrowIfNull(view);
        List<ViewRow> all = ViewRow.ReadAll(view);
        ViewRow.ThrowUnlessSame(all, ViewRow.ReadAll(view), "a second reading");
        ContractViolationException.ThrowUnless(view.GetRowCount() is null or >= 0 && (view.GetRowCount() ?? all.Count) == all.Count, "GetRowCount is the number of rows or null");
        foreach (DataViewSchema.Column column in view.Schema)
        {
            OneColumn(view, column, all);
        }

        foreach (int n in new[] { 1, 3 })
        {
            CursorSet(view, n, all);
        }
    }

    private static void OneColumn(IDataView view, DataViewSchema.Column column, List<ViewRow> all)
    {
        using DataViewRowCursor cursor = view.GetRowCursor([column]);
        ContractViolationException.ThrowUnless(ReferenceEquals(cursor.Schema, view.Schema), "a cursor's schema is the view's schema object");
        ContractViolationException.ThrowUnless(cursor.IsColumnActive(column), $"column '{column.Name}' was asked for and is not active");
        ContractViolationException.ThrowUnlessRefused(() => cursor.GetGetter<Unrelated>(column), $"a getter of a wrong type is given out for '{column.Name}'");
        foreach (DataViewSchema.Column other in view.Schema)
        {
            if (!cursor.IsColumnActive(other))
            {
                ContractViolationException.ThrowUnlessRefused(() => CellValue.Reader(cursor, other), $"a getter of the inactive column '{other.Name}' is given out");
            }
        }

        List<ViewRow> due = all.ConvertAll(r => r with { Values = [r.Values[column.Index]] });
        ViewRow.ThrowUnlessSame(due, ViewRow.ReadAll(cursor, [column]), $"column '{column.Name}' alone");
    }

    // The cursors run at once, each on a thread of its own, as a consumer would run them: a set may hand out rows on demand.
    private static void CursorSet(IDataView view, int n, List<ViewRow> all)
    {
        DataViewSchema.Column[] columns = view.Schema.ToArray();
        DataViewRowCursor[] cursors = view.GetRowCursorSet(columns, n);
        ContractViolationException.ThrowUnless(cursors.Length >= 1 && cursors.Length <= n, $"a set of up to {n} cursors has {cursors.Length}");
        Task<List<ViewRow>>[] tasks = cursors.Select(cursor => Task.Factory.StartNew(
            () =>
            {
                using (cursor)
                {
                    return ViewRow.ReadAll(cursor, columns);
                }
            },
            default, TaskCreationOptions.LongRunning, TaskScheduler.Default)).ToArray();
        List<ViewRow>[] parts = Array.ConvertAll(tasks, t => t.GetAwaiter().GetResult());
        var owner = new Dictionary<long, int>();
        for (int i = 0; i < parts.Length; i++)
        {
            long previous = long.MinValue;
            foreach (ViewRow row in parts[i])
            {
                ContractViolationException.ThrowUnless(row.Batch >= previous, $"the batch of a cursor falls from {previous} to {row.Batch}");
                ContractViolationException.ThrowUnless(owner.TryAdd(row.Batch, i) || owner[row.Batch] == i, $"two cursors of a set share the batch {row.Batch}");
                previous = row.Batch;
            }
        }

        ViewRow.ThrowUnlessSame(all, parts.SelectMany(p => p).OrderBy(r => r.Batch).ToList(), $"cursor set of {n} merged by batch");
    }

    private readonly struct Unrelated;
}
