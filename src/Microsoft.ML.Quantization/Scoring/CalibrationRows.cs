using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Data;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Scoring;

/// <summary>The rows of a view as batches of graph inputs: floats, planar, normalised as the signature says. One pass; fixed memory.</summary>
internal static class CalibrationRows
{
    /// <summary>Reads at most <paramref name="maximumRows"/> rows; one at a time for a network that is for one row.</summary>
    /// <exception cref="InvalidOperationException">A row's vector has another length than its input.</exception>
    public static IEnumerable<Tensor[]> Read(IDataView view, Graph graph, ModelSignature signature, ScoringColumns columns, long maximumRows, int batchSize)
    {
        batchSize = signature.Inputs.Any(i => i.Shape.IsFree) ? batchSize : 1;
        DataViewSchema.Column[] sources = [.. signature.Inputs.Select(i => view.Schema[columns.Inputs.Single(c => c.ModelInput == i.Name).Column])];
        using DataViewRowCursor cursor = view.GetRowCursor(sources.DistinctBy(c => c.Index));
        Func<Array>[] readers = [.. signature.Inputs.Select((input, i) => Reader(cursor, sources[i], input, graph[graph.Inputs[i]].Type.Element))];
        var rows = new List<Array[]>(batchSize);
        for (long row = 0; row < maximumRows && cursor.MoveNext(); row++)
        {
            rows.Add([.. readers.Select(r => r())]);
            if (rows.Count == batchSize)
            {
                yield return Batch(rows, signature);
                rows.Clear();
            }
        }

        if (rows.Count > 0)
        {
            yield return Batch(rows, signature);
        }
    }

    private static Tensor[] Batch(List<Array[]> rows, ModelSignature signature) => [.. signature.Inputs.Select((input, i) =>
    {
        Shape shape = input.Shape.Bind(rows.Count);
        return rows[0][i] switch
        {
            long[] => Tensor.Create<long>(shape, [.. rows.SelectMany(r => (long[])r[i])]),
            byte[] => Tensor.Create<byte>(shape, [.. rows.SelectMany(r => (byte[])r[i])]),
            _ => Tensor.Create<float>(shape, [.. rows.SelectMany(r => (float[])r[i])]),
        };
    })];

    private static Func<Array> Reader(DataViewRow row, DataViewSchema.Column column, InputSignature input, ElementType own)
    {
        int size = ScoringModel.RowLength(input.Shape);
        return input.Element switch
        {
            ElementType.UInt8 when own == ElementType.UInt8 => Reader<byte>(row, column, size, v => v),
            ElementType.UInt8 => Reader<byte>(row, column, size, v => Normalise(v, input)),
            ElementType.Int64 => Reader<long>(row, column, size, v => v),
            _ => Reader<float>(row, column, size, v => Normalise(v, input)),
        };
    }

    private static Func<Array> Reader<T>(DataViewRow row, DataViewSchema.Column column, int size, Func<T[], Array> convert)
    {
        if (column.Type is not VectorDataViewType)
        {
            ValueGetter<T> scalar = row.GetGetter<T>(column);
            return () =>
            {
                T value = default!;
                scalar(ref value);
                return convert([value]);
            };
        }

        ValueGetter<VBuffer<T>> getter = row.GetGetter<VBuffer<T>>(column);
        VBuffer<T> source = default;
        return () =>
        {
            getter(ref source);
            if (source.Length != size)
            {
                throw new InvalidOperationException($"Row {row.Position}, column '{column.Name}': expected Vector<{typeof(T).Name}> of size {size}, found Vector<{typeof(T).Name}> of size {source.Length}.");
            }

            var values = new T[size];
            source.CopyTo(values);
            return convert(values);
        };
    }

    private static float[] Normalise<T>(T[] values, InputSignature input)
        where T : unmanaged
    {
        var result = new float[values.Length];
        InputNormalization.Apply<T>(values, input, result);
        return result;
    }
}
