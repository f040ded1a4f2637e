using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Data;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Subset.Tests;

[TestClass]
public sealed class PredictionEngineTests
{
    private static readonly MLContext _ml = new(1);

    [TestMethod]
    public void PredictionsAreThoseOfTransform()
    {
        Input[] rows = [new() { F = [1, 2], Key = 0 }, new() { F = [-4, 1], Key = 1 }, new() { F = [0, 0], Key = 7 }];
        ITransformer model = Model(rows);
        Output[] due = _ml.Data.CreateEnumerable<Output>(model.Transform(_ml.Data.LoadFromEnumerable(rows)), reuseRowObject: false).ToArray();
        using PredictionEngine<Input, Output> engine = _ml.Model.CreatePredictionEngine<Input, Output>(model);
        Output reused = new();
        for (int i = 0; i < rows.Length; i++)
        {
            Output got = engine.Predict(rows[i]);
            CollectionAssert.AreEqual(due[i].G, got.G);
            Assert.AreEqual(due[i].Key, got.Key, "keys are read raw, one above the value given");
            engine.Predict(rows[i], ref reused);
            CollectionAssert.AreEqual(due[i].G, reused.G);
        }

        Assert.IsNotNull(engine.OutputSchema.GetColumnOrNull("G"));
    }

    [TestMethod]
    public void MissingOutputColumnsAreIgnoredByDefaultOnly()
    {
        ITransformer model = Model([new() { F = [1, 2] }]);
        using PredictionEngine<Input, More> engine = _ml.Model.CreatePredictionEngine<Input, More>(model, new PredictionEngineOptions { OwnsTransformer = false });
        Assert.AreEqual(5f, engine.Predict(new Input { F = [1, 2] }).Absent, "a missing column leaves the member as it is");
        Assert.ThrowsException<ArgumentOutOfRangeException>(() => _ml.Model.CreatePredictionEngine<Input, More>(model, ignoreMissingColumns: false));
    }

    [TestMethod]
    public void TheSavedSchemaGivesTheInputItsTypes()
    {
        DataViewSchema schema = _ml.Data.LoadFromEnumerable(Array.Empty<Input>()).Schema;
        ITransformer model = Model([new() { F = [2, 4] }, new() { F = [0, 0] }]);
        using PredictionEngine<Loose, Output> engine = _ml.Model.CreatePredictionEngine<Loose, Output>(model, schema);
        CollectionAssert.AreEqual(new[] { 0.5f, 0.5f }, engine.Predict(new Loose { F = [1, 2] }).G);
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void TheEngineDisposesTheTransformerItOwns(bool owns)
    {
        var transformer = new Disposable(Model([new() { F = [1, 2] }]));
        _ml.Model.CreatePredictionEngine<Input, Output>(transformer, new PredictionEngineOptions { OwnsTransformer = owns }).Dispose();
        Assert.AreEqual(owns, transformer.Disposed);
    }

    [TestMethod]
    public void OnlyRowToRowMappersPredict()
        => StringAssert.Contains(
            Assert.ThrowsException<ArgumentOutOfRangeException>(() => _ml.Model.CreatePredictionEngine<Input, Output>(
                new Disposable(Model([new() { F = [1, 2] }])) { IsRowToRowMapper = false })).Message,
            "Must be a row to row mapper");

    [TestMethod]
    public void ManyEnginesWorkAtOnceOnOneTransformer()
    {
        ITransformer model = Model([new() { F = [8, 8] }, new() { F = [0, 0] }]);
        bool[] right = Enumerable.Range(0, 8).AsParallel().WithDegreeOfParallelism(4).Select(t =>
        {
            PredictionEngine<Input, Output> engine = _ml.Model.CreatePredictionEngine<Input, Output>(model, new PredictionEngineOptions { OwnsTransformer = false });
            return Enumerable.Range(0, 200).All(i => engine.Predict(new Input { F = [i, t] }).G.SequenceEqual([i / 8f, t / 8f]));
        }).ToArray();
        CollectionAssert.DoesNotContain(right, false);
    }

    private static ITransformer Model(IEnumerable<Input> rows)
        => _ml.Transforms.NormalizeMinMax("N", "F").Append(_ml.Transforms.CopyColumns("G", "N")).Fit(_ml.Data.LoadFromEnumerable(rows.ToArray()));

    private sealed class Disposable(ITransformer inner) : ITransformer, IDisposable
    {
        public bool Disposed { get; private set; }

        public bool IsRowToRowMapper { get; init; } = true;

        public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => inner.GetOutputSchema(inputSchema);

        public IDataView Transform(IDataView input) => inner.Transform(input);

        public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) => inner.GetRowToRowMapper(inputSchema);

        void ICanSaveModel.Save(ModelSaveContext ctx) => inner.Save(ctx);

        public void Dispose() => Disposed = true;
    }

    private sealed class Input
    {
        [VectorType(2)]
        public float[] F = [];
        [KeyType(3)]
        public uint Key;
    }

    private sealed class Loose
    {
        public float[] F = [];
        public uint Key;
    }

    private sealed class Output
    {
        public float[] G = [];
        public uint Key;
    }

    private sealed class More
    {
        public float[] G = [];
        public float Absent = 5;
    }
}
