using System;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training.Methods;

/// <summary>Half-wave Gaussian quantization.</summary>
[TestClass]
public sealed class HwgqTests
{
    private static readonly float[] _half = [.. Enumerable.Range(0, 4000).Select(i => Quantile(0.5 + ((i + 0.5) / 8000)))];
    private static readonly float[] _x = [-.3f, 0, .1f, .7f, .81f, 1.4f, 3];

    [TestMethod]
    public void Everything_above_zero_reaches_a_level()
    {
        MethodProbe.AreNear([0, 0, .538812, .538812, 1.077624, 1.616436, 1.616436], Probe(new Hwgq { Bits = 2 }).Hard());
        MethodProbe.AreNear([0, 0, 0, .6507697, .6507697, 1.3015395, 1.9523092], Probe(new Hwgq { Bits = 2, Spacing = HwgqSpacing.DeadZone }).Hard());
        MethodProbe.AreNear([0, 0, .3177164, 1.000106, 1.000106, 1.000106, 1.8935948], Probe(new Hwgq { Bits = 2, Spacing = HwgqSpacing.NonUniform }).Hard());
    }

    [TestMethod]
    [DataRow(EstimatorKind.Rectifier, new[] { 0, 0, 1, 1, 1, 1, 1.0 })]
    [DataRow(EstimatorKind.ClippedRectifier, new[] { 0, 0, 1, 1, 1, 1, 0.0 })]
    [DataRow(EstimatorKind.LogTail, new[] { 0, 0, 1, 1, 1, 1, 0.4195399 })]
    public void Slopes_are_those_of_a_rectifier(EstimatorKind slope, double[] expected)
        => MethodProbe.AreNear(expected, Probe(new Hwgq { Bits = 2, Slope = slope }).Back().Dx);

    [TestMethod]
    [DataRow(1, 2)]
    [DataRow(2, 0)]
    [DataRow(2, 1)]
    [DataRow(2, 2)]
    [DataRow(3, 0)]
    [DataRow(3, 1)]
    [DataRow(3, 2)]
    [DataRow(4, 0)]
    [DataRow(4, 1)]
    [DataRow(4, 2)]
    public void Levels_have_the_least_error_of_a_half_normal(int bits, int spacing)
    {
        // Errors of the tables of the three spacings at 1 to 4 bits; 4000 even quantiles of the half normal stand for it.
        double[][] errors = [[.36338, .08644, .02041, .00503], [.36338, .05798, .01223, .00284], [.19017, .04686, .01289, .00369]];
        float[] y = Probe(new Hwgq { Bits = bits, Spacing = (HwgqSpacing)spacing }, _half).Hard();
        double error = _half.Zip(y, (a, b) => ((double)a - b) * ((double)a - b)).Average();
        Assert.AreEqual(errors[spacing][bits - 1], error, 1.5e-4);
    }

    [TestMethod]
    public void Free_levels_are_the_means_of_what_they_take()
    {
        for (int bits = 1; bits <= 4; bits++)
        {
            var method = new Hwgq { Bits = bits, Spacing = HwgqSpacing.NonUniform };
            ImmutableArray<float> levels = method.Levels;
            for (int i = 1; i < levels.Length; i++)
            {
                double low = i == 1 ? 0 : (levels[i - 1] + levels[i]) / 2.0;
                double high = i == levels.Length - 1 ? 9 : (levels[i] + levels[i + 1]) / 2.0;
                Assert.AreEqual((Density(low) - Density(high)) / (Below(high) - Below(low)), levels[i], 1e-5, $"level {i} of {bits} bits");
            }
        }
    }

    [TestMethod]
    public void Weights_are_the_mean_size_of_a_filter_with_their_sign()
    {
        var probe = new MethodProbe(new HwgqWeights { Bits = 1 }, QuantizerSites.Weights, MethodProbe.W7);
        MethodProbe.AreNear([.. new double[] { -1, -1, -1, 1, 1, 1, 1 }.Select(s => s * .371428571)], probe.Hard());
        Assert.IsTrue(probe.Back().Dx.All(d => d == 1));
    }

    /// <summary>The normal distribution function, by the series of its odd powers or the tail's continued fraction.</summary>
    internal static double Below(double x)
    {
        if (Math.Abs(x) > 3)
        {
            double fraction = 0;
            for (int k = 60; k > 0; k--)
            {
                fraction = k / (Math.Abs(x) + fraction);
            }

            double tail = Density(x) / (Math.Abs(x) + fraction);
            return x > 0 ? 1 - tail : tail;
        }

        (double term, double sum) = (x, x);
        for (int k = 1; k < 80; k++)
        {
            term *= x * x / ((2 * k) + 1);
            sum += term;
        }

        return 0.5 + (Density(x) * sum);
    }

    private static double Density(double x) => Math.Exp(-x * x / 2) / Math.Sqrt(2 * Math.PI);

    /// <summary>Where the distribution function reaches a share, by bisection.</summary>
    internal static float Quantile(double share)
    {
        (double low, double high) = (-7, 7);
        for (int i = 0; i < 40; i++)
        {
            double middle = (low + high) / 2;
            (low, high) = Below(middle) < share ? (middle, high) : (low, middle);
        }

        return (float)((low + high) / 2);
    }

    private static MethodProbe Probe(Hwgq method, float[]? x = null) => new(method, QuantizerSites.Activations, x ?? _x);
}
