using System;
using System.Linq;
using Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training.Methods.FewLevels;

/// <summary>The cheap way to a scale: nearest codes and best scale in turn. Where it ends from its usual starts, and that no round makes the error larger.</summary>
[TestClass]
public sealed class AlternationTests
{
    private static readonly float[] _w = [0.8f, -0.3f, 0.1f, -0.6f];
    private static readonly float[] _d = [1, 4, 2, 1];
    private static readonly float[] _curvature = [1, 16, 4, 1];

    [TestMethod]
    [DataRow(new float[] { 1 }, 0.8f, 0.45f, new float[] { 1, 1, 1, 1 }, 0.29f)]
    [DataRow(new float[] { 0, 1 }, 0.8f, 0.7f, new float[] { 1, 0, 0, 1 }, 0.12f)]
    [DataRow(new float[] { 0, 1, 2 }, 0.401f, 0.416667f, new float[] { 2, 1, 0, 1 }, 0.058333f, DisplayName = "0.6 stands on a tie in units of 0.8/2: from just above it")]
    [DataRow(new float[] { 0, 1, 2, 4 }, 0.2f, 0.22381f, new float[] { 4, 1, 0, 2 }, 0.048095f)]
    public void Projections_of_admm_by_turns_from_the_largest_value(float[] levels, float start, float scale, float[] codes, float error)
    {
        float found = ScaledLevels.Alternate(_w, [], levels, start);
        Assert.AreEqual(scale, found, 1e-6f);
        Use.Near(codes, [.. _w.Select(w => ScaledLevels.Nearest(w, found, levels))], 0);

        // Half of ‖v − α·q‖²: 0.029167 and 0.024048 of the last two, where the exact scales have 0.016111 and 0.013649.
        Assert.AreEqual(error / 2, ScaledLevels.Objective(_w, [], levels, found), 1e-6);
    }

    [TestMethod]
    [DataRow(new float[] { 1 }, 0.35f, 0.35f, 0.2f)]
    [DataRow(new float[] { 0, 1 }, 0.7f, 0.7f, 0.2f)]
    [DataRow(new float[] { 0, 1 / 3f, 2 / 3f, 1 }, 0.35f, 0.566667f, 0.047778f)]
    public void Weighed_turns_end_at_the_local_minima_of_their_starts(float[] levels, float start, float scale, float objective)
    {
        float found = ScaledLevels.Alternate(_w, _d, levels, start);
        Assert.AreEqual(scale, found, 1e-6f);
        Assert.AreEqual(objective, ScaledLevels.Objective(_w, _d, levels, found), 1e-6);
    }

    [TestMethod]
    public void Laq_by_turns_from_the_signs_stays_at_its_local_scale()
    {
        // Levels are integers to 3, so that the scale is a third: from that of LAB, 0.35, to 0.566667, the exact one being 0.847059.
        Use use = new Use(new LossAware { Bits = 3 }, _w).With(0, 0.35f / 3);
        use.Call = use.Call with { Curvature = _curvature };
        CollectionAssert.AreEqual(_w, use.After(_w));
        Assert.AreEqual(0.566667f, 3 * use.Call.Parameter(0)[0], 1e-6f);
        Use.Near([0.566667f, -0.566667f * 2 / 3, 0.566667f / 3, -0.566667f], use.Hard(), 1e-6f);
    }

    [TestMethod]
    [DataRow(new float[] { 1 })]
    [DataRow(new float[] { 0, 1 })]
    [DataRow(new float[] { 0, 1, 2 })]
    [DataRow(new float[] { 0, 1, 2, 3 })]
    [DataRow(new float[] { 0, 1, 2, 4 })]
    [DataRow(new float[] { 0, 1 / 3f, 2 / 3f, 1 })]
    public void No_round_makes_the_error_larger(float[] levels)
    {
        for (ulong seed = 1; seed <= 20; seed++)
        {
            float[] w = RandomTensors.Floats(Shape.Of(50), seed).Values<float>().ToArray();
            float[] d = seed % 2 == 0 ? [] : RandomTensors.Floats(Shape.Of(50), seed + 50, 0.1f, 3).Values<float>().ToArray();
            float scale = 0.1f + (0.1f * seed);
            float end = ScaledLevels.Alternate(w, d, levels, scale);
            double error = ScaledLevels.Objective(w, d, levels, scale);
            for (int round = 0; round < 20; round++)
            {
                scale = Best(w, d, levels, scale);
                double next = ScaledLevels.Objective(w, d, levels, scale);
                Assert.IsTrue(next <= error + 1e-6, $"seed {seed}, round {round}: {error} to {next}");
                error = next;
            }

            Assert.AreEqual(scale, end, 2e-6f * scale, $"seed {seed}");
        }
    }

    /// <summary>The best scale of the nearest codes of a scale.</summary>
    private static float Best(float[] w, float[] d, float[] levels, float scale)
    {
        double[] codes = [.. w.Select(v => (double)ScaledLevels.Nearest(v, scale, levels))];
        double[] own = [.. w.Select((_, i) => d.Length == 0 ? 1.0 : d[i])];
        double c = codes.Select((b, i) => own[i] * b * Math.Abs((double)w[i])).Sum();
        return (float)(c / codes.Select((b, i) => own[i] * b * b).Sum());
    }
}
