using System;
using System.IO;
using System.Linq;
using System.Text;
using Google.Protobuf;
using Microsoft.ML.Quantization.Onnx.Proto;
using Microsoft.ML.Quantization.Onnx.Reading;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Onnx.Tests;

/// <summary>Files that are wrong: each gives one error of the family, with a code that says what is wrong.</summary>
[TestClass]
public sealed class BadInputTests
{
    [TestMethod]
    [DataRow("", "empty")]
    [DataRow("<!DOCTYPE html><html></html>", "web page")]
    [DataRow("version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer")]
    [DataRow("PK\u0003\u0004aaaaaaaaaaaaaaaaaaa", "zip")]
    [DataRow("\u0080\u0002}q\0(X\u0004", "pickle")]
    [DataRow("just some text", "first bytes")]
    public void AFileThatIsNoModelIsNamedForWhatItLooksLike(string text, string guess)
        => Fails(QuantizationErrorCode.NotAModel, guess, () => OnnxModel.Load(Encoding.Latin1.GetBytes(text)));

    [TestMethod]
    public void ATruncatedModelSaysWhere()
    {
        byte[] bytes = SampleModels.Dense().ToBytes();
        Fails(QuantizationErrorCode.TruncatedModel, "near byte", () => OnnxModel.Load(bytes[..^20]));
    }

    [TestMethod]
    public void DeepNestingIsRefusedBeforeTheStackEnds()
    {
        byte[] inner = [];
        for (int i = 0; i < 300; i++)
        {
            // A graph (7) or an attribute's graph (6) around a node (1) around an attribute (5).
            inner = Wrap(6, inner);
            inner = Wrap(5, inner);
            inner = Wrap(1, inner);
        }

        Fails(QuantizationErrorCode.ModelLimitExceeded, "nested", () => OnnxModel.Load([0x08, 0x08, .. Wrap(7, inner)]));
    }

