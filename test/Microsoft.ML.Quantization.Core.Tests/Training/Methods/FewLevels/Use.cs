using System;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training.Methods.FewLevels;

/// <summary>One use of a method on a few numbers.</summary>
internal sealed class Use
{
    public Use(QuantizationMethod method, float[] x, Shape? shape = null, QuantizerSites site = QuantizerSites.Weights, MethodContext? context = null)
    {
        Method = method;
        Tensor tensor = Tensor.Create(shape ?? Shape.Of(1, x.Length), x);
        Tensor[] parameters = [.. method.Parameters.Select(p => Tensor.Allocate(ElementType.Float32, LearnedQuantize.ShapeOf(method, p, tensor.Shape)))];
        method.Initialize(tensor, parameters);
        Call = new MethodCall(tensor, parameters, context ?? MethodContext.Evaluation, site, 5, WorkerPool.Single);
    }

    public QuantizationMethod Method { get; }

    public MethodCall Call { get; set; }

    public float[] Hard()
    {
        Tensor y = Tensor.Allocate(ElementType.Float32, Call.X.Shape);
        MethodShares.Forward(Method, Call, Method.Prepare(Call), y, training: false);
        return y.Values<float>().ToArray();
    }

    public float[] Soft()
    {
        Tensor y = Tensor.Allocate(ElementType.Float32, Call.X.Shape);
        MethodShares.Forward(Method, Call, Method.Prepare(Call), y, training: true);
        return y.Values<float>().ToArray();
    }

    public (float[] Dx, double[] Sums) Back(params float[] g)
    {
        Tensor dx = Tensor.Allocate(ElementType.Float32, Call.X.Shape);
        double[] sums = MethodShares.Backward(Method, Call, Method.Prepare(Call), Tensor.Create(Call.X.Shape, g), dx);
        return (dx.Values<float>().ToArray(), sums);
    }

    /// <summary>The weights behind a step from the call's own weights.</summary>
    public float[] After(params float[] stepped)
    {
        Tensor weights = Tensor.Create(Call.X.Shape, stepped);
        Method.AfterStep(Call with { X = weights }, Call.Values, weights.Writable<float>());
        return weights.Values<float>().ToArray();
    }

    public Use With(int parameter, params float[] values)
    {
        values.CopyTo(Call.Parameters[parameter].Writable<float>());
        return this;
    }

    public static void Near(float[] expected, float[] found, float tolerance = 1e-5f)
    {
        Assert.AreEqual(expected.Length, found.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.AreEqual(expected[i], found[i], tolerance, $"[{i}] of {string.Join(", ", found)}");
        }
    }
}
