using System;
using System.IO;
using System.IO.Compression;
using System.Linq;
using System.Reflection;
using System.Text;
using Microsoft.ML.Data;
using Microsoft.ML.Quantization.TestSupport.MLNet;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Subset.Tests;

[TestClass]
public sealed class ModelTests
{
    private static readonly MLContext _ml = new(1);

    [TestMethod]
    public void AChainComesBackWithItsSchemaInAnotherContext()
    {
        IDataView view = Data();
        ITransformer chain = _ml.Transforms.NormalizeMinMax("F")
            .Append(_ml.Transforms.Conversion.MapValueToKey("K", "T"))
            .Append(_ml.Transforms.Conversion.MapKeyToValue("V", "K"))
            .Append(_ml.Transforms.Concatenate("All", "F", "X"))
            .Append(_ml.Transforms.DropColumns("X")).Fit(view);
        using MemoryStream stream = Save(chain, view.Schema);
        ITransformer loaded = new MLContext().Model.Load(stream, out DataViewSchema schema);
        SchemaContract.ThrowUnlessSame(view.Schema, schema, "saved schema");
        SchemaContract.ThrowUnlessSame(chain.GetOutputSchema(view.Schema), loaded.GetOutputSchema(view.Schema), "loaded chain");
        CollectionAssert.AreEqual(new[] { "b", "a" }, loaded.Transform(view).GetColumn<string>("V").ToArray());
        Assert.AreEqual(5, ((System.Collections.Generic.IEnumerable<ITransformer>)loaded).Count());
    }

    [TestMethod]
    public void TheSavedSchemaKeepsHiddenColumnsAndAnnotations()
    {
        IDataView view = _ml.Transforms.Concatenate("F", "X").Append(_ml.Transforms.Conversion.MapValueToKey("T")).Fit(Data()).Transform(Data());
        using MemoryStream stream = Save(_ml.Transforms.CopyColumns("C", "F").Fit(view), view.Schema);
        new MLContext().Model.Load(stream, out DataViewSchema schema);
        SchemaContract.ThrowUnlessSame(view.Schema, schema, "saved schema");
        Assert.IsTrue(schema[0].IsHidden);
    }

    [TestMethod]
    public void AModelWithoutSchemaAndNestedChainsLoad()
    {
        ITransformer inner = _ml.Transforms.CopyColumns("A", "X").Append(_ml.Transforms.CopyColumns("B", "A")).Fit(Data());
        ITransformer outer = inner.Append(_ml.Transforms.CopyColumns("C", "B").Fit(inner.Transform(Data())));
        using MemoryStream stream = Save(new TransformerChain<ITransformer>(inner, outer), null);
        ITransformer loaded = new MLContext().Model.Load(stream, out DataViewSchema schema);
        Assert.IsNull(schema);
        Assert.IsNotNull(loaded.GetOutputSchema(Data().Schema).GetColumnOrNull("C"));
    }

    [TestMethod]
    public void AThirdPartyTransformerLoadsWithoutRegistration()
    {
        using MemoryStream alone = Save(new ThirdPartyTransformer(42), Data().Schema);
        Assert.AreEqual(42, ((ThirdPartyTransformer)new MLContext().Model.Load(alone, out _)).Number);
        using MemoryStream chained = Save(new TransformerChain<ITransformer>(_ml.Transforms.CopyColumns("A", "X").Fit(Data()), new ThirdPartyTransformer(7)), null);
        var loaded = (System.Collections.Generic.IEnumerable<ITransformer>)new MLContext().Model.Load(chained, out _);
        Assert.AreEqual(7, ((ThirdPartyTransformer)loaded.Last()).Number);
    }

    [TestMethod]
    public void RegisteringTheAssemblyFirstDoesNoHarm()
    {
        var context = new MLContext();
        context.ComponentCatalog.RegisterAssembly(typeof(ModelTests).Assembly);
        context.ComponentCatalog.RegisterAssembly(typeof(ModelTests).Assembly);
        using MemoryStream model = Save(new ThirdPartyTransformer(1), null);
        Assert.IsInstanceOfType<ThirdPartyTransformer>(context.Model.Load(model, out _));
    }

    [TestMethod]
    public void ALoaderCanBeRegisteredByHandThroughTheSameMembers()
    {
        const BindingFlags Any = BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;
        const string Alias = "ThirdPartyByHand";
        Type catalogType = typeof(Runtime.ComponentCatalog), signature = typeof(SignatureLoadModel);
        Runtime.ComponentCatalog catalog = new MLContext().ComponentCatalog;
        MethodInfo find = catalogType.GetMethod("GetLoadableClassInfo", Any, [typeof(string), typeof(Type)])!;
        Assert.IsNull(find.Invoke(catalog, [Alias, signature]));
        var attribute = new LoadableClassAttribute("", typeof(ThirdPartyTransformer), typeof(ThirdPartyLoader), null, signature, Alias, Alias);
        object info = Activator.CreateInstance(
            catalogType.GetNestedType("LoadableClassInfo", Any)!, Any, null, [attribute, null, null, typeof(ThirdPartyLoader).GetMethod("Create", Any), true], null)!;
        catalogType.GetMethod("AddClass", Any)!.Invoke(catalog, [info, new[] { Alias }, true]);
        Assert.IsNotNull(find.Invoke(catalog, [Alias.ToLowerInvariant(), signature]));
    }

