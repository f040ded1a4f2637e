using System;
using System.Linq;
using Microsoft.ML.Data;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Subset.Tests;

[TestClass]
public sealed class EnumerableTests
{
    private static readonly MLContext _ml = new(1);

    [TestMethod]
    public void ColumnsAreFieldsInOrderThenPropertiesWithoutNoColumn()
    {
        DataViewSchema schema = _ml.Data.LoadFromEnumerable(Array.Empty<Many>()).Schema;
        CollectionAssert.AreEqual(
            new[] { "Z: Single", "Renamed: String", "Known: Vector<Single, 2>", "Grid: Vector<Int32, 2, 3>", "Free: Vector<Double>", "Flag: Boolean", "Time: DateTime", "A: Int64", "ReadOnly: Byte" },
            schema.Select(c => c.ToString()).ToArray());
    }

    [TestMethod]
    public void TheRowCountIsKnownForCollectionsOnly()
    {
        Assert.AreEqual(3, _ml.Data.LoadFromEnumerable(new One[] { new(), new(), new() }).GetRowCount());
        IDataView lazy = _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 3).Select(_ => new One()));
        Assert.IsNull(lazy.GetRowCount());
        Assert.IsFalse(lazy.CanShuffle);
        Assert.AreEqual(1, lazy.GetRowCursorSet(lazy.Schema, 4).Length);
        Assert.IsTrue(_ml.Data.Cache(lazy).CanShuffle);
    }

    [TestMethod]
    public void ACursorStartsBeforeTheFirstRowAndGivesActiveColumnsOnly()
    {
        IDataView view = _ml.Data.LoadFromEnumerable(new Pair[] { new() { A = 1, B = 2 }, new() { A = 3, B = 4 } });
        using DataViewRowCursor cursor = view.GetRowCursor([view.Schema["B"]]);
        Assert.AreEqual(-1, cursor.Position);
        Assert.AreSame(view.Schema, cursor.Schema);
        Assert.IsTrue(cursor.IsColumnActive(view.Schema["B"]));
        Assert.IsFalse(cursor.IsColumnActive(view.Schema["A"]));
        Assert.ThrowsException<ArgumentOutOfRangeException>(() => cursor.GetGetter<float>(view.Schema["A"]));
        StringAssert.Contains(
            Assert.ThrowsException<InvalidOperationException>(() => cursor.GetGetter<int>(view.Schema["B"])).Message, "Invalid TValue in GetGetter");
        ValueGetter<float> b = cursor.GetGetter<float>(view.Schema["B"]);
        float value = 0;
        Assert.IsTrue(cursor.MoveNext());
        b(ref value);
        Assert.AreEqual(2f, value);
        Assert.AreEqual(0, cursor.Position);
        Assert.IsTrue(cursor.MoveNext());
        b(ref value);
        Assert.AreEqual(4f, value);
        Assert.IsFalse(cursor.MoveNext());
    }

    [TestMethod]
    public void ScalarKeysAreRaisedByOneWhenWrittenAndRawWhenRead()
    {
        KeyRow[] rows = [new() { Key = 0, Keys = [1, 3] }, new() { Key = 2, Keys = [0] }, new() { Key = 3, Keys = [] }];
        IDataView view = _ml.Data.LoadFromEnumerable(rows);
        Assert.AreEqual("Key<UInt32, 0-2>", view.Schema["Key"].Type.ToString());
        CollectionAssert.AreEqual(new uint[] { 1, 3, 0 }, view.GetColumn<uint>("Key").ToArray());
        KeyRow[] back = _ml.Data.CreateEnumerable<KeyRow>(view, reuseRowObject: false).ToArray();
        CollectionAssert.AreEqual(new uint[] { 1, 3, 0 }, back.Select(r => r.Key).ToArray());
        CollectionAssert.AreEqual(new uint[] { 1, 3 }, back[0].Keys);
    }

    [TestMethod]
    public void ArraysOfAnyLengthArriveAsTheyAre()
    {
        VectorRow[] rows = [new() { F = [1, 2] }, new() { F = [1, 2, 3] }, new() { F = null! }];
        IDataView view = _ml.Data.LoadFromEnumerable(rows);
        Assert.AreEqual("Vector<Single, 2>", view.Schema["F"].Type.ToString());
        CollectionAssert.AreEqual(new[] { 2, 3, 0 }, view.GetColumn<float[]>("F").Select(f => f.Length).ToArray());
    }

    [TestMethod]
    public void TextsAndSparseVectorsSurviveTheRoundTrip()
    {
        TextRow[] rows =
        [
            new() { T = "a", Ts = ["x", "y"], B = new VBuffer<float>(4, 1, [5], [2]) },
            new() { T = null!, Ts = [], B = default },
        ];
        TextRow[] back = _ml.Data.CreateEnumerable<TextRow>(_ml.Data.LoadFromEnumerable(rows), reuseRowObject: false).ToArray();
        Assert.AreEqual("a", back[0].T);
        Assert.AreEqual("", back[1].T);
        CollectionAssert.AreEqual(new[] { "x", "y" }, back[0].Ts);
        CollectionAssert.AreEqual(new float[] { 0, 0, 5, 0 }, back[0].B.DenseValues().ToArray());
        CollectionAssert.AreEqual(new[] { "a", "" }, _ml.Data.LoadFromEnumerable(rows).GetColumn<string>("T").ToArray());
    }

    [TestMethod]
    public void AMissingColumnFailsUnlessIgnored()
    {
        IDataView view = _ml.Data.LoadFromEnumerable(new One[] { new() });
        StringAssert.Contains(
            Assert.ThrowsException<ArgumentOutOfRangeException>(() => _ml.Data.CreateEnumerable<Pair>(view, false).ToArray()).Message, "Could not find  column 'A'");
        Assert.AreEqual(1, _ml.Data.CreateEnumerable<Pair>(view, false, ignoreMissingColumns: true).Count());
    }

    [TestMethod]
    public void AColumnOfAnotherTypeCannotBeBound()
    {
        IDataView view = _ml.Data.LoadFromEnumerable(new Pair[] { new() });
        StringAssert.Contains(
            Assert.ThrowsException<InvalidOperationException>(() => _ml.Data.CreateEnumerable<Other>(view, false).ToArray()).Message, "Can't bind the IDataView column");
    }

    [TestMethod]
    public void ReusedRowObjectsAreTheSameObject()
    {
        IDataView view = _ml.Data.LoadFromEnumerable(new Pair[] { new() { A = 1 }, new() { A = 2 } });
        Pair[] reused = _ml.Data.CreateEnumerable<Pair>(view, reuseRowObject: true).ToArray();
        Assert.AreSame(reused[0], reused[1]);
        CollectionAssert.AreEqual(new[] { 1f, 2f }, _ml.Data.CreateEnumerable<Pair>(view, reuseRowObject: false).Select(r => r.A).ToArray());
    }

    [TestMethod]
    public void ASchemaDefinitionSaysTypesAndNames()
    {
        SchemaDefinition definition = SchemaDefinition.Create(typeof(VectorRow));
        definition["F"].ColumnType = new VectorDataViewType(NumberDataViewType.Single, 3);
        definition["F"].AddAnnotation("IsNormalized", true, BooleanDataViewType.Instance);
        definition["F"].ColumnName = "G";
        DataViewSchema.Column column = _ml.Data.LoadFromEnumerable(new VectorRow[] { new() { F = [1, 2, 3] } }, definition).Schema["G"];
        Assert.AreEqual("Vector<Single, 3>", column.Type.ToString());
        Assert.IsTrue(column.IsNormalized());
        Assert.AreEqual("Vector<Single, 2>", _ml.Data.LoadFromEnumerable(Array.Empty<VectorRow>(), SchemaOf<VectorRow>()).Schema["F"].Type.ToString());
    }

    [TestMethod]
    public void TenThousandImagesPassEachWay()
    {
        var random = new Random(5);
        ImageRow[] rows = Enumerable.Range(0, 10_000).Select(i => new ImageRow { Pixels = Enumerable.Repeat((float)i, 784).ToArray(), Label = random.Next(10) }).ToArray();
        IDataView view = _ml.Data.LoadFromEnumerable(rows);
        Assert.AreEqual(10_000, view.GetColumn<float[]>("Pixels").Count(p => p.Length == 784));
        Assert.AreEqual(10_000, _ml.Data.CreateEnumerable<ImageRow>(view, reuseRowObject: true).Zip(rows).Count(p => p.First.Pixels[783] == p.Second.Pixels[783] && p.First.Label == p.Second.Label));
    }

    private static DataViewSchema SchemaOf<T>()
        where T : class
        => _ml.Data.LoadFromEnumerable(Array.Empty<T>()).Schema;

    private sealed class One
    {
        public float X;
    }

    private sealed class Pair
    {
        public float A;
        public float B;
    }

    private sealed class Other
    {
        public string A { get; set; } = "";
    }

    private sealed class KeyRow
    {
        [KeyType(3)]
        public uint Key;
        [KeyType(3)]
        public uint[] Keys = [];
    }

    private sealed class VectorRow
    {
        [VectorType(2)]
        public float[] F = [];
    }

    private sealed class TextRow
    {
        public string T = "";
        public string[] Ts = [];
        public VBuffer<float> B;
    }

    private sealed class ImageRow
    {
        [VectorType(784)]
        public float[] Pixels = [];
        public float Label;
    }

    private sealed class Many
    {
        public static int Shared;
        public float Z;
        [ColumnName("Renamed")]
        public string Text = "";
        [VectorType(2)]
        public float[] Known = [];
        [VectorType(2, 3)]
        public int[] Grid = [];
        public double[] Free = [];
        public bool Flag;
        public DateTime Time;
        [NoColumn]
        public float Left;

        public long A { get; set; }

        public byte ReadOnly => (byte)Shared;
    }
}
