using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training.Methods.FewLevels;

/// <summary>Methods that claim the nearest weights of their form have them: against all codes there are, and against a search over scales.</summary>
[TestClass]
public sealed class OptimalityTests
{
    private const int Seeds = 4;

    private static readonly float[] _ones = [1, 1, 1, 1, 1, 1, 1, 1];

    private static readonly Dictionary<string, (QuantizationMethod Method, float[] Levels)> _methods = new(StringComparer.Ordinal)
    {
        ["TWN"] = (new TernaryWeights { Bits = 2, Exact = true }, [0, 1]),
        ["LAB"] = (new LossAware { Bits = 1 }, [1]),
        ["LAT"] = (new LossAware { Bits = 2, Exact = true }, [0, 1]),
        ["LAQ"] = (new LossAware { Bits = 3, Exact = true }, [0, 1, 2, 3]),
        ["LAQ-log"] = (new LossAware { Bits = 3, Exact = true, Logarithmic = true }, [0, 1, 2, 4]),
        ["ADMM, 1 bit"] = (new Admm { Bits = 1 }, [1]),
        ["ADMM, 2 bits"] = (new Admm { Bits = 2 }, [0, 1]),
        ["ADMM, 3 bits"] = (new Admm { Bits = 3 }, [0, 1, 2]),
        ["ADMM, 4 bits"] = (new Admm { Bits = 4 }, [0, 1, 2, 4]),
    };

    public static IEnumerable<object[]> Methods => _methods.Keys.Select(name => new object[] { name });

    [TestMethod]
    [DataRow(new float[] { 1 })]
    [DataRow(new float[] { 0, 1 })]
    [DataRow(new float[] { 0, 1, 2 })]
    [DataRow(new float[] { 0, 1, 2, 3 })]
    [DataRow(new float[] { 0, 1, 2, 4 })]
    [DataRow(new float[] { 0, 1 / 3f, 2 / 3f, 1 })]
    [DataRow(new float[] { 0, 0.25f, 0.5f, 1 })]
    [DataRow(new float[] { 0.5f, 1 })]
    public void No_codes_of_up_to_eight_weights_do_better_than_the_exact_scale(float[] levels)
    {
        foreach ((int n, ulong seed) in Sizes())
        {
            foreach (float[] d in new[] { Weights(n, seed + 90, 0.1f, 3), _ones[..n] })
            {
                float[] w = Weights(n, seed, -2, 2);
                double found = ScaledLevels.Objective(w, d, levels, ScaledLevels.Solve(w, d, levels));
                Assert.AreEqual(Least(w, d, levels), found, 1e-6, $"{n} weights, seed {seed}");
            }
        }
    }

    [TestMethod]
    public void No_signs_of_up_to_twelve_weights_do_better_than_those_of_bwn()
    {
        for (int n = 1; n <= 12; n++)
        {
            for (ulong seed = 1; seed <= Seeds; seed++)
            {
                float[] w = Weights(n, (seed * 100) + (ulong)n, -1, 1);
                double least = double.PositiveInfinity;
                for (int signs = 0; signs < 1 << n; signs++)
                {
                    // The best α ≥ 0 of these signs.
                    double dot = Math.Max(0, Enumerable.Range(0, n).Sum(i => ((signs >> i) & 1) == 0 ? w[i] : -(double)w[i]));
                    least = Math.Min(least, w.Sum(v => (double)v * v) - (dot * dot / n));
                }

                float[] hard = new Use(new Xnor { Bits = 1, WeightsOnly = true }, w).Hard();
                Assert.AreEqual(least, Error(w, hard), 1e-6, $"{n} weights, seed {seed}");
            }
        }
    }

    [TestMethod]
    [DynamicData(nameof(Methods))]
    public void Methods_find_the_least_error_of_their_levels(string name)
    {
        (QuantizationMethod method, float[] levels) = _methods[name];
        foreach ((int n, ulong seed) in Sizes())
        {
            float[] w = Weights(n, seed + 30, -1, 1);
            float[] d = method is LossAware ? Weights(n, seed + 60, 0.2f, 3) : _ones[..n];
            var use = new Use(method, w);
            if (method is LossAware)
            {
                // Second moments are the squares of d, but for ε = 1e-8.
                use.Call = use.Call with { Curvature = d.Select(v => v * v).ToArray() };
                CollectionAssert.AreEqual(w, use.After(w));
            }

            double objective = w.Zip(use.Hard(), (a, b) => (double)(a - b) * (a - b)).Zip(d, (e, own) => own * e / 2).Sum();
            Assert.AreEqual(Least(w, d, levels), objective, 2e-6, $"{n} weights, seed {seed}");
        }
    }

