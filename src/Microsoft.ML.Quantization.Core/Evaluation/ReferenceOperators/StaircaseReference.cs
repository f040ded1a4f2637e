using System;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Quantizers;

namespace Microsoft.ML.Quantization.Evaluation.ReferenceOperators;

/// <summary>Quantizers with levels of any spacing and their integer forms.</summary>
internal static class StaircaseReference
{
    public static void Staircase(ReferenceCall call)
    {
        Span<float> result = call.Output.Writable<float>();
        for (int i = 0; i < result.Length; i++)
        {
            float x = call.Floats(0)[i];
            int passed = 0;
            foreach (float threshold in call.Floats(1))
            {
                passed += x >= threshold ? 1 : 0;
            }

            result[i] = float.IsNaN(x) ? x : call.Floats(2)[passed];
        }
    }

    public static void Thresholds(ReferenceCall call)
    {
        var node = (Thresholds)call.Node;
        bool real = !node.Reals.IsEmpty;
        for (int i = 0; i < call.Output.Shape.Count; i++)
        {
            int c = IntegerReference.Channel(call.Shape(0), node.Axis, i, node.Channels);
            int passed = 0;
            for (int t = node.Start(c); t < node.Start(c) + node.Count; t++)
            {
                bool up = node.Direction(c) > 0;
                bool passes = real
                    ? up ? call.Floats(0)[i] >= node.Reals[t] : call.Floats(0)[i] <= node.Reals[t]
                    : up ? call.Value(0, i) >= node.Integers[t] : call.Value(0, i) <= node.Integers[t];
                passed += passes ? 1 : 0;
            }

            CodeAccess.Write(call.Output, i, passed);
        }
    }

    public static void CombineAccumulators(ReferenceCall call)
    {
        var node = (CombineAccumulators)call.Node;
        Span<float> result = call.Output.Writable<float>();
        int channels = node.Offsets.Length;
        for (int i = 0; i < result.Length; i++)
        {
            int c = IntegerReference.Channel(call.Shape(0), node.Axis, i, channels);
            float y = 0;
            for (int g = 0; g < call.Inputs.Length; g++)
            {
                y = MathF.FusedMultiplyAdd((float)call.Value(g, i), node.Multipliers[(g * channels) + c], y);
            }

            result[i] = ReferenceCall.Clamp(y + node.Offsets[c], node.Activation);
        }
    }
}
