using System;
using System.Collections.Generic;
using System.IO;
using System.IO.Compression;
using System.Linq;
using Microsoft.ML.Data;

namespace Microsoft.ML.Quantization.TestSupport.MLNet;

/// <summary>What ML.NET, and anybody who composes pipelines, relies on in an estimator and its transformer. Public API only.</summary>
public static class EstimatorContract
{
    /// <summary>Fits, transforms, saves and loads, and checks every rule on the way.</summary>
    /// <param name="estimator">The estimator.</param>
    /// <param name="valid">Data to fit and transform.</param>
    /// <param name="alsoValid">More data to transform only.</param>
    /// <param name="invalid">Data that shape, fit and transform must refuse.</param>
    /// <param name="validForFitOnly">Data that fits a model of its own, but that the model of <paramref name="valid"/> must refuse.</param>
    /// <exception cref="ContractViolationException">A rule is broken.</exception>
    public static void Verify(
        IEstimator<ITransformer> estimator, IDataView valid, IDataView? alsoValid = null, IDataView? invalid = null, IDataView? validForFitOnly = null)
    {
        ArgumentNullException.ThrowIfNull(estimator);
        ArgumentNullException.ThrowIfNull(valid);
        SchemaShape promised = estimator.GetOutputSchema(SchemaShapes.Create(valid.Schema));
        if (invalid != null)
        {
            ContractViolationException.ThrowUnlessRefused(
                () => estimator.GetOutputSchema(SchemaShapes.Create(invalid.Schema)), "GetOutputSchema accepts the shape of invalid data");
            ContractViolationException.ThrowUnlessRefused(() => estimator.Fit(invalid), "Fit accepts invalid data");
        }

        if (validForFitOnly != null)
        {
            estimator.GetOutputSchema(SchemaShapes.Create(validForFitOnly.Schema));
            estimator.Fit(validForFitOnly);
        }

        ITransformer transformer = estimator.Fit(valid);
        SchemaContract.ThrowUnlessSame(promised, SchemaShapes.Create(transformer.GetOutputSchema(valid.Schema)), "promised shape");
        ITransformer loaded = SaveAndLoad(transformer, valid.Schema);
        foreach (IDataView data in new[] { valid, alsoValid }.OfType<IDataView>())
        {
            VerifyTransformer(transformer, data);
            VerifyLoaded(transformer, loaded, data);
        }

        foreach (IDataView data in new[] { invalid, validForFitOnly }.OfType<IDataView>())
        {
            foreach (ITransformer t in new[] { transformer, loaded })
            {
                ContractViolationException.ThrowUnlessRefused(() => t.GetOutputSchema(data.Schema), "the transformer's GetOutputSchema accepts invalid data");
                ContractViolationException.ThrowUnlessRefused(() => t.Transform(data), "Transform accepts invalid data");
            }
        }
    }

    /// <summary>Checks schema, laziness, view, cursors and row mapper of a transformer on valid data.</summary>
    /// <exception cref="ContractViolationException">A rule is broken.</exception>
    public static void VerifyTransformer(ITransformer transformer, IDataView data)
    {
        ArgumentNullException.ThrowIfNull(transformer);
        ArgumentNullException.ThrowIfNull(data);
        DataViewSchema schema = transformer.GetOutputSchema(data.Schema);
        var counted = new CursorCountingView(data);
        IDataView view = transformer.Transform(counted);
        ContractViolationException.ThrowUnless(counted.Opened == 0, "Transform opens a cursor; it must be lazy");
        SchemaContract.ThrowUnlessSame(schema, view.Schema, "Transform's schema");
        ViewContract.Verify(view);
        ViewContract.Verify(transformer.Transform(new BatchedView(data, 2)));
        if (transformer.IsRowToRowMapper)
        {
            VerifyMapper(transformer.GetRowToRowMapper(data.Schema), schema, data, view);
        }
        else
        {
            ContractViolationException.ThrowUnlessRefused(() => transformer.GetRowToRowMapper(data.Schema), "GetRowToRowMapper answers although IsRowToRowMapper is false");
        }
    }

