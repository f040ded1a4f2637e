using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.ML.Quantization.Threading;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training;

/// <summary>What every method of the list promises, at every width and in every place that it has.</summary>
[TestClass]
public sealed class MethodConformanceTests
{
    private static readonly Shape _shape = Shape.Of(6, 5, 3, 7);

    public static IEnumerable<object[]> Cases => QuantizationMethods.All.SelectMany(m => m.Bits.SelectMany(b => Places(m.Sites).Select(s => new object[] { m.Name, b, s })));

    public static IEnumerable<object[]> HardCases => Cases.Where(c => (QuantizerSites)c[2] != QuantizerSites.Gradients);

    [TestMethod]
    public void Names_are_unique_and_settings_make_an_equal_method()
    {
        Assert.AreEqual(QuantizationMethods.All.Length, QuantizationMethods.All.Select(m => m.Name).Distinct().Count());
        foreach (MethodEntry entry in QuantizationMethods.All)
        {
            QuantizationMethod method = entry.Default(entry.Bits[^1]);
            Assert.AreEqual(entry.Name, method.Name);
            Assert.AreEqual(method, QuantizationMethods.Create(method.Name, method.Settings));
            Assert.AreEqual(QuantizationErrorCode.InvalidBitWidth, Assert.ThrowsException<QuantizationException>(() => QuantizationMethods.Create(method.Name, method.Settings.SetItem(0, 17))).Code, entry.Name);
        }

        Assert.AreEqual(QuantizationErrorCode.InvalidOptions, Assert.ThrowsException<QuantizationException>(() => QuantizationMethods.Find("none")).Code);
    }

    [TestMethod]
    [DynamicData(nameof(HardCases))]
    public void The_hard_quantizer_is_what_the_codes_decode_to(string name, int bits, QuantizerSites site)
    {
        (QuantizationMethod method, MethodCall call) = Use(name, bits, site, Values(site));
        float[] hard = Hard(method, call);
        CollectionAssert.AreEqual(hard.Select(BitConverter.SingleToInt32Bits).ToArray(), Decoded(method, call).Select(BitConverter.SingleToInt32Bits).ToArray());
    }

    [TestMethod]
    [DynamicData(nameof(HardCases))]
    public void What_the_codes_decode_to_is_the_hard_quantizer_of_odd_tensors_too(string name, int bits, QuantizerSites site)
    {
        float[] one = [.. Enumerable.Repeat(0.7f, _shape.Count)];
        float[][] all = [new float[_shape.Count], one, [.. one.Select(v => -v)], [.. one.Select((_, i) => i == 100 ? -3f : 0)], [.. one.Select((v, i) => i % 2 == 0 ? v : -v)], [.. one.Select((_, i) => (i % 11) * 1e-30f)], [.. one.Select((_, i) => (i % 7) * 1e15f)]];
        for (int i = 0; i < all.Length; i++)
        {
            Check(Tensor.Create<float>(_shape, all[i]), $"case {i}");
        }

        foreach (float value in (float[])[0, -0.3f, 0.3f])
        {
            Check(Tensor.Create<float>(Shape.Of(1, 1), [value]), $"one element, {value}");
        }

        void Check(Tensor x, string text)
        {
            (QuantizationMethod method, MethodCall call) = Use(name, bits, site, x);
            float[] hard = Hard(method, call);
            Assert.IsTrue(hard.All(float.IsFinite), text);
            CollectionAssert.AreEqual(hard.Select(BitConverter.SingleToInt32Bits).ToArray(), Decoded(method, call).Select(BitConverter.SingleToInt32Bits).ToArray(), $"{text}: {hard[0]} and {Decoded(method, call)[0]}");
        }
    }

    [TestMethod]
    [DynamicData(nameof(HardCases))]
    public void Levels_are_few_and_the_staircase_rises(string name, int bits, QuantizerSites site)
    {
        (QuantizationMethod method, MethodCall call) = Use(name, bits, site, Values(site));
        float[] hard = Hard(method, call);
        int groups = method.GroupsOf(_shape);
        int length = hard.Length / groups;
        for (int group = 0; group < groups; group++)
        {
            (float X, float Y)[] pairs = [.. Enumerable.Range(group * length, length).Select(i => (call.Values[i], hard[i])).OrderBy(p => p.Item1)];
            Assert.IsTrue(pairs.Select(p => p.Y).Distinct().Count() <= method.LevelCount, $"{pairs.Select(p => p.Y).Distinct().Count()} levels");
            Assert.IsTrue(pairs.Zip(pairs.Skip(1)).All(p => p.First.Y <= p.Second.Y), "falls");
        }
    }

