using System;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Serialization;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Graphs;

/// <summary>What a codebook must be, and where its codes may stand.</summary>
[TestClass]
public sealed class CodebookRulesTests
{
    [TestMethod]
    public void Codes_stand_for_levels_times_the_scale_of_their_channel()
    {
        AffineQuantization quantizer = Two([-5, 0, 7, -1, 2, 3], 1);
        Tensor codes = Tensor.Create<byte>(Shape.Of(2, 3), [0, 1, 2, 2, 1, 0]);
        CollectionAssert.AreEqual(new[] { -2.5f, 0, 3.5f, 0.75f, 0.5f, -0.25f }, quantizer.Decode(codes).Values<float>().ToArray());
        CollectionAssert.AreEqual(codes.Bytes.ToArray(), quantizer.Encode(quantizer.Decode(codes)).Bytes.ToArray(), "encoding what was decoded gives the codes back");
    }

    [TestMethod]
    public void Midpoints_go_up_and_equal_levels_give_the_first_code()
    {
        var book = new Codebook { Entries = 5, Integers = [-4, 0, 2, 2, 2] };
        int[] found = [.. new[] { -9f, -4, -2.0001f, -2, 0, 0.9999f, 1, 2, 50 }.Select(v => book.Nearest(0, v, 1))];
        CollectionAssert.AreEqual(new[] { 0, 0, 0, 1, 1, 1, 2, 2, 2 }, found);
    }

    [TestMethod]
    public void A_codebook_that_cannot_be_is_refused()
    {
        AffineQuantization good = Two([-5, 0, 7], 0);
        AffineRules.Check(good, "w");
        Codebook book = good.Codebook!;
        Refused(good with { Codebook = null });
        Refused(good with { Code = new CodeType(new BitWidth(2), false) });
        Refused(good with { Range = new IntegerRange(0, 3) });
        Refused(good with { ZeroPoints = [0, 1] });
        Refused(good with { Codebook = book with { Integers = [] } });
        Refused(good with { Codebook = book with { Integers = [-5, 0, 7, 8] } });
        Refused(good with { Codebook = book with { Integers = [-5, 7, 0] } });
        Refused(good with { Codebook = book with { Reals = [1, 2, 3] } });
        Refused(good with { Codebook = book with { Entries = 0 } });
        Refused(good with { Codebook = book with { ChannelsPerBook = -1 } });
        Refused(good with { Codebook = book with { Integers = [], Reals = [1, float.NaN, 3] } });
        Refused(good with { Codebook = book with { Integers = [], Reals = [1, 2, float.PositiveInfinity] } });
    }

    [TestMethod]
    public void Codes_of_a_codebook_are_weights_and_nothing_else()
    {
        AffineQuantization quantizer = Two([-5, 0, 7], 0);
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", Quantization.Graphs.ValueType.Codes(HandmadeGraphs.Activations(8, 1, 0), Shape.Of(Shape.Free, 3)));
        ValueId w = builder.AddConstant("w", RandomTensors.Codes(quantizer, Shape.Of(2, 3), 1), quantizer);
        builder.Add(new IntegerDense { Inputs = [x, w] });
        builder.Add(new Dequantize { Inputs = [w] });
        Wrong(() => builder.Add(new Reshape { Inputs = [w], Target = [-1] }));
        Wrong(() => builder.Add(new IntegerDense { Inputs = [w, w] }));
        ValueId other = builder.AddConstant("v", RandomTensors.Codes(quantizer, Shape.Of(4, 3), 1), quantizer);
        Wrong(() => builder.Add(new IntegerDense { Inputs = [x, other] }));
        AffineQuantization reals = quantizer with { Codebook = new Codebook { Entries = 3, Reals = [1, 2, 3] } };
        ValueId floats = builder.AddConstant("u", RandomTensors.Codes(reals, Shape.Of(2, 3), 1), reals);
        builder.Add(new Dequantize { Inputs = [floats] });
        Wrong(() => builder.Add(new IntegerDense { Inputs = [x, floats] }));
        ValueId input = builder.AddInput("c", Quantization.Graphs.ValueType.Codes(quantizer, Shape.Of(2, 3)));
        Wrong(() => builder.Add(new Dequantize { Inputs = [input] }));
    }

