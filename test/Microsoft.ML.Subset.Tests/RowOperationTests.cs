using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Data;
using Microsoft.ML.Quantization.TestSupport.MLNet;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Subset.Tests;

[TestClass]
public sealed class RowOperationTests
{
    private static readonly MLContext _ml = new(1);

    [TestMethod]
    public void TakeAndSkipCutTheRows()
    {
        IDataView view = Numbers(10);
        CollectionAssert.AreEqual(new float[] { 0, 1, 2 }, Values(_ml.Data.TakeRows(view, 3)));
        CollectionAssert.AreEqual(new float[] { 8, 9 }, Values(_ml.Data.SkipRows(view, 8)));
        Assert.AreEqual(0, Values(_ml.Data.SkipRows(view, 20)).Length);
        ViewContract.Verify(_ml.Data.TakeRows(view, 3));
    }

    [TestMethod]
    public void TheUpperBoundOfAFilterIsExclusiveAndNaNIsDropped()
    {
        IDataView view = _ml.Data.LoadFromEnumerable(new Row[] { new() { X = 1 }, new() { X = 2 }, new() { X = float.NaN }, new() { X = 3 } });
        IDataView filtered = _ml.Data.FilterRowsByColumn(view, "X", 1, 3);
        CollectionAssert.AreEqual(new float[] { 1, 2 }, Values(filtered));
        Assert.IsNull(filtered.GetRowCount());
    }

    [TestMethod]
    public void AShuffleIsAPermutationAndItsSeedRepeatsIt()
    {
        IDataView view = Numbers(50);
        float[] first = Values(_ml.Data.ShuffleRows(view, seed: 3, shufflePoolSize: 7));
        CollectionAssert.AreEqual(first, Values(_ml.Data.ShuffleRows(view, seed: 3, shufflePoolSize: 7)));
        CollectionAssert.AreNotEqual(Values(view), first);
        CollectionAssert.AreEquivalent(Values(view), first);
    }

    [TestMethod]
    public void ASplitIsAPartitionWithoutHelperColumnsAndTheSameEveryTime()
    {
        IDataView view = Numbers(200);
        DataOperationsCatalog.TrainTestData split = _ml.Data.TrainTestSplit(view, 0.25);
        Assert.AreEqual(view.Schema.Count(c => !c.IsHidden), split.TestSet.Schema.Count(c => !c.IsHidden));
        float[] test = Values(split.TestSet);
        CollectionAssert.AreEquivalent(Values(view), Values(split.TrainSet).Concat(test).ToArray());
        Assert.IsTrue(test.Length is > 25 and < 80, $"{test.Length} of 200 rows");
        CollectionAssert.AreEqual(test, Values(_ml.Data.TrainTestSplit(view, 0.25).TestSet));
    }

    [TestMethod]
    public void RowsOfOneSamplingKeyStayTogether()
    {
        IDataView view = Numbers(90);
        DataOperationsCatalog.TrainTestData split = _ml.Data.TrainTestSplit(view, 0.3, samplingKeyColumnName: "Group");
        string[] train = split.TrainSet.GetColumn<string>("Group").Distinct().ToArray();
        string[] test = split.TestSet.GetColumn<string>("Group").Distinct().ToArray();
        Assert.AreEqual(0, train.Intersect(test).Count());
        Assert.AreEqual(90, split.TrainSet.GetColumn<float>("X").Count() + split.TestSet.GetColumn<float>("X").Count());
    }

    [TestMethod]
    public void FoldsPartitionTheRows()
    {
        IDataView view = Numbers(60);
        IReadOnlyList<DataOperationsCatalog.TrainTestData> folds = _ml.Data.CrossValidationSplit(view, 3);
        Assert.AreEqual(3, folds.Count);
        CollectionAssert.AreEquivalent(Values(view), folds.SelectMany(f => Values(f.TestSet)).ToArray());
        Assert.IsTrue(folds.All(f => Values(f.TrainSet).Length + Values(f.TestSet).Length == 60));
    }

    [TestMethod]
    public void ACacheReadsItsSourceOnceAndKeepsTheContract()
    {
        var counted = new CursorCountingView(Numbers(300));
        IDataView cache = _ml.Data.Cache(counted, "X", "Group");
        ViewContract.Verify(cache);
        Assert.IsTrue(counted.Opened >= 1);
        int opened = counted.Opened;
        Values(cache);
        Assert.AreEqual(opened, counted.Opened);
        using DataViewRowCursor shuffled = cache.GetRowCursor([cache.Schema["X"]], new Random(4));
        ValueGetter<float> getter = shuffled.GetGetter<float>(cache.Schema["X"]);
        var values = new List<float>();
        float value = 0;
        while (shuffled.MoveNext())
        {
            getter(ref value);
            values.Add(value);
        }

        CollectionAssert.AreEquivalent(Values(cache), values);
        CollectionAssert.AreNotEqual(Values(cache), values);
    }

    [TestMethod]
    public void APreviewHoldsTheFirstRows()
    {
        DataDebuggerPreview preview = Numbers(10).Preview(maxRows: 2);
        Assert.AreEqual(2, preview.RowView.Length);
        Assert.AreEqual("X", preview.RowView[1].Values[0].Key);
        Assert.AreEqual(1f, preview.RowView[1].Values[0].Value);
        Assert.AreEqual(2, preview.ColumnView[0].Values.Length);
    }

    private static IDataView Numbers(int count)
        => _ml.Data.LoadFromEnumerable(Enumerable.Range(0, count).Select(i => new Row { X = i, Group = "g" + i % 9 }).ToArray());

    private static float[] Values(IDataView view) => view.GetColumn<float>("X").ToArray();

    private sealed class Row
    {
        public float X;
        public string Group = "";
    }
}