    [TestMethod]
    public void ALengthLongerThanTheFileAllocatesNothing()
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        Fails(QuantizationErrorCode.TruncatedModel, "near byte", () => OnnxModel.Load([0x08, 0x08, 0x3A, 0xFF, 0xFF, 0xFF, 0xFF, 0x07, 0x2A]));
        Assert.IsTrue(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20);
    }

    [TestMethod]
    [DataRow(-1L, 2L)]
    [DataRow(1L << 40, 1L)]
    [DataRow(1L << 20, 1L << 20)]
    public void ImpossibleDimensionsOfATensorAreRefused(long first, long second)
        => Fails(QuantizationErrorCode.InvalidShape, "'w'", () => WithWeight(DataType.Float, [first, second], [0, 0, 0, 0]).Import());

    [TestMethod]
    public void AnEnormousRankIsRefused()
        => Fails(QuantizationErrorCode.InvalidShape, "rank", () => WithWeight(DataType.Float, [.. Enumerable.Repeat(1L, 100_000)], [0, 0, 0, 0]).Import());

    [TestMethod]
    public void AnAttributeListShorterThanTheKernelIsRefused()
        => Fails(QuantizationErrorCode.InvalidAttribute, "strides", () => new ModelWriter().Input("x", 1, 1, 4, 4).Filled("w", 1, 1, 1, 3, 3)
            .Node("Conv", "x w", "y", ("strides", new long[] { 1 })).Output("y").Import());

    [TestMethod]
    public void RawDataOfAnotherLengthAreRefused()
        => Fails(QuantizationErrorCode.TensorLengthMismatch, "expected 16 bytes", () => WithWeight(DataType.Float, [2, 2], new byte[15]).Import());

    [TestMethod]
    public void TypedDataOfAnotherCountAreRefused()
    {
        ModelWriter model = WithWeight(DataType.Float, [2, 2], []);
        model.Graph.Initializers[0].ClearRaw();
        model.Graph.Initializers[0].Floats.Add(1);
        Fails(QuantizationErrorCode.TensorLengthMismatch, "expected 4 elements", () => model.Import());
    }

    [TestMethod]
    [DataRow(6, "operator set 7 to")]
    [DataRow(0, "found 0")]
    public void AnOldOperatorSetIsRefusedWithTheRange(int version, string expected)
        => Fails(QuantizationErrorCode.UnsupportedOperatorSet, expected, () => new ModelWriter(version).Input("x", 1).Node("Equal", "x x", "y").Output("y").Import());

    [TestMethod]
    public void ANewerOperatorSetIsTriedWithAWarning()
        => StringAssert.Contains(new ModelWriter(99).Input("x", 1).Node("Relu", "x", "y").Output("y").Import().Warnings.Single(), "newer");

    [TestMethod]
    public void AllUnknownOperatorsAreListedAtOnce()
    {
        ModelWriter model = new ModelWriter().Input("x", 1).Node("Foo", "x", "a").Node("Foo", "a", "b").Node("Bar", "b", "y").Output("y");
        model.Graph.Nodes[2].Domain = "my.domain";
        Fails(QuantizationErrorCode.UnsupportedOperator, "Foo (2), my.domain.Bar (1)", () => model.Import());
        Fails(QuantizationErrorCode.UnsupportedOperator, "the first being 'Foo_a'", () => model.Import());
        Fails(QuantizationErrorCode.UnsupportedOperator, "OnnxOperators.All", () => model.Import());
    }

    [TestMethod]
    [DataRow("If")]
    [DataRow("Loop")]
    [DataRow("Scan")]
    public void NodesThatHoldGraphsAreRefused(string type)
        => Fails(QuantizationErrorCode.UnsupportedSubgraph, type + " (1)", () => new ModelWriter().Input("x", 1).Node(type, "x", "y", ("body", new GraphMessage())).Output("y").Import());

    [TestMethod]
    public void CyclesDuplicatesAndDanglingNamesAreRefused()
    {
        Fails(QuantizationErrorCode.InvalidGraph, "cycle", () => new ModelWriter().Input("x", 1).Node("Add", "x b", "a").Node("Relu", "a", "b").Output("b").Import());
        Fails(QuantizationErrorCode.InvalidGraph, "two of 'a'", () => new ModelWriter().Input("x", 1).Node("Relu", "x", "a").Node("Exp", "x", "a").Output("a").Import());
        Fails(QuantizationErrorCode.InvalidGraph, "none for 'nowhere', which Add 'Add_a' reads", () => new ModelWriter().Input("x", 1).Node("Add", "x nowhere", "a").Output("a").Import());
        Fails(QuantizationErrorCode.InvalidGraph, "none for 'z'", () => new ModelWriter().Input("x", 1).Output("z").Import());
        Fails(QuantizationErrorCode.InvalidGraph, "'x' twice", () => new ModelWriter().Input("x", 1).Input("x", 1).Output("x").Import());
    }

    [TestMethod]
    public void FreeDimensionsBehindTheBatchAreNamedAndCanBeGiven()
    {
        ModelWriter model = new ModelWriter().Input("x", "N", 3, "height", "width").Node("Relu", "x", "y").Output("y");
        Fails(QuantizationErrorCode.InputShapeMismatch, "\"height\"", () => model.Import());
        Fails(QuantizationErrorCode.InputShapeMismatch, "\"width\"", () => model.Import());
        var options = new OnnxImportOptions();
        options = options with { Dimensions = options.Dimensions.Add("height", 5).Add("x[3]", 7) };
        OnnxImportResult result = model.Import(options);
        Assert.AreEqual(Shape.Of(Shape.Free, 3, 5, 7), result.Graph[result.Graph.Outputs[0]].Type.Shape);
    }

    [TestMethod]
    public void NamesInTheOptionsThatTheFileDoesNotHaveAreWarnedOf()
    {
        ModelWriter model = new ModelWriter().Input("x", "N", 3).Node("Relu", "x", "y").Output("y");
        var options = new OnnxImportOptions();
        options = options with { Dimensions = options.Dimensions.Add("heigth", 5), Constants = options.Constants.Add("shape", Tensor.Create(Shape.Of(1), [1L])) };
        string warnings = string.Join("\n", model.Import(options).Warnings);
        StringAssert.Contains(warnings, "Dimensions: expected the name of a free dimension, found 'heigth'");
        StringAssert.Contains(warnings, "Constants: expected the name of a value that the file reads, found 'shape'");
        Assert.AreEqual(0, model.Import(options with { Dimensions = options.Dimensions.Clear().Add("N", 4), Constants = options.Constants.Clear() }).Warnings.Length);
    }

    [TestMethod]
    public void AConstantThatAFewBytesDescribeIsRefusedBeforeItIsMade()
    {
        ModelWriter model = new ModelWriter().Input("x", 1).Longs("s", 30000, 30000).Node("ConstantOfShape", "s", "c").Node("Add", "x c", "y").Output("y");
        long before = GC.GetAllocatedBytesForCurrentThread();
        Fails(QuantizationErrorCode.ModelLimitExceeded, "MaximumTensorBytes", () => model.Import(new OnnxImportOptions { MaximumTensorBytes = 1 << 26 }));
        Assert.IsTrue(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20);
    }

    [TestMethod]
    public void StringsAndUnknownTypesAreRefused()
        => Fails(QuantizationErrorCode.UnsupportedElementType, "string", () => WithWeight(DataType.String, [1], [0]).Import());

    [TestMethod]
    public void AModelFromMemoryHasNoExternalData()
    {
        ModelWriter model = WithWeight(DataType.Float, [2, 2], []);
        TensorMessage tensor = model.Graph.Initializers[0];
        tensor.DataLocation = 1;
        tensor.ExternalData.Add(new TextPairMessage { Key = "location", Value = "w.bin" });
        Fails(QuantizationErrorCode.ExternalDataMissing, "w.bin", () => model.Import());
    }

    [TestMethod]
    public void AFileOfTwoGigabytesIsRefusedBeforeItIsRead()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Inconclusive("The test needs a file system with sparse files.");
        }

        string path = Path.GetTempFileName();
        try
        {
            using (FileStream file = File.OpenWrite(path))
            {
                file.SetLength(1L << 31);
            }

            Fails(QuantizationErrorCode.ModelLimitExceeded, "external data", () => OnnxModel.Load(path));
        }
        finally
        {
            File.Delete(path);
        }
    }

    internal static void Fails(QuantizationErrorCode code, string part, Action action)
    {
        var error = Assert.ThrowsException<QuantizationException>(action);
        Assert.AreEqual(code, error.Code, error.Message);
        StringAssert.Contains(error.Message, part);
    }

    private static ModelWriter WithWeight(DataType type, long[] dimensions, byte[] raw)
        => new ModelWriter().Input("x", 1, 2).Raw("w", type, dimensions, raw).Node("MatMul", "x w", "y").Output("y");

    private static byte[] Wrap(int field, byte[] content)
    {
        using var stream = new MemoryStream();
        var output = new CodedOutputStream(stream);
        output.WriteTag(field, WireFormat.WireType.LengthDelimited);
        output.WriteBytes(ByteString.CopyFrom(content));
        output.Flush();
        return stream.ToArray();
    }
}