    [TestMethod]
    public void TheEntryHasTheDocumentedHeader()
    {
        byte[] bytes = Entry(Save(new ThirdPartyTransformer(42), null), "TransformerChain/Model.key");
        Assert.AreEqual(0x4C45444F4D004C4Dul, BitConverter.ToUInt64(bytes, 0));
        Assert.AreEqual(256L, BitConverter.ToInt64(bytes, 0x10));
        Assert.AreEqual(sizeof(int), BitConverter.ToInt64(bytes, 0x18));
        Assert.AreEqual("3RDPARTY", Encoding.ASCII.GetString(bytes, 0x40, 8));
        Assert.AreEqual(0x00010001u, BitConverter.ToUInt32(bytes, 0x48));
        Assert.AreEqual(ThirdPartyTransformer.LoaderSignature, Encoding.ASCII.GetString(bytes, 0x50, 24).TrimEnd('\0'));
        Assert.AreEqual(42, BitConverter.ToInt32(bytes, 256));
        int tail = (int)BitConverter.ToInt64(bytes, 0x80), name = (int)BitConverter.ToInt64(bytes, 0x90), size = BitConverter.ToInt32(bytes, 0x98);
        Assert.AreEqual(0x4D4C004D4F44454Cul, BitConverter.ToUInt64(bytes, tail));
        Assert.AreEqual(bytes.Length, BitConverter.ToInt64(bytes, 0x88));
        Assert.AreEqual(typeof(ModelTests).Assembly.GetName().Name, Encoding.Unicode.GetString(bytes, name, size));
    }

    [TestMethod]
    public void FailuresOfLoadersAreWrappedAsDocumented()
    {
        using MemoryStream negative = Save(new ThirdPartyTransformer(-1), null);
        var wrapped = Assert.ThrowsException<InvalidOperationException>(() => new MLContext().Model.Load(negative, out _));
        StringAssert.Contains(wrapped.Message, "Error during class instantiation");
        Assert.IsInstanceOfType<FormatException>(Innermost(wrapped));
    }

    [TestMethod]
    public void AnUnknownLoaderIsToldByPlace()
    {
        using MemoryStream model = Save(new ThirdPartyTransformer(3), null);
        byte[] bytes = Entry(model, "TransformerChain/Model.key");
        Encoding.ASCII.GetBytes("NobodyKnows").CopyTo(bytes, 0x50);
        bytes[0x50 + "NobodyKnows".Length] = 0;
        using MemoryStream damaged = Replace(model, "TransformerChain/Model.key", bytes);
        StringAssert.Contains(
            Assert.ThrowsException<FormatException>(() => new MLContext().Model.Load(damaged, out _)).Message, "Couldn't load model: 'TransformerChain'");
    }

    [TestMethod]
    public void AMissingExtensionIsAFileNotFound()
    {
        using MemoryStream model = Save(new ThirdPartyTransformer(3), null);
        byte[] bytes = Entry(model, "TransformerChain/Model.key");
        int name = (int)BitConverter.ToInt64(bytes, 0x90);
        Encoding.Unicode.GetBytes("Xyzzy").CopyTo(bytes, name);
        using MemoryStream damaged = Replace(model, "TransformerChain/Model.key", bytes);
        Assert.ThrowsException<FileNotFoundException>(() => new MLContext().Model.Load(damaged, out _));
    }

    [TestMethod]
    [DataRow(0x00)]
    [DataRow(0x10)]
    [DataRow(0x80)]
    public void ADamagedHeaderIsRefused(int at)
    {
        using MemoryStream model = Save(_ml.Transforms.CopyColumns("A", "X").Fit(Data()), null);
        byte[] bytes = Entry(model, "TransformerChain/Model.key");
        bytes[at] ^= 0x55;
        using MemoryStream damaged = Replace(model, "TransformerChain/Model.key", bytes);
        Assert.ThrowsException<FormatException>(() => new MLContext().Model.Load(damaged, out _));
    }

    [TestMethod]
    public void TheEnvironmentBehindACatalogIsFoundByReflection()
    {
        PropertyInfo? property = typeof(TransformsCatalog).Assembly.GetType("Microsoft.ML.Data.IInternalCatalog")?.GetProperty("Environment");
        Assert.IsNotNull(property);
        foreach (object catalog in new object[] { _ml.Transforms, _ml.Transforms.Conversion, _ml.Data, _ml.Model, _ml.MulticlassClassification })
        {
            Assert.IsInstanceOfType<Runtime.IHostEnvironment>(property.GetValue(catalog));
        }
    }

    private static Exception Innermost(Exception exception) => exception.InnerException == null ? exception : Innermost(exception.InnerException);

    private static MemoryStream Save(ITransformer model, DataViewSchema? schema)
    {
        var stream = new MemoryStream();
        _ml.Model.Save(model, schema, stream);
        stream.Position = 0;
        return stream;
    }

    private static byte[] Entry(MemoryStream model, string name)
    {
        using var archive = new ZipArchive(model, ZipArchiveMode.Read, leaveOpen: true);
        using Stream entry = archive.Entries.Single(e => e.FullName.Replace('\\', '/') == name).Open();
        using var content = new MemoryStream();
        entry.CopyTo(content);
        return content.ToArray();
    }

    private static MemoryStream Replace(MemoryStream model, string name, byte[] content)
    {
        var copy = new MemoryStream();
        model.Position = 0;
        model.CopyTo(copy);
        using (var archive = new ZipArchive(copy, ZipArchiveMode.Update, leaveOpen: true))
        {
            ZipArchiveEntry old = archive.Entries.Single(e => e.FullName.Replace('\\', '/') == name);
            string fullName = old.FullName;
            old.Delete();
            using Stream entry = archive.CreateEntry(fullName).Open();
            entry.Write(content);
        }

        copy.Position = 0;
        return copy;
    }

    private static IDataView Data() => _ml.Data.LoadFromEnumerable(new Row[] { new() { F = [1, 2], X = 3, T = "b" }, new() { F = [2, 1], X = 4, T = "a" } });

    private sealed class Row
    {
        [VectorType(2)]
        public float[] F = [];
        public float X;
        public string T = "";
    }
}
