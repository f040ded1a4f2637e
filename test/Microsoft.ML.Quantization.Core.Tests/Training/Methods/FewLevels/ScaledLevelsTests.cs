using System;
using System.Linq;
using Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training.Methods.FewLevels;

/// <summary>The one solver of scaled levels.</summary>
[TestClass]
public sealed class ScaledLevelsTests
{
    private static readonly float[] _w = [0.8f, -0.3f, 0.1f, -0.6f];
    private static readonly float[] _d = [1, 4, 2, 1];

    [TestMethod]
    [DataRow(new float[] { 1 }, true, 0.35f, new float[] { 1, 1, 1, 1 }, 0.2f)]
    [DataRow(new float[] { 0, 1 }, true, 0.433333f, new float[] { 1, 1, 0, 1 }, 0.126667f)]
    [DataRow(new float[] { 0, 1 / 3f, 2 / 3f, 1 }, true, 0.847059f, new float[] { 1, 1 / 3f, 0, 2 / 3f }, 0.012353f)]
    [DataRow(new float[] { 0, 1 }, false, 0.7f, new float[] { 1, 0, 0, 1 }, 0.06f)]
    [DataRow(new float[] { 0, 1, 2 }, false, 0.344444f, new float[] { 2, 1, 0, 2 }, 0.016111f)]
    [DataRow(new float[] { 0, 1, 2, 4 }, false, 0.170270f, new float[] { 4, 2, 1, 4 }, 0.013649f)]
    public void The_exact_scale_of_known_weights(float[] levels, bool weighted, float scale, float[] codes, float objective)
    {
        float[] d = weighted ? _d : [];
        float found = ScaledLevels.Solve(_w, d, levels);
        Assert.AreEqual(scale, found, 1e-5f);
        Use.Near(codes, [.. _w.Select(w => ScaledLevels.Nearest(w, found, levels))]);
        Assert.AreEqual(objective, ScaledLevels.Objective(_w, d, levels, found), 1e-5);
    }

    [TestMethod]
    [DataRow(new float[] { 0, 1 / 3f, 2 / 3f, 1 }, true, 0.45f, 0.047778f)]
    [DataRow(new float[] { 0, 1, 2 }, false, 0.45f, 0.029167f)]
    public void Alternation_ends_where_neither_codes_nor_scale_move(float[] levels, bool weighted, float start, float objective)
    {
        float[] d = weighted ? _d : [];
        float found = ScaledLevels.Alternate(_w, d, levels, start);
        Assert.AreEqual(found, ScaledLevels.Alternate(_w, d, levels, found), 1e-6f);
        Assert.IsTrue(ScaledLevels.Objective(_w, d, levels, found) <= objective + 1e-5, $"{ScaledLevels.Objective(_w, d, levels, found)}");
        Assert.IsTrue(ScaledLevels.Objective(_w, d, levels, ScaledLevels.Solve(_w, d, levels)) <= ScaledLevels.Objective(_w, d, levels, found) + 1e-7);
    }

    [TestMethod]
    [DataRow(new float[] { 1 })]
    [DataRow(new float[] { 0, 1 })]
    [DataRow(new float[] { 0, 1, 2 })]
    [DataRow(new float[] { 0, 1, 2, 4 })]
    public void No_codes_do_better_than_the_exact_scale(float[] levels)
    {
        for (int seed = 1; seed <= 12; seed++)
        {
            float[] w = RandomTensors.Floats(Shape.Of(6), (ulong)seed).Values<float>().ToArray();
            float[] d = [.. RandomTensors.Floats(Shape.Of(6), (ulong)seed + 50).Values<float>().ToArray().Select(v => 0.1f + Math.Abs(v))];
            double best = Enumerable.Range(0, (int)Math.Pow(levels.Length, w.Length)).Min(code => OfCodes(w, d, levels, code));
            Assert.AreEqual(best, ScaledLevels.Objective(w, d, levels, ScaledLevels.Solve(w, d, levels)), 1e-6, $"seed {seed}");
        }
    }

    [TestMethod]
    public void Zeros_have_no_scale()
    {
        Assert.AreEqual(0f, ScaledLevels.Solve([0, 0, 0], [], [0, 1, 2]));
        Assert.AreEqual(0f, ScaledLevels.Solve([0, 0, 0], [], [1]));
        Assert.AreEqual(0f, ScaledLevels.Alternate([0, 0, 0], [], [0, 1], 1));
    }

    /// <summary>The objective of given codes of the sizes at their own best scale.</summary>
    private static double OfCodes(float[] w, float[] d, float[] levels, int code)
    {
        (double c, double weight, double all) = (0, 0, 0);
        for (int i = 0; i < w.Length; i++, code /= levels.Length)
        {
            float level = levels[code % levels.Length];
            (c, weight, all) = (c + (d[i] * level * Math.Abs(w[i])), weight + (d[i] * level * level), all + (d[i] * w[i] * w[i]));
        }

        return (all - (weight > 0 ? c * c / weight : 0)) / 2;
    }
}
