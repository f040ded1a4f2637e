using System;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Data;
using Microsoft.ML.Quantization.TestSupport.MLNet;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Subset.Tests;

[TestClass]
public sealed class SchemaTests
{
    [TestMethod]
    public void TypesPrintAsDocumented()
    {
        Assert.AreEqual("Single", NumberDataViewType.Single.ToString());
        Assert.AreEqual("String", TextDataViewType.Instance.ToString());
        Assert.AreEqual("Boolean", BooleanDataViewType.Instance.ToString());
        Assert.AreEqual("Key<UInt32, 0-2>", new KeyDataViewType(typeof(uint), 3).ToString());
        Assert.AreEqual("Vector<Single, 3, 4>", new VectorDataViewType(NumberDataViewType.Single, 3, 4).ToString());
        Assert.AreEqual("Vector<Single>", new VectorDataViewType(NumberDataViewType.Single).ToString());
    }

    [TestMethod]
    public void TypesCompareByContentAndDimensionsCount()
    {
        Assert.AreSame(NumberDataViewType.Single, NumberDataViewType.Single);
        Assert.IsTrue(new KeyDataViewType(typeof(uint), 3).Equals(new KeyDataViewType(typeof(uint), 3)));
        Assert.IsFalse(new KeyDataViewType(typeof(uint), 3).Equals(new KeyDataViewType(typeof(byte), 3)));
        var matrix = new VectorDataViewType(NumberDataViewType.Single, ImmutableArray.Create(3, 4));
        Assert.AreEqual(12, matrix.Size);
        Assert.IsFalse(matrix.Equals(new VectorDataViewType(NumberDataViewType.Single, 12)));
        Assert.IsFalse(new VectorDataViewType(NumberDataViewType.Single).IsKnownSize);
    }

    [TestMethod]
    public void ALaterColumnHidesAnEarlierOfTheSameName()
    {
        var builder = new DataViewSchema.Builder();
        builder.AddColumn("A", NumberDataViewType.Single);
        builder.AddColumn("B", new VectorDataViewType(NumberDataViewType.Single, 2));
        builder.AddColumn("A", NumberDataViewType.Int32);
        DataViewSchema schema = builder.ToSchema();
        Assert.AreEqual("3 columns", schema.ToString());
        Assert.IsTrue(schema[0].IsHidden);
        Assert.AreEqual(2, schema["A"].Index);
        Assert.AreEqual("B: Vector<Single, 2>", schema["B"].ToString());
    }

    [TestMethod]
    public void AMissingColumnIsToldByName()
    {
        DataViewSchema schema = new DataViewSchema.Builder().ToSchema();
        Assert.IsNull(schema.GetColumnOrNull("nope"));
        StringAssert.Contains(Assert.ThrowsException<ArgumentOutOfRangeException>(() => schema["nope"]).Message, "Column 'nope' not found");
    }

    [TestMethod]
    public void AnnotationsAreReadByKindAndType()
    {
        var builder = new DataViewSchema.Annotations.Builder();
        builder.AddPrimitiveValue("IsNormalized", BooleanDataViewType.Instance, true);
        builder.Add("Sizes", new VectorDataViewType(NumberDataViewType.Int32, 2), (ref VBuffer<int> v) => v = new VBuffer<int>(2, [3, 4]));
        DataViewSchema.Annotations annotations = builder.ToAnnotations();
        VBuffer<int> sizes = default;
        annotations.GetValue("Sizes", ref sizes);
        CollectionAssert.AreEqual(new[] { 3, 4 }, sizes.GetValues().ToArray());

        var schema = new DataViewSchema.Builder();
        schema.AddColumn("A", NumberDataViewType.Single, annotations);
        DataViewSchema.Column column = schema.ToSchema()["A"];
        Assert.IsTrue(column.IsNormalized());
        Assert.IsFalse(column.HasSlotNames());
        bool value = false;
        var copy = new DataViewSchema.Annotations.Builder();
        copy.Add(annotations, name => name == "IsNormalized");
        Assert.AreEqual(1, copy.ToAnnotations().Schema.Count);
        StringAssert.Contains(
            Assert.ThrowsException<InvalidOperationException>(() => annotations.GetValue("Absent", ref value)).Message, "Invalid call to 'GetValue'");
    }

    [TestMethod]
    public void AShapeForgetsSizesAndHiddenColumns()
    {
        var builder = new DataViewSchema.Builder();
        builder.AddColumn("A", NumberDataViewType.Single);
        builder.AddColumn("A", new VectorDataViewType(new KeyDataViewType(typeof(uint), 5), 3));
        builder.AddColumn("V", new VectorDataViewType(TextDataViewType.Instance));
        SchemaShape shape = SchemaShapes.Create(builder.ToSchema());
        Assert.AreEqual(2, shape.Count);
        Assert.AreEqual(SchemaShape.Column.VectorKind.Vector, shape[0].Kind);
        Assert.IsTrue(shape[0].IsKey);
        Assert.AreSame(NumberDataViewType.UInt32, shape[0].ItemType);
        Assert.AreEqual(SchemaShape.Column.VectorKind.VariableVector, shape.Single(c => c.Name == "V").Kind);
        Assert.AreEqual(0, shape[0].Annotations.Count);
    }
}
