using System;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training.Methods;

/// <summary>One method over one small tensor: weights [1, n], or activations of one row.</summary>
internal sealed class MethodProbe
{
    /// <summary>Weights of the vectors.</summary>
    public static readonly float[] W7 = [-0.9f, -0.4f, -0.05f, 0, 0.1f, 0.35f, 0.8f];

    /// <summary>Activations of the vectors.</summary>
    public static readonly float[] A7 = [-0.5f, 0, 0.1f, 0.34f, 0.55f, 0.9f, 1.7f];

    public MethodProbe(QuantizationMethod method, QuantizerSites site, float[] x, params float[][] parameters)
        : this(method, site, Tensor.Create<float>(Shape.Of(1, x.Length), x), parameters)
    {
    }

    public MethodProbe(QuantizationMethod method, QuantizerSites site, Tensor x, params float[][] parameters)
    {
        QuantizationMethods.Checked(method);
        Method = method;
        Tensor[] tensors = [.. method.Parameters.Select(p => Tensor.Allocate(ElementType.Float32, LearnedQuantize.ShapeOf(method, p, x.Shape)))];
        if (site != QuantizerSites.Gradients)
        {
            method.Initialize(x, tensors);
        }

        for (int i = 0; i < parameters.Length; i++)
        {
            parameters[i].CopyTo(tensors[i].Writable<float>());
        }

        Call = new MethodCall(x, tensors, new MethodContext(5, 0, 10, 4), site, 77, WorkerPool.Single);
    }

    public QuantizationMethod Method { get; }

    public MethodCall Call { get; set; }

    public float[] Hard() => Pass(training: false);

    public float[] Soft() => Pass(training: true);

    /// <summary>dx and the totals for g, ones by default.</summary>
    public (float[] Dx, double[] Totals) Back(float[]? g = null)
    {
        g ??= [.. Enumerable.Repeat(1f, Call.Values.Length)];
        Tensor gradient = Tensor.Create<float>(Call.X.Shape, g);
        Tensor dx = Tensor.Allocate(ElementType.Float32, Call.X.Shape);
        object? prepared = Method.Prepare(Call.Site == QuantizerSites.Gradients ? Call with { X = gradient } : Call);
        double[] totals = MethodShares.Backward(Method, Call, prepared, gradient, dx);
        return (dx.Values<float>().ToArray(), totals);
    }

    /// <summary>The codes of activations on a uniform grid, or of the first plane of weights.</summary>
    public int[] Codes()
    {
        Tensor codes = Method.Export(Call) switch
        {
            HardForm.Uniform uniform => uniform.Quantizer.Encode(Call.X),
            HardForm.Weights weights => weights.Planes[0].Codes,
            _ => throw new AssertFailedException("no codes"),
        };
        return [.. Enumerable.Range(0, codes.Shape.Count).Select(i => CodeAccess.Read(codes, i))];
    }

    public static void AreNear(double[] expected, float[] found, double relative = 1e-5)
    {
        Assert.AreEqual(expected.Length, found.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.AreEqual(expected[i], found[i], (relative * Math.Abs(expected[i])) + 1e-7, $"element {i} of {string.Join(", ", found)}");
        }
    }

    private float[] Pass(bool training)
    {
        Tensor y = Tensor.Allocate(ElementType.Float32, Call.X.Shape);
        MethodShares.Forward(Method, Call, Method.Prepare(Call), y, training);
        return y.Values<float>().ToArray();
    }
}