    private static void VerifyMapper(IRowToRowMapper mapper, DataViewSchema schema, IDataView data, IDataView view)
    {
        ContractViolationException.ThrowUnless(ReferenceEquals(mapper.InputSchema, data.Schema), "the mapper's InputSchema is the schema object it was made for");
        SchemaContract.ThrowUnlessSame(schema, mapper.OutputSchema, "the mapper's schema");
        DataViewSchema.Column[] needed = mapper.GetDependencies(mapper.OutputSchema).ToArray();
        bool ofInput = needed.All(c => c.Index < data.Schema.Count && data.Schema[c.Index].Name == c.Name && data.Schema[c.Index].Type.Equals(c.Type));
        ContractViolationException.ThrowUnless(ofInput, "GetDependencies names columns of the input schema");

        using DataViewRowCursor cursor = data.GetRowCursor(needed);
        using DataViewRow row = mapper.GetRow(cursor, mapper.OutputSchema);
        ContractViolationException.ThrowUnless(ReferenceEquals(row.Schema, mapper.OutputSchema), "the row's Schema is the mapper's OutputSchema object");
        Func<object?>[] readers = mapper.OutputSchema.Select(c => CellValue.Reader(row, c)).ToArray();
        ValueGetter<DataViewRowId> getId = row.GetIdGetter();
        var rows = new List<ViewRow>();
        while (cursor.MoveNext())
        {
            ContractViolationException.ThrowUnless(row.Position == cursor.Position, "the row's Position follows its input");
            DataViewRowId id = default;
            getId(ref id);
            rows.Add(new ViewRow(row.Batch, id, readers.Select(read => read()).ToArray()));
        }

        ViewRow.ThrowUnlessSame(ViewRow.ReadAll(view), rows, "the row mapper");
    }

    private static ITransformer SaveAndLoad(ITransformer transformer, DataViewSchema schema)
    {
        using var stream = new MemoryStream();
        new MLContext().Model.Save(transformer, schema, stream);
        stream.Position = 0;
        ITransformer loaded = new MLContext().Model.Load(stream, out DataViewSchema loadedSchema);
        SchemaContract.ThrowUnlessSame(schema, loadedSchema, "the saved input schema", annotationValues: false);

        using var again = new MemoryStream();
        new MLContext().Model.Save(loaded, schema, again);
        ContractViolationException.ThrowUnless(
            Entries(stream).SequenceEqual(Entries(again)), "a loaded model saves to the same bytes");
        return loaded;
    }

    private static string[] Entries(MemoryStream model)
    {
        model.Position = 0;
        using var archive = new ZipArchive(model, ZipArchiveMode.Read, leaveOpen: true);
        return archive.Entries.Where(e => e.FullName.EndsWith(".key", StringComparison.Ordinal)).OrderBy(e => e.FullName, StringComparer.Ordinal).Select(entry =>
        {
            using var content = new MemoryStream();
            using Stream stream = entry.Open();
            stream.CopyTo(content);
            return entry.FullName + Convert.ToHexString(content.ToArray());
        }).ToArray();
    }

    private static void VerifyLoaded(ITransformer transformer, ITransformer loaded, IDataView data)
    {
        SchemaContract.ThrowUnlessSame(transformer.GetOutputSchema(data.Schema), loaded.GetOutputSchema(data.Schema), "the loaded transformer's schema");
        ContractViolationException.ThrowUnless(transformer.IsRowToRowMapper == loaded.IsRowToRowMapper, "IsRowToRowMapper survives saving and loading");
        ViewRow.ThrowUnlessSame(ViewRow.ReadAll(transformer.Transform(data)), ViewRow.ReadAll(loaded.Transform(data)), "the loaded transformer");
    }
}
