using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Packing;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Packing;

/// <summary>Codes decoded many at a time, against the definition of each element.</summary>
[TestClass]
public sealed class CodeValuesTests
{
    private static readonly Shape _shape = Shape.Of(6, 5, 4, 12);
    private static readonly Dictionary<string, AffineQuantization> _quantizers = Quantizers().ToDictionary(q => q.ToString());

    public static IEnumerable<object[]> Names => _quantizers.Keys.Select(k => new object[] { k });

    [TestMethod]
    public void Values_are_lines_of_codes_of_every_length()
    {
        for (int length = 0; length < 140; length++)
        {
            byte[] codes = [.. Enumerable.Range(0, length).Select(i => (byte)((i * 7) % 128))];
            var values = new sbyte[length];
            Assert.IsTrue(CodeValues.TryWrite(codes, 2, 127, values));
            CollectionAssert.AreEqual(codes.Select(c => (sbyte)((2 * c) - 127)).ToArray(), values);
            sbyte[] signed = [.. codes.Select(c => (sbyte)(c - 64))];
            Assert.IsTrue(CodeValues.TryWrite(signed, 1, 64, values));
            CollectionAssert.AreEqual(signed.Select(c => (sbyte)(c - 64)).ToArray(), values);
        }
    }

    /// <summary>One value out of range, wherever it lies.</summary>
    [TestMethod]
    [DataRow(255, 1, 127, false)]
    [DataRow(255, 1, 128, true)]
    [DataRow(0, 1, 128, true)]
    [DataRow(0, 1, 129, false)]
    [DataRow(128, 2, 127, false)]
    [DataRow(127, 2, 127, true)]
    public void Values_beyond_a_byte_are_refused(int code, int factor, int zero, bool fits)
    {
        foreach (int at in new[] { 0, 31, 32, 64, 99 })
        {
            var codes = new byte[100];
            Array.Fill(codes, (byte)(zero / factor));
            codes[at] = (byte)code;
            Assert.AreEqual(fits, CodeValues.TryWrite(codes, factor, zero, new sbyte[100]), $"at {at}");
        }
    }

    private static IEnumerable<AffineQuantization> Quantizers()
    {
        var random = new Random(5);
        foreach (CodeType code in new[] { new CodeType(new BitWidth(4), false), new CodeType(new BitWidth(4), true), new CodeType(new BitWidth(3), false, CodeSpace.MidRise) })
        {
            foreach ((Granularity granularity, int axis, int size) in new[] { (Granularity.PerTensor, 0, 0), (Granularity.PerAxis, 0, 0), (Granularity.PerAxis, 1, 0), (Granularity.PerAxis, -1, 0), (Granularity.PerGroup, 3, 4), (Granularity.PerGroup, 3, 5), (Granularity.PerGroup, 1, 2) })
            {
                var quantizer = new AffineQuantization { Code = code, Range = code.Range, Granularity = granularity, Axis = axis, GroupSize = size, Scales = [], ZeroPoints = [] };
                int groups = quantizer.GroupCount(_shape);
                yield return quantizer with
                {
                    Scales = [.. Enumerable.Range(0, groups).Select(_ => 0.1f + random.NextSingle())],
                    ZeroPoints = [.. Enumerable.Range(0, groups).Select(_ => code.Space == CodeSpace.MidRise ? 0 : random.Next(code.Range.Min, code.Range.Max + 1))],
                };
            }
        }

        foreach (int channels in new[] { 0, 1, 4 })
        {
            int books = channels == 0 ? 1 : (6 + channels - 1) / channels;
            ImmutableArray<sbyte> levels = [.. Enumerable.Range(0, books).SelectMany(b => Enumerable.Range(0, 16).Select(i => (sbyte)((i * 9) - 70 + b)))];
            yield return Book(Granularity.PerTensor, 1, channels, levels);
            yield return Book(Granularity.PerAxis, 6, channels, levels);
        }
    }

    [TestMethod]
    [DynamicData(nameof(Names))]
    public void Tensors_are_coded_as_element_by_element(string name)
    {
        AffineQuantization quantizer = _quantizers[name];
        var random = new Random(6);
        Tensor source = Tensor.Create(_shape, [.. Enumerable.Range(0, _shape.Count).Select(_ => (random.NextSingle() * 10) - 5)]);
        Tensor codes = quantizer.Encode(source);
        float[] reals = quantizer.Decode(codes).Values<float>().ToArray();
        IntegerWeights weights = IntegerWeights.TryCreate(codes, quantizer)!;
        for (int i = 0; i < reals.Length; i++)
        {
            int group = quantizer.GroupOf(_shape, i), channel = i / _shape.CountOf(1, 4);
            float x = source.Values<float>()[i];
            int expected = quantizer.Codebook is { } book ? book.Nearest(channel, x, quantizer.Scales[group]) : quantizer[group].Quantize(x, quantizer.Range);
            Assert.AreEqual(expected, CodeAccess.Read(codes, i), $"code {i}");
            Assert.AreEqual(quantizer.RealOf(_shape, i, expected), reals[i], $"real {i}");
            Assert.AreEqual(quantizer.ValueOf(_shape, i, expected), weights.Values[i], $"value {i}");
        }
    }

    [TestMethod]
    public void Narrow_kinds_of_planes_are_found_and_encoded()
    {
        (int[] Values, string Kind)[] cases =
        [
            ([-1, 1], "MidRise 1"), ([0, 1], "Unsigned 1"), ([-1, 0], "Signed 1"), ([-1, 0, 1], "Ternary 2"), ([-3, -1, 1, 3], "MidRise 2"), ([-2, -1, 0, 1], "Signed 2"), ([0, 1, 2, 3], "Unsigned 2"),
        ];
        foreach ((int[] values, string kind) in cases)
        {
            for (int length = values.Length; length < 100; length += 7)
            {
                sbyte[] all = [.. Enumerable.Range(0, length).Select(i => (sbyte)values[i % values.Length])];
                PlaneWeightCodes found = PlaneWeightCodes.Of(all)!.Value;
                Assert.AreEqual(kind, $"{found.Kind} {found.Bits}");
                int top = (1 << found.Bits) - 1;
                sbyte[] codes = [.. all.Select(v => found.Kind == PlaneKind.MidRise ? (sbyte)((v + top) / 2) : v)];
                CollectionAssert.AreEqual(codes, found.Encode([.. all]));
            }
        }

        Assert.IsNull(PlaneWeightCodes.Of([-2, 2]));
        Assert.IsNull(PlaneWeightCodes.Of([4]));
        Assert.IsNull(PlaneWeightCodes.Of([-128]));
    }

    private static AffineQuantization Book(Granularity granularity, int groups, int channelsPerBook, ImmutableArray<sbyte> levels) => new()
    {
        Code = new CodeType(new BitWidth(4), false, CodeSpace.Codebook),
        Range = IntegerRange.Unsigned(4),
        Granularity = granularity,
        Scales = [.. Enumerable.Range(0, groups).Select(i => 0.05f + (i * 0.01f))],
        ZeroPoints = [.. Enumerable.Repeat(0, groups)],
        Codebook = new Codebook { Entries = 16, ChannelsPerBook = channelsPerBook, Integers = levels },
    };
}
