using System;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>What quantizers of gradients share: every row of the batch has its own size.</summary>
internal static class GradientRows
{
    /// <summary>max|g| of each row, g being the call's tensor.</summary>
    public static float[] Sizes(MethodCall call)
    {
        var sizes = new float[call.X.Shape[0]];
        int length = call.Values.Length / Math.Max(1, sizes.Length);
        for (int row = 0; row < sizes.Length; row++)
        {
            ReadOnlySpan<float> g = call.Values.Slice(row * length, length);
            sizes[row] = Math.Max(0, Math.Max(FloatReduction.Max(g), -FloatReduction.Min(g)));
        }

        return sizes;
    }

    /// <summary>The size of the row of an element.</summary>
    public static float Size(MethodCall call, object prepared, int begin)
    {
        var sizes = (float[])prepared;
        return sizes[begin / (call.X.Shape.Count / sizes.Length)];
    }

    /// <summary>A quantizer of gradients leaves nothing to the engine.</summary>
    public static InvalidOperationException HasNoHardForm(QuantizationMethod method) => new($"'{method.Name}' quantizes gradients and has no hard form.");
}