    [TestMethod]
    [DynamicData(nameof(HardCases))]
    public void The_end_of_training_runs_what_is_deployed_unless_the_method_says_T3(string name, int bits, QuantizerSites site)
    {
        (QuantizationMethod method, MethodCall call) = Use(name, bits, site, Values(site));
        float[] hard = Hard(method, call);
        bool isSoft = QuantizationMethods.Find(name).Exactness.Tier == ExactnessTier.T3;
        call = isSoft ? call : call with { Context = call.Context with { Step = 39 } };
        Tensor y = Tensor.Allocate(ElementType.Float32, call.X.Shape);
        MethodShares.Forward(method, call, method.Prepare(call), y, training: true);
        Assert.AreEqual(isSoft, !hard.AsSpan().SequenceEqual(y.Values<float>()));
    }

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void Threads_never_change_a_bit(string name, int bits, QuantizerSites site)
    {
        Tensor x = RandomTensors.Floats(Shape.Of(40, 8, 9, 9), 7);
        float[] one = Passes(name, bits, site, x, WorkerPool.Single);
        CollectionAssert.AreEqual(one, Passes(name, bits, site, x, new ParallelPool(3)));
    }

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void What_the_way_forward_keeps_never_changes_a_bit(string name, int bits, QuantizerSites site)
    {
        Tensor x = RandomTensors.Floats(Shape.Of(3, 8, 9, 9), 7);
        if (QuantizationMethods.Find(name).Default(bits).KeptWidth > 0)
        {
            CollectionAssert.AreEqual(Passes(name, bits, site, x, WorkerPool.Single), Passes(name, bits, site, x, WorkerPool.Single, keeps: true));
        }
    }

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void NaN_stays_and_zeros_stay_finite(string name, int bits, QuantizerSites site)
    {
        (QuantizationMethod method, MethodCall call) = Use(name, bits, site, Values(site));
        float[] values = call.Values.ToArray();
        values[3] = float.NaN;
        if (site != QuantizerSites.Gradients)
        {
            Assert.IsTrue(float.IsNaN(Hard(method, call with { X = Tensor.Create(_shape, values) })[3]), "NaN became a level");
        }

        (method, call) = Use(name, bits, site, Tensor.Allocate(ElementType.Float32, _shape));
        Assert.IsTrue((site == QuantizerSites.Gradients ? [] : Hard(method, call)).Concat(Passes(name, bits, site, call.X, WorkerPool.Single)).All(float.IsFinite), "zeros");
    }

    private static IEnumerable<QuantizerSites> Places(QuantizerSites sites) => Enum.GetValues<QuantizerSites>().Where(s => s != QuantizerSites.None && sites.HasFlag(s));

    private static Tensor Values(QuantizerSites site)
    {
        Tensor x = RandomTensors.Floats(_shape, 11);
        return site == QuantizerSites.Weights ? Tensor.Create<float>(_shape, [.. x.Values<float>().ToArray().Select(v => v * 0.3f)]) : x;
    }

    private static (QuantizationMethod Method, MethodCall Call) Use(string name, int bits, QuantizerSites site, Tensor x, WorkerPool? pool = null)
    {
        QuantizationMethod method = QuantizationMethods.Find(name).Default(bits);
        method = site == QuantizerSites.Activations ? method.For(signed: true) : method;
        Tensor[] parameters = [.. method.Parameters.Select(p => Tensor.Allocate(ElementType.Float32, LearnedQuantize.ShapeOf(method, p, x.Shape)))];
        if (site != QuantizerSites.Gradients)
        {
            method.Initialize(x, parameters);
        }

        return (method, new MethodCall(x, parameters, new MethodContext(5, 3, 10, 4), site, 77, pool ?? WorkerPool.Single));
    }

    private static float[] Decoded(QuantizationMethod method, MethodCall call) => method.Export(call) switch
    {
        HardForm.Weights weights => Sum(weights),
        HardForm.Uniform uniform => [.. uniform.Quantizer.Decode(uniform.Quantizer.Encode(call.X)).Values<float>()],
        HardForm.Staircase stairs => [.. call.Values.ToArray().Select(v => stairs.Levels[stairs.Thresholds.Count(t => v >= t)])],
        _ => [],
    };

    private static float[] Hard(QuantizationMethod method, MethodCall call)
    {
        Tensor y = Tensor.Allocate(ElementType.Float32, call.X.Shape);
        MethodShares.Forward(method, call, method.Prepare(call), y, training: false);
        return y.Values<float>().ToArray();
    }

    /// <summary>Both passes of training: y, dx and the sums.</summary>
    private static float[] Passes(string name, int bits, QuantizerSites site, Tensor x, WorkerPool pool, bool keeps = false)
    {
        (QuantizationMethod method, MethodCall call) = Use(name, bits, site, x, pool);
        call = keeps ? call with { Kept = Tensor.Allocate(ElementType.Float32, Shape.Of(method.KeptWidth * x.Shape.Count)) } : call;
        Tensor g = RandomTensors.Floats(x.Shape, 13);
        object? prepared = method.Prepare(site == QuantizerSites.Gradients ? call with { X = g } : call);
        Tensor y = Tensor.Allocate(ElementType.Float32, x.Shape);
        Tensor dx = Tensor.Allocate(ElementType.Float32, x.Shape);
        if (site != QuantizerSites.Gradients)
        {
            MethodShares.Forward(method, call, prepared, y, training: true);
        }

        double[] sums = MethodShares.Backward(method, call, prepared, g, dx);
        return [.. y.Values<float>(), .. dx.Values<float>(), .. sums.Select(s => (float)s)];
    }

    private static float[] Sum(HardForm.Weights weights)
    {
        float[]? sum = null;
        foreach (WeightPlane plane in weights.Planes)
        {
            float[] values = [.. plane.Quantizer.Decode(plane.Codes).Values<float>()];
            sum = sum is null ? values : [.. sum.Zip(values, (a, b) => a + b)];
        }

        return sum!;
    }
}
