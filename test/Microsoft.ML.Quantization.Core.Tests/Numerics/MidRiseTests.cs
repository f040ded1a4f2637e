using System.Linq;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Numerics;

[TestClass]
public sealed class MidRiseTests
{
    [TestMethod]
    public void Zero_of_either_sign_is_plus_one_and_one_bit_does_not_see_its_scale()
    {
        float[] values = [0f, -0f, float.Epsilon, -float.Epsilon, 3e38f, -3e38f, float.NaN, float.NegativeInfinity];
        foreach (float scale in new[] { 1e-30f, 1f, 1e30f })
        {
            CollectionAssert.AreEqual((int[])[1, 1, 1, 0, 1, 0, 0, 0], values.Select(v => MidRise.Quantize(v, scale, 1)).ToArray());
        }
    }

    [TestMethod]
    public void Ties_go_to_the_even_code()
    {
        float[] values = [-5, -2, -1.9f, -0.1f, 0, 1.9f, 2, 2.1f, 99, float.NaN];
        CollectionAssert.AreEqual((int[])[0, 0, 1, 1, 2, 2, 2, 3, 3, 0], values.Select(v => MidRise.Quantize(v, 1, 3)).ToArray());
    }

    [TestMethod]
    public void Levels_are_the_odd_multiples_of_the_scale_and_encode_to_themselves()
    {
        for (int bits = 1; bits <= 7; bits++)
        {
            AffineQuantization quantizer = Quantizer(bits, 0.37f);
            int top = (1 << bits) - 1;
            for (int code = 0; code <= top; code++)
            {
                Assert.AreEqual((float)((2 * code) - top) * 0.37f, quantizer.Single.Dequantize(code));
                Assert.AreEqual(code, quantizer.Single.Quantize(quantizer.Single.Dequantize(code), quantizer.Range));
            }
        }
    }

    [TestMethod]
    public void Types_are_told_apart_and_impossible_ones_refused()
    {
        AffineQuantization quantizer = Quantizer(2, 1);
        Assert.AreEqual("m2[0, 3] scale=1 zero=0", quantizer.ToString());
        Assert.AreNotEqual(quantizer, quantizer with { Code = quantizer.Code with { Space = CodeSpace.Affine } });
        AffineRules.Check(quantizer, "x");
        AffineQuantization[] wrong =
        [
            quantizer with { ZeroPoints = [1] },
            quantizer with { Range = new IntegerRange(0, 2) },
            Quantizer(8, 1),
            quantizer with { Code = quantizer.Code with { Signed = true }, Range = IntegerRange.Signed(2) },
        ];
        foreach (AffineQuantization one in wrong)
        {
            var error = Assert.ThrowsException<QuantizationException>(() => AffineRules.Check(one, "x"));
            Assert.AreEqual(QuantizationErrorCode.InvalidAttribute, error.Code);
        }
    }

    private static AffineQuantization Quantizer(int bits, float scale)
    {
        var code = new CodeType(new BitWidth(bits), Signed: false, CodeSpace.MidRise);
        return AffineQuantization.PerTensor(code, code.Range, new AffineParameters(scale, 0));
    }
}