    [TestMethod]
    [DataRow(1)]
    [DataRow(2)]
    [DataRow(3)]
    public void No_scales_of_the_planes_of_abc_do_better_than_least_squares(int bits)
    {
        for (int n = 2; n <= 8; n++)
        {
            float[] w = Weights(n, (ulong)n + 7, -1, 1);
            int[][] planes = Planes(w, bits);
            var use = new Use(new AbcWeights { Bits = bits }, w);
            double found = Error(w, use.Hard());
            Assert.AreEqual(Search(w, planes), found, 1e-5, $"{n} weights");

            // The residual is at right angles to every plane, up to the ridge.
            float[] hard = use.Hard();
            foreach (int[] plane in planes)
            {
                Assert.AreEqual(0, plane.Select((b, i) => b * (double)(w[i] - hard[i])).Sum(), 1e-4, $"{n} weights");
            }
        }
    }

    [TestMethod]
    public void More_planes_of_abc_that_hold_the_fewer_are_never_worse()
    {
        // Shifts −1, 0, 1 hold those of one and of two planes, and five planes those of three; one and two have none in common.
        for (ulong seed = 1; seed <= 30; seed++)
        {
            // Every other time two narrow clusters, to which one plane is all but enough.
            float[] w = [.. Weights(40, seed, -1, 1).Select(v => seed % 2 == 0 ? v : (0.01f * v) + (v < 0 ? -0.5f : 0.5f))];
            double[] errors = [.. Enumerable.Range(1, 5).Select(m => Error(w, new Use(new AbcWeights { Bits = m }, w).Hard()))];
            Assert.IsTrue(errors[2] <= Math.Min(errors[0], errors[1]) + 1e-5 && errors[4] <= errors[2] + 1e-5, $"seed {seed}: {string.Join(", ", errors)}");
        }
    }

    /// <summary>1 to 8 weights, more often where there are few codes to try.</summary>
    private static IEnumerable<(int Count, ulong Seed)> Sizes()
        => Enumerable.Range(1, 8).SelectMany(n => Enumerable.Range(0, n > 6 ? 2 : 12).Select(i => (n, (ulong)((n * 1000) + (i * 7)))));

    private static float[] Weights(int n, ulong seed, float low, float high) => RandomTensors.Floats(Shape.Of(n), seed, low, high).Values<float>().ToArray();

    private static double Error(float[] w, float[] y) => w.Zip(y, (a, b) => (double)(a - b) * (a - b)).Sum();

    /// <summary>½·Σ d·(|w| − α·b)² at its least over all sizes b and α: ½·(Σ d·w² − C²/D).</summary>
    private static double Least(float[] w, float[] d, float[] levels)
    {
        double all = w.Select((v, i) => d[i] * (double)v * v).Sum();
        double most = 0;
        for (int code = 0; code < Math.Pow(levels.Length, w.Length); code++)
        {
            (double c, double weight) = (0, 0);
            for (int i = 0, rest = code; i < w.Length; i++, rest /= levels.Length)
            {
                double level = levels[rest % levels.Length];
                (c, weight) = (c + (d[i] * level * Math.Abs((double)w[i])), weight + (d[i] * level * level));
            }

            most = Math.Max(most, weight > 0 ? c * c / weight : 0);
        }

        return (all - most) / 2;
    }

    /// <summary>sgn(w − mean + u·std) of u = −1 .. 1, by the definition.</summary>
    private static int[][] Planes(float[] w, int count)
    {
        double mean = w.Average(v => (double)v);
        double deviation = Math.Sqrt(w.Average(v => (v - mean) * (v - mean)));
        return [.. Enumerable.Range(0, count).Select(m => w.Select(v => v - mean + ((count == 1 ? 0 : -1 + (2.0 * m / (count - 1))) * deviation) >= 0 ? 1 : -1).ToArray())];
    }

    /// <summary>The least error over all scales: steps in every direction of the grid, half as long whenever none leads down.</summary>
    private static double Search(float[] w, int[][] planes)
    {
        double[] at = new double[planes.Length];
        double Error(double[] scales) => w.Select((v, i) => v - planes.Select((p, m) => scales[m] * p[i]).Sum()).Sum(r => r * r);
        double least = Error(at);
        for (double step = 1; step > 1e-7;)
        {
            double[] next = Enumerable.Range(0, (int)Math.Pow(3, at.Length))
                .Select(code => at.Select((v, m) => v + (((code / (int)Math.Pow(3, m) % 3) - 1) * step)).ToArray()).MinBy(Error)!;
            double found = Error(next);
            (at, step, least) = found < least ? (next, step, found) : (at, step / 2, least);
        }

        return least;
    }
}
