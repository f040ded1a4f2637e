using System;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;

namespace Microsoft.ML.Quantization.Evaluation.ReferenceOperators;

/// <summary>The steps between reals and codes.</summary>
internal static class QuantizationReference
{
    public static void FakeQuantize(ReferenceCall call)
    {
        AffineQuantization quantizer = ((FakeQuantize)call.Node).Quantizer(call.Inputs[1], call.Inputs[2]);
        Span<float> result = call.Output.Writable<float>();
        for (int i = 0; i < result.Length; i++)
        {
            AffineParameters group = quantizer[quantizer.GroupOf(call.Shape(0), i)];
            result[i] = group.Dequantize(group.Quantize(call.Floats(0)[i], quantizer.Range));
        }
    }

    /// <summary>A method defines its own function; this is its plain run in one thread.</summary>
    public static void LearnedQuantize(ReferenceCall call) => ((LearnedQuantize)call.Node).Evaluate(call.Inputs, call.Output, Threading.WorkerPool.Single);

    public static void Quantize(ReferenceCall call)
    {
        AffineQuantization quantizer = ((Quantize)call.Node).Result;
        for (int i = 0; i < call.Output.Shape.Count; i++)
        {
            CodeAccess.Write(call.Output, i, quantizer.Single.Quantize(call.Floats(0)[i], quantizer.Range));
        }
    }

    public static void Dequantize(ReferenceCall call)
    {
        AffineQuantization quantizer = call.Quantizer(0);
        Span<float> result = call.Output.Writable<float>();
        for (int i = 0; i < result.Length; i++)
        {
            result[i] = quantizer.RealOf(call.Shape(0), i, CodeAccess.Read(call.Inputs[0], i));
        }
    }
}
