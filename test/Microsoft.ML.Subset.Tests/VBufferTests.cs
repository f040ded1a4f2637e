using System;
using System.Linq;
using Microsoft.ML.Data;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Subset.Tests;

[TestClass]
public sealed class VBufferTests
{
    private static VBuffer<float> Sparse => new(6, 2, [1.5f, -2f, 99f], [1, 4, 5]);

    [TestMethod]
    public void ADefaultBufferIsEmptyAndDense()
    {
        VBuffer<int> empty = default;
        Assert.AreEqual(0, empty.Length);
        Assert.IsTrue(empty.IsDense);
        Assert.AreEqual(0, empty.GetValues().Length);
        Assert.AreEqual(0, empty.DenseValues().Count());
    }

    [TestMethod]
    public void ImplicitItemsOfASparseBufferAreDefault()
    {
        VBuffer<float> buffer = Sparse;
        Assert.IsFalse(buffer.IsDense);
        CollectionAssert.AreEqual(new[] { 0, 1.5f, 0, 0, -2f, 0 }, buffer.DenseValues().ToArray());
        CollectionAssert.AreEqual(new[] { 1.5f, -2f }, buffer.GetValues().ToArray());
        CollectionAssert.AreEqual(new[] { 1, 4 }, buffer.GetIndices().ToArray());
        Assert.AreEqual(-2f, buffer.GetItemOrDefault(4));
        Assert.AreEqual(0f, buffer.GetItemOrDefault(5));
        float item = 7;
        buffer.GetItemOrDefault(0, ref item);
        Assert.AreEqual(0f, item);
    }

    [TestMethod]
    public void ItemsGivesStoredOrAllItems()
    {
        CollectionAssert.AreEqual(new[] { 1, 4 }, Sparse.Items().Select(i => i.Key).ToArray());
        CollectionAssert.AreEqual(new[] { 0, 1, 2, 3, 4, 5 }, Sparse.Items(all: true).Select(i => i.Key).ToArray());
        CollectionAssert.AreEqual(new[] { 0, 1.5f, 0, 0, -2f, 0 }, Sparse.Items(all: true).Select(i => i.Value).ToArray());
    }

    [TestMethod]
    public void CopyToKeepsSparsenessAndCopyToDenseDoesNot()
    {
        var target = new VBuffer<float>(2, [7, 8]);
        Sparse.CopyTo(ref target);
        Assert.IsFalse(target.IsDense);
        CollectionAssert.AreEqual(Sparse.DenseValues().ToArray(), target.DenseValues().ToArray());
        Sparse.CopyToDense(ref target);
        Assert.IsTrue(target.IsDense);
        CollectionAssert.AreEqual(Sparse.DenseValues().ToArray(), target.GetValues().ToArray());
    }

    [TestMethod]
    [DataRow(0, 6, new float[] { 0, 1.5f, 0, 0, -2f, 0 })]
    [DataRow(1, 4, new float[] { 1.5f, 0, 0, -2f })]
    [DataRow(2, 2, new float[] { 0, 0 })]
    [DataRow(4, 1, new float[] { -2f })]
    [DataRow(6, 0, new float[0])]
    public void CopyToOfARangeShiftsIndices(int from, int length, float[] expected)
    {
        VBuffer<float> target = default;
        Sparse.CopyTo(ref target, from, length);
        Assert.AreEqual(length, target.Length);
        CollectionAssert.AreEqual(expected, target.DenseValues().ToArray());
    }

    [TestMethod]
    public void CopyToASpanFillsTheImplicitItems()
    {
        float[] target = [9, 9, 9, 9, 9, 9, 9, 9];
        Sparse.CopyTo(target, 1, defaultValue: 5);
        CollectionAssert.AreEqual(new[] { 9, 5, 1.5f, 5, 5, -2f, 5, 9 }, target);
    }

    [TestMethod]
    public void TheEditorReusesTheBuffersItGets()
    {
        var buffer = new VBuffer<int>(4, new int[4]);
        VBufferEditor<int> editor = VBufferEditor.Create(ref buffer, 3);
        Assert.IsFalse(editor.CreatedNewValues);
        Assert.AreEqual(3, editor.Values.Length);
        editor.Values[2] = 5;
        VBuffer<int> next = editor.Commit();
        Assert.AreEqual(3, next.Length);
        Assert.AreEqual(5, buffer.GetItemOrDefault(2), "the old buffer shares the array");
        VBufferEditor<int> larger = VBufferEditor.Create(ref next, 40);
        Assert.IsTrue(larger.CreatedNewValues);
    }

    [TestMethod]
    public void TheEditorKeepsOldValuesOnRequestOnly()
    {
        var buffer = new VBuffer<int>(2, [1, 2]);
        VBufferEditor<int> editor = VBufferEditor.Create(ref buffer, 5, keepOldOnResize: true);
        CollectionAssert.AreEqual(new[] { 1, 2 }, editor.Values[..2].ToArray());
    }

    [TestMethod]
    public void AnEditorWithFewerValuesThanTheLengthMakesASparseBuffer()
    {
        VBuffer<double> buffer = default;
        VBufferEditor<double> editor = VBufferEditor.Create(ref buffer, 5, 2);
        Assert.AreEqual(2, editor.Indices.Length);
        (editor.Values[0], editor.Indices[0]) = (3, 1);
        (editor.Values[1], editor.Indices[1]) = (4, 4);
        buffer = editor.Commit();
        CollectionAssert.AreEqual(new double[] { 0, 3, 0, 0, 4 }, buffer.DenseValues().ToArray());
    }

    [TestMethod]
    public void CommitTruncatedKeepsTheFirstValues()
    {
        VBuffer<double> buffer = default;
        VBufferEditor<double> editor = VBufferEditor.Create(ref buffer, 5, 3);
        for (int i = 0; i < 3; i++)
        {
            (editor.Values[i], editor.Indices[i]) = (i + 1, i);
        }

        CollectionAssert.AreEqual(new double[] { 1, 2, 0, 0, 0 }, editor.CommitTruncated(2).DenseValues().ToArray());
    }

    [TestMethod]
    public void CreateFromBufferEditsInPlace()
    {
        VBuffer<float> buffer = Sparse;
        VBufferEditor<float> editor = VBufferEditor.CreateFromBuffer(ref buffer);
        editor.Values[0] = 10;
        buffer = editor.Commit();
        CollectionAssert.AreEqual(new[] { 0, 10f, 0, 0, -2f, 0 }, buffer.DenseValues().ToArray());
    }

    [TestMethod]
    public void RowIdsAreStableAndMix()
    {
        var id = new DataViewRowId(1, 2);
        Assert.AreEqual(id.Fork(), new DataViewRowId(1, 2).Fork());
        DataViewRowId[] made = [id, id.Fork(), id.Next(), id.Combine(id.Next()), id.Fork().Next()];
        Assert.AreEqual(made.Length, made.Distinct().Count());
        Assert.IsTrue(id.CompareTo(new DataViewRowId(0, 3)) < 0);
    }
}
