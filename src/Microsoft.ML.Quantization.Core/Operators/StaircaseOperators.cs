using System;
using System.Runtime.Intrinsics;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>Quantizers with levels of any spacing and their integer forms, in runs of one channel.</summary>
internal static class StaircaseOperators
{
    private const int Smallest = 8192;

    public static void Staircase(OperatorCall call) => Shares.Run(call.Pool, call.Outputs[0].Shape.Count, Smallest, call, static (c, begin, end) =>
    {
        ReadOnlySpan<float> levels = c.Inputs[2].Values<float>();
        Span<int> passed = stackalloc int[CodeRuns.Length];
        for (int i = begin; i < end; i += CodeRuns.Length)
        {
            int length = Math.Min(end - i, CodeRuns.Length);
            ReadOnlySpan<float> source = c.Inputs[0].Values<float>().Slice(i, length);
            Span<float> result = c.Outputs[0].Writable<float>().Slice(i, length);
            ThresholdRuns.Count(source, c.Inputs[1].Values<float>(), 1, passed[..length]);
            for (int j = 0; j < length; j++)
            {
                result[j] = float.IsNaN(source[j]) ? source[j] : levels[passed[j]];
            }
        }
    });

    public static void Thresholds(OperatorCall call)
    {
        var node = (Thresholds)call.Node;
        Shares.Run(call.Pool, call.Outputs[0].Shape.Count, Smallest, (call, node), static (t, begin, end) => Thresholds(t.call, t.node, begin, end));
    }

    public static void CombineAccumulators(OperatorCall call)
    {
        var node = (CombineAccumulators)call.Node;
        Shares.Run(call.Pool, call.Outputs[0].Shape.Count, Smallest, (call, node), static (t, begin, end) => Combine(t.call, t.node, begin, end));
    }

    /// <summary>Elements that follow each other in one channel, or all when channels do not matter.</summary>
    private static int Inner(Shape shape, int axis, int channels) => channels == 1 ? Math.Max(shape.Count, 1) : shape.CountOf(shape.Axis(axis) + 1, shape.Rank);

    private static void Thresholds(OperatorCall call, Thresholds node, int begin, int end)
    {
        int inner = Inner(call.Inputs[0].Shape, node.Axis, node.Channels);
        AffineParameters codes = call.Graph[node.Inputs[0]].Type.Quantization?.Single ?? new AffineParameters(1, 0);
        Span<int> run = stackalloc int[CodeRuns.Length];
        Span<int> passed = stackalloc int[CodeRuns.Length];
        for (int i = begin; i < end;)
        {
            int channel = i / inner % node.Channels;
            int length = Math.Min(Math.Min(end - i, run.Length), inner - (i % inner));
            if (node.Integers.IsEmpty)
            {
                ThresholdRuns.Count(call.Inputs[0].Values<float>().Slice(i, length), node.Reals.AsSpan(node.Start(channel), node.Count), node.Direction(channel), passed[..length]);
            }
            else
            {
                CodeRuns.Read(call.Inputs[0], i, run[..length]);
                IntegerElementwise.ToValues(codes, run[..length]);
                ThresholdRuns.Count(run[..length], node.Integers.AsSpan(node.Start(channel), node.Count), node.Direction(channel), passed[..length]);
            }

            CodeRuns.Write(call.Outputs[0], i, passed[..length]);
            i += length;
        }
    }

    private static void Combine(OperatorCall call, CombineAccumulators node, int begin, int end)
    {
        int channels = node.Offsets.Length;
        int inner = Inner(call.Inputs[0].Shape, node.Axis, channels);
        for (int i = begin; i < end;)
        {
            int channel = i / inner % channels;
            int length = Math.Min(end - i, inner - (i % inner));
            Span<float> result = call.Outputs[0].Writable<float>().Slice(i, length);
            result.Clear();
            for (int g = 0; g < call.Inputs.Length; g++)
            {
                AddScaled(call.Inputs[g].Values<int>().Slice(i, length), node.Multipliers[(g * channels) + channel], result);
            }

            Finish(result, node.Offsets[channel], node.Activation);
            i += length;
        }
    }

    private static void AddScaled(ReadOnlySpan<int> source, float multiplier, Span<float> result)
    {
        int i = 0;
        for (; i + Vector256<int>.Count <= result.Length; i += Vector256<int>.Count)
        {
            Vector256<float> values = Vector256.ConvertToSingle(Vector256.Create(source.Slice(i, Vector256<int>.Count)));
            Vector256<float> sum = Vector256.Create<float>(result.Slice(i, Vector256<int>.Count));
            Vector256.FusedMultiplyAdd(values, Vector256.Create(multiplier), sum).CopyTo(result[i..]);
        }

        for (; i < result.Length; i++)
        {
            result[i] = MathF.FusedMultiplyAdd((float)source[i], multiplier, result[i]);
        }
    }

    private static void Finish(Span<float> result, float offset, Activation activation)
    {
        for (int i = 0; i < result.Length; i++)
        {
            float value = result[i] + offset;
            result[i] = value < activation.Low ? activation.Low : value > activation.High ? activation.High : value;
        }
    }
}