    [TestMethod]
    public void The_accumulator_is_proved_from_the_levels()
    {
        AffineQuantization quantizer = Two([-5, 0, 7], 0);
        Tensor codes = Tensor.Create<byte>(Shape.Of(2, 3), [0, 1, 2, 2, 2, 1]);
        AccumulatorBound bound = AccumulatorBound.Of(codes, quantizer, HandmadeGraphs.Activations(8, 1, 0), null);
        Assert.AreEqual(new AccumulatorBound(255 * 14, 1), bound);
    }

    [TestMethod]
    [DataRow("codes")]
    [DataRow("nan")]
    [DataRow("order")]
    [DataRow("count")]
    public void A_damaged_codebook_in_a_file_is_an_error_that_says_so(string damage)
    {
        byte[] file = ModelWriter.ToBytes(HandmadeGraphs.Document(HandmadeGraphs.CodebookNet()));
        Graph graph = HandmadeGraphs.CodebookNet();
        AffineQuantization eleven = graph.Values.First(v => v.Name == "w1").Type.Quantization!;
        AffineQuantization five = graph.Values.First(v => v.Name == "w3").Type.Quantization!;
        byte[] levels = [.. eleven.Codebook!.Integers.Select(v => unchecked((byte)v))];
        byte[] reals = [.. five.Codebook!.Reals.SelectMany(BitConverter.GetBytes)];
        switch (damage)
        {
            case "codes":
                Tensor codes = graph.Values.First(v => v.Name == "w1").Constant!;
                var packed = new byte[BitPacking.PackedLength(27, 4)];
                BitPacking.Pack(codes.Bytes.Span[..27], 4, packed);
                file[Find(file, packed)] |= 0x0F;
                break;
            case "nan":
                BitConverter.GetBytes(float.NaN).CopyTo(file, Find(file, reals));
                break;
            case "order":
                file[Find(file, levels)] = 127;
                break;
            default:
                file[Find(file, levels) - 4]--;
                break;
        }

        QuantizationException error = Assert.ThrowsException<QuantizationException>(() => ModelReader.Read(ModelFileSurgery.Reseal(file)));
        Assert.IsTrue(error.Code is QuantizationErrorCode.CorruptModel or QuantizationErrorCode.InvalidAttribute, error.Message);
        StringAssert.Contains(error.Message, damage == "codes" ? "expected codes in [0, 10], found 15" : damage == "count" ? "expected" : "finite levels that ascend in each book");
    }

    private static int Find(byte[] file, byte[] part)
    {
        int at = file.AsSpan().IndexOf(part);
        Assert.IsTrue(at >= 0, "the file holds these bytes");
        return at;
    }

    private static AffineQuantization Two(ImmutableArray<sbyte> levels, int channelsPerBook) => new()
    {
        Code = new CodeType(new BitWidth(2), false, CodeSpace.Codebook),
        Range = new IntegerRange(0, 2),
        Granularity = Granularity.PerAxis,
        Scales = [0.5f, 0.25f],
        ZeroPoints = [0, 0],
        Codebook = new Codebook { Entries = 3, ChannelsPerBook = channelsPerBook, Integers = levels },
    };

    private static void Refused(AffineQuantization value)
        => Assert.AreEqual(QuantizationErrorCode.InvalidAttribute, Assert.ThrowsException<QuantizationException>(() => AffineRules.Check(value, "w")).Code);

    private static void Wrong(Action action)
        => Assert.AreEqual(QuantizationErrorCode.InvalidGraph, Assert.ThrowsException<QuantizationException>(action).Code);
}
