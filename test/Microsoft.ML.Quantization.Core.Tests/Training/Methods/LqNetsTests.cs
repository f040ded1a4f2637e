using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training.Methods;

/// <summary>Learned bases.</summary>
[TestClass]
public sealed class LqNetsTests
{
    private static readonly float[] _x = [-.9f, -.45f, -.05f, .02f, .1f, .35f, .8f];

    [TestMethod]
    public void The_nearest_sum_of_the_basis_is_taken_and_the_basis_moves_towards_least_squares()
    {
        MethodProbe probe = Probe(new LqNets { Bits = 2 }, [.2f, .4f]);
        MethodProbe.AreNear([-.6, -.6, -.2, .2, .2, .2, .6], probe.Hard());
        MethodProbe.AreNear([.2093333, .4023333], Step(probe, 0.9f), 1e-4);
        MethodProbe.AreNear([.2933333, .4233333], Step(probe, 0), 1e-4);
        CollectionAssert.AreEqual(new[] { .2f, .4f }, probe.Call.Parameter(0).ToArray(), "evaluation moved the basis");
    }

    [TestMethod]
    public void Full_steps_never_raise_the_error_and_come_to_rest()
    {
        MethodProbe probe = Probe(new LqNets { Bits = 2 }, [.2f, .4f]);
        double before = Error(probe);
        Assert.AreEqual(.03427143, before, 1e-6);
        for (int i = 0; i < 4; i++)
        {
            probe = Probe(new LqNets { Bits = 2 }, Step(probe, 0));
            Assert.IsTrue(Error(probe) <= before + 1e-7, "rose");
            before = Error(probe);
        }

        Assert.AreEqual(.02563810, before, 1e-5);
        MethodProbe.AreNear([.2933333, .4233333], probe.Call.Parameter(0).ToArray(), 1e-3);
    }

    [TestMethod]
    [DataRow(.4f, .2f)]
    [DataRow(-.2f, .4f)]
    [DataRow(-.4f, -.2f)]
    public void Order_and_sign_of_the_basis_change_nothing(float first, float second)
        => MethodProbe.AreNear([.. Probe(new LqNets { Bits = 2 }, [.2f, .4f]).Hard().Select(v => (double)v)], Probe(new LqNets { Bits = 2 }, [first, second]).Hard());

    [TestMethod]
    public void Activations_that_are_never_negative_have_zero_among_their_levels()
    {
        QuantizationMethod method = new LqNets { Bits = 2 }.For(signed: false);
        var probe = new MethodProbe(method, QuantizerSites.Activations, MethodProbe.A7, [.3f, .6f]);
        MethodProbe.AreNear([0, 0, 0, .3, .6, .9, .9], probe.Hard());
        CollectionAssert.AreEqual(new float[] { 1, 1, 1, 1, 1, 1, 0 }, probe.Back([1, 1, 1, 1, 1, 1, 1]).Dx);
        var stairs = (HardForm.Staircase)method.Export(probe.Call);
        MethodProbe.AreNear([0, .3, .6, .9], [.. stairs.Levels]);
    }

    [TestMethod]
    public void Each_output_channel_has_its_basis_and_each_element_of_it_a_plane()
    {
        Tensor w = RandomTensors.Floats(Shape.Of(3, 4, 3, 3), 5);
        var probe = new MethodProbe(new LqNets { Bits = 2 }, QuantizerSites.Weights, w);
        ImmutableArray<WeightPlane> planes = ((HardForm.Weights)probe.Method.Export(probe.Call)).Planes;
        Assert.AreEqual(2, planes.Length);
        Assert.IsTrue(planes.All(p => p.Quantizer is { IsMidRise: true, Scales.Length: 3 }));
    }

    [TestMethod]
    public void Zeros_and_NaN_leave_the_basis_alone()
    {
        foreach (float value in (float[])[0, float.NaN])
        {
            float[] x = value == 0 ? new float[7] : [.. _x.Select((v, i) => i == 2 ? value : v)];
            var probe = new MethodProbe(new LqNets { Bits = 2 }, QuantizerSites.Weights, x, [.2f, .4f]);
            CollectionAssert.AreEqual(new[] { .2f, .4f }, Step(probe, 0));
        }
    }

    private static double Error(MethodProbe probe) => probe.Hard().Zip(_x, (y, x) => ((double)y - x) * (y - x)).Average();

    private static MethodProbe Probe(LqNets method, float[] basis) => new(method, QuantizerSites.Weights, _x, basis);

    private static float[] Step(MethodProbe probe, float momentum)
    {
        QuantizationMethod method = (LqNets)probe.Method with { Momentum = momentum };
        return method.Measure(probe.Call, method.Prepare(probe.Call))![0]!;
    }
}
