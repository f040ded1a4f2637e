using System;
using System.Linq;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Subset.Tests;

[TestClass]
public sealed class TransformTests
{
    private static readonly MLContext _ml = new(1);

    [TestMethod]
    public void MinMaxWithFixedZeroDividesByTheLargestMagnitude()
    {
        IDataView view = Load([-4, 1], [2, 0], [0, 0.5f]);
        float[][] values = Run(_ml.Transforms.NormalizeMinMax("G", "F"), view).GetColumn<float[]>("G").ToArray();
        CollectionAssert.AreEqual(new[] { -1f, 1f }, values[0]);
        CollectionAssert.AreEqual(new[] { 0.5f, 0f }, values[1]);
        CollectionAssert.AreEqual(new[] { 0f, 0.5f }, values[2]);
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void AConstantSlotBecomesZero(bool fixZero)
    {
        IDataView view = Load([5, 1], [5, 2]);
        CollectionAssert.AreEqual(new[] { 0f, 0f }, Run(_ml.Transforms.NormalizeMinMax("F", fixZero: fixZero), view).GetColumn<float[]>("F").Select(f => f[0]).ToArray());
        CollectionAssert.AreEqual(new[] { 0f, 0f }, Run(_ml.Transforms.NormalizeMeanVariance("F", fixZero: fixZero), view).GetColumn<float[]>("F").Select(f => f[0]).ToArray());
    }

    [TestMethod]
    public void MinMaxWithoutFixedZeroMapsTheRangeToOne()
    {
        float[][] values = Run(_ml.Transforms.NormalizeMinMax("F", fixZero: false), Load([-4, 8], [0, 10], [4, 12])).GetColumn<float[]>("F").ToArray();
        CollectionAssert.AreEqual(new[] { 0f, 0f }, values[0]);
        CollectionAssert.AreEqual(new[] { 0.5f, 0.5f }, values[1]);
        CollectionAssert.AreEqual(new[] { 1f, 1f }, values[2]);
    }

    [TestMethod]
    public void NormalizersTellThatTheyNormalized()
    {
        DataViewSchema schema = Run(_ml.Transforms.NormalizeMinMax("F"), Load([1, 2])).Schema;
        Assert.IsTrue(schema["F"].IsNormalized());
        Assert.IsTrue(schema[0].IsHidden, "the input column of the same name is hidden, not lost");
    }

    [TestMethod]
    public void KeysCountByOccurrenceAndUnknownValuesAreMissing()
    {
        var toKey = _ml.Transforms.Conversion.MapValueToKey("K", "T").Fit(Texts("b", "a", "b", "c"));
        CollectionAssert.AreEqual(new uint[] { 2, 0, 3, 1 }, toKey.Transform(Texts("a", "new", "c", "b")).GetColumn<uint>("K").ToArray());
        var byValue = _ml.Transforms.Conversion.MapValueToKey("K", "T", keyOrdinality: ValueToKeyMappingEstimator.KeyOrdinality.ByValue);
        CollectionAssert.AreEqual(new uint[] { 2, 1, 3 }, Run(byValue, Texts("b", "a", "c")).GetColumn<uint>("K").ToArray());
    }

    [TestMethod]
    public void KeyValuesDecodeKeysAndMissingTextIsEmpty()
    {
        ITransformer toKey = _ml.Transforms.Conversion.MapValueToKey("K", "T").Fit(Texts("b", "a"));
        IDataView keys = toKey.Transform(Texts("a", "new"));
        VBuffer<ReadOnlyMemory<char>> names = default;
        Assert.IsTrue(keys.Schema["K"].HasKeyValues());
        keys.Schema["K"].GetKeyValues(ref names);
        CollectionAssert.AreEqual(new[] { "b", "a" }, names.DenseValues().Select(n => n.ToString()).ToArray());
        IDataView back = Run(_ml.Transforms.Conversion.MapKeyToValue("V", "K"), keys);
        CollectionAssert.AreEqual(new[] { "a", "" }, back.GetColumn<string>("V").ToArray());
    }

    [TestMethod]
    public void AtMostTheGivenNumberOfKeysIsLearnt()
        => CollectionAssert.AreEqual(
            new uint[] { 1, 2, 0 }, Run(_ml.Transforms.Conversion.MapValueToKey("K", "T", maximumNumberOfKeys: 2), Texts("a", "b", "c")).GetColumn<uint>("K").ToArray());

    [TestMethod]
    public void ConcatenateNamesScalarSlotsAndKeepsSparseItems()
    {
        Row[] rows = [new() { F = [1, 2], X = 3, S = new VBuffer<float>(9, 1, [7], [8]) }];
        IDataView view = Run(_ml.Transforms.Concatenate("All", "X", "F", "S"), _ml.Data.LoadFromEnumerable(rows));
        Assert.AreEqual("Vector<Single, 12>", view.Schema["All"].Type.ToString());
        CollectionAssert.AreEqual(new float[] { 3, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 7 }, view.GetColumn<float[]>("All").Single());
        VBuffer<ReadOnlyMemory<char>> names = default;
        view.Schema["All"].GetSlotNames(ref names);
        Assert.AreEqual("X", names.GetItemOrDefault(0).ToString());
        Assert.AreEqual("", names.GetItemOrDefault(1).ToString());
    }

    [TestMethod]
    public void UnlikeTypesAreToldByAChainAtPropagationAndByABareTransform()
    {
        IDataView view = _ml.Data.LoadFromEnumerable(new Row[] { new() { F = [1, 2], T = "x" } });
        ColumnConcatenatingEstimator concatenate = _ml.Transforms.Concatenate("All", "F", "T");
        ITransformer fitted = concatenate.Fit(view);
        StringAssert.Contains(
            Assert.ThrowsException<ArgumentOutOfRangeException>(() => fitted.Transform(view)).Message, "Schema mismatch for input column 'T'");
        StringAssert.Contains(
            Assert.ThrowsException<InvalidOperationException>(() => concatenate.Append(_ml.Transforms.CopyColumns("C", "All")).Fit(view)).Message,
            "Concatenated columns should have the same type.");
    }

    [TestMethod]
    public void SelectDropsHiddenColumnsUnlessKept()
    {
        IDataView hidden = Run(_ml.Transforms.NormalizeMinMax("F"), Load([1, 2]));
        CollectionAssert.AreEqual(new[] { "F" }, Run(_ml.Transforms.SelectColumns("F"), hidden).Schema.Select(c => c.Name).ToArray());
        DataViewSchema kept = Run(_ml.Transforms.SelectColumns(["F"], keepHidden: true), hidden).Schema;
        Assert.IsTrue(kept.Count(c => c.Name == "F") == 2 && kept[0].IsHidden);
        Assert.IsNull(Run(_ml.Transforms.DropColumns("X"), hidden).Schema.GetColumnOrNull("X"));
        Assert.ThrowsException<ArgumentOutOfRangeException>(() => Run(_ml.Transforms.SelectColumns("nope"), hidden));
    }

    [TestMethod]
    public void ConvertTypeConvertsItems()
    {
        IDataView view = Load([1.75f, -2]);
        CollectionAssert.AreEqual(new[] { 1.75, -2 }, Run(_ml.Transforms.Conversion.ConvertType("F", outputKind: DataKind.Double), view).GetColumn<double[]>("F").Single());
        CollectionAssert.AreEqual(
            new[] { 2.5f, float.NaN }, Run(_ml.Transforms.Conversion.ConvertType("N", "T"), Texts("2.5", "x")).GetColumn<float>("N").ToArray());
    }

    [TestMethod]
    public void MissingInputColumnsAreToldByName()
        => StringAssert.Contains(
            Assert.ThrowsException<ArgumentOutOfRangeException>(() => _ml.Transforms.CopyColumns("A", "nope").Fit(Load([1, 2]))).Message,
            "Could not find input column 'nope'");

    [TestMethod]
    public void AChainFitsEachStepOnTheOutputOfTheOneBefore()
    {
        IDataView view = Load([2, 4], [4, 8]);
        var chain = _ml.Transforms.NormalizeMinMax("A", "F")
            .AppendCacheCheckpoint(_ml)
            .Append(_ml.Transforms.NormalizeMinMax("B", "A", fixZero: false), TransformerScope.Everything)
            .Append(_ml.Transforms.DropColumns("A"), TransformerScope.Training);
        var fitted = chain.Fit(view);
        CollectionAssert.AreEqual(new[] { 0f, 0f }, fitted.Transform(view).GetColumn<float[]>("B").First());
        Assert.AreEqual(3, fitted.Count());
        Assert.IsNotNull(fitted.GetOutputSchema(view.Schema).GetColumnOrNull("A"), "a chain scores unless told otherwise");
        Assert.IsNull(fitted.GetOutputSchema(view.Schema, TransformerScope.Training).GetColumnOrNull("A"));
        Assert.IsNull(fitted.Transform(view, TransformerScope.Everything).Schema.GetColumnOrNull("A"));
        Assert.IsNotNull(fitted.GetModelFor(TransformerScope.Scoring).GetOutputSchema(view.Schema).GetColumnOrNull("A"));
        Assert.IsInstanceOfType<ColumnSelectingTransformer>(fitted.LastTransformer);
        NormalizingTransformer? seen = null;
        _ml.Transforms.NormalizeMinMax("A", "F").WithOnFitDelegate(t => seen = t).Fit(view);
        Assert.IsNotNull(seen);
    }

    private static IDataView Run(IEstimator<ITransformer> estimator, IDataView view) => estimator.Fit(view).Transform(view);

    private static IDataView Load(params float[][] rows) => _ml.Data.LoadFromEnumerable(rows.Select(f => new Row { F = f }).ToArray());

    private static IDataView Texts(params string[] texts) => _ml.Data.LoadFromEnumerable(texts.Select(t => new Row { F = [0, 0], T = t }).ToArray());

    private sealed class Row
    {
        [VectorType(2)]
        public float[] F = [];
        [VectorType(9)]
        public VBuffer<float> S;
        public float X;
        public string T = "";
    }
}
