using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>Integer nodes that work on one element at a time, in runs of int32.</summary>
internal static class IntegerElementwise
{
    private const int Smallest = 8192;

    public static void Requantize(OperatorCall call)
    {
        var node = (Requantize)call.Node;
        var channels = new Channels(call, node.Multipliers, node.Offsets, node.Axis);
        Shares.Run(call.Pool, channels.Count, Smallest, (channels, node), static (t, begin, end) => t.channels.Requantize(t.node, begin, end));
    }

    public static void DequantizeAccumulator(OperatorCall call)
    {
        var node = (DequantizeAccumulator)call.Node;
        var channels = new Channels(call, node.Multipliers, node.Offsets, node.Axis);
        Shares.Run(call.Pool, channels.Count, Smallest, (channels, node), static (t, begin, end) => t.channels.Dequantize(t.node, begin, end));
    }

    public static void Add(OperatorCall call)
    {
        if (Array.TrueForAll(call.Inputs, i => i.Type == ElementType.UInt8 && i.Shape.Equals(call.Outputs[0].Shape)) && call.Outputs[0].Type == ElementType.UInt8
            && Parameters(call, 0).MidRiseTop == 0 && Parameters(call, 1).MidRiseTop == 0)
        {
            Shares.Run(call.Pool, call.Outputs[0].Shape.Count, Smallest, call, static (c, begin, end) => AddBytes(c, begin, end));
            return;
        }

        if (Array.TrueForAll(call.Inputs, i => i.Type == ElementType.Int16 && i.Shape.Equals(call.Outputs[0].Shape)) && call.Outputs[0].Type == ElementType.Int16
            && Parameters(call, 0).ZeroPoint == 0 && Parameters(call, 1).ZeroPoint == 0)
        {
            Shares.Run(call.Pool, call.Outputs[0].Shape.Count, Smallest, call, static (c, begin, end) => AddShorts(c, begin, end));
            return;
        }

        var pairs = new Pairs(call);
        Shares.Run(call.Pool, pairs.Count, Smallest, (pairs, node: (IntegerAdd)call.Node), static (t, begin, end) => t.pairs.Run(begin, end, t.node, static (node, a, b)
            => CodeMath.Add(a, node.LeftMultiplier, b, node.RightMultiplier, new CodeTail(node.Result.ZeroPoints[0], node.Minimum, node.Maximum))));
    }

    public static void Multiply(OperatorCall call)
    {
        var pairs = new Pairs(call);
        Shares.Run(call.Pool, pairs.Count, Smallest, (pairs, node: (IntegerMultiply)call.Node), static (t, begin, end) => t.pairs.Run(begin, end, t.node, static (node, a, b) =>
        {
            for (int j = 0; j < a.Length; j++)
            {
                a[j] = Requantization.Finish((float)(a[j] * b[j]) * node.Multiplier, node.Result.ZeroPoints[0], node.Minimum, node.Maximum);
            }
        }));
    }

    public static void LookupTable(OperatorCall call)
    {
        var node = (LookupTable)call.Node;
        int lowest = call.Graph[node.Inputs[0]].Type.Quantization!.Code.Range.Min;
        var table = new byte[256];
        for (int i = 0; i < node.Table.Length; i++)
        {
            table[unchecked((byte)(lowest + i))] = node.Table[i];
        }

        Shares.Run(call.Pool, call.Outputs[0].Shape.Count, Smallest, (call, table), static (t, begin, end)
            => t.call.Kernels.TranslateByte(t.call.Inputs[0].Bytes.Span[begin..end], t.table, t.call.Outputs[0].WritableBytes[begin..end]));
    }

    /// <summary>Codes to the integers that they stand for, in place.</summary>
    public static void ToValues(AffineParameters codes, Span<int> run)
    {
        if (codes.MidRiseTop == 0)
        {
            CodeMath.Subtract(run, codes.ZeroPoint);
            return;
        }

        for (int j = 0; j < run.Length; j++)
        {
            run[j] = MidRise.ValueOf(run[j], codes.MidRiseTop);
        }
    }

    /// <summary>How an input's codes become values; an accumulator's numbers are their own.</summary>
    private static AffineParameters Parameters(OperatorCall call, int input) => call.Graph[call.Node.Inputs[input]].Type.Quantization?.Single ?? new AffineParameters(1, 0);

    private static void AddShorts(OperatorCall call, int begin, int end)
    {
        var node = (IntegerAdd)call.Node;
        CodeMath.Add(
            call.Inputs[0].Values<short>()[begin..end],
            node.LeftMultiplier,
            call.Inputs[1].Values<short>()[begin..end],
            node.RightMultiplier,
            new CodeTail(node.Result.Single.ZeroPoint, node.Minimum, node.Maximum),
            call.Outputs[0].Writable<short>()[begin..end]);
    }

    private delegate void RunFunction<TNode>(TNode node, Span<int> left, Span<int> right);

    private static void AddBytes(OperatorCall call, int begin, int end)
    {
        var node = (IntegerAdd)call.Node;
        call.Kernels.AddByte(
            call.Inputs[0].Values<byte>()[begin..end],
            Parameters(call, 0).ZeroPoint,
            node.LeftMultiplier,
            call.Inputs[1].Values<byte>()[begin..end],
            Parameters(call, 1).ZeroPoint,
            node.RightMultiplier,
            node.Result.Single.ZeroPoint,
            node.Minimum,
            node.Maximum,
            call.Outputs[0].Writable<byte>()[begin..end]);
    }

    /// <summary>Runs of one channel, as values.</summary>
    private sealed class Channels(OperatorCall call, ImmutableArray<float> multipliers, ImmutableArray<float> offsets, int axis)
    {
        private readonly AffineParameters _codes = Parameters(call, 0);
        private readonly int _inner = multipliers.Length == 1 ? Math.Max(call.Inputs[0].Shape.Count, 1) : Inner(call.Inputs[0].Shape, axis);

        public int Count => call.Inputs[0].Shape.Count;

        public void Requantize(Requantize node, int begin, int end)
        {
            Span<int> run = stackalloc int[CodeRuns.Length];
            for (int i = begin; i < end;)
            {
                int channel = Next(i, end, run, out int length);
                (float multiplier, float offset) = (multipliers[channel], offsets[channel]);
                int zero = node.Result.ZeroPoints[0];
                CodeMath.Requantize(run[..length], multiplier, offset, new CodeTail(zero, node.Minimum, node.Maximum));

                CodeRuns.Write(call.Outputs[0], i, run[..length]);
                i += length;
            }
        }

        public void Dequantize(DequantizeAccumulator node, int begin, int end)
        {
            Span<int> run = stackalloc int[CodeRuns.Length];
            (float low, float high) = (node.Activation.Low, node.Activation.High);
            for (int i = begin; i < end;)
            {
                int channel = Next(i, end, run, out int length);
                (float multiplier, float offset) = (multipliers[channel], offsets[channel]);
                Span<float> result = call.Outputs[0].Writable<float>().Slice(i, length);
                for (int j = 0; j < length; j++)
                {
                    float product = (float)run[j] * multiplier;
                    float value = product + offset;
                    result[j] = value < low ? low : value > high ? high : value;
                }

                i += length;
            }
        }

        private static int Inner(Shape shape, int axis) => shape.CountOf(shape.Axis(axis) + 1, shape.Rank);

        /// <summary>Reads the run that starts at an element; gives its channel.</summary>
        private int Next(int start, int end, Span<int> run, out int length)
        {
            length = Math.Min(Math.Min(end - start, run.Length), _inner - (start % _inner));
            CodeRuns.Read(call.Inputs[0], start, run[..length]);
            ToValues(_codes, run[..length]);
            return start / _inner % multipliers.Length;
        }
    }

    /// <summary>Pairs of broadcast codes, as values.</summary>
    private sealed class Pairs(OperatorCall call)
    {
        private readonly BroadcastWalk _walk = new(call.Outputs[0].Shape, [call.Inputs[0].Shape, call.Inputs[1].Shape]);

        public int Count => _walk.Count;

        /// <summary>What is written stands in the left run behind the call.</summary>
        public void Run<TNode>(int begin, int end, TNode node, RunFunction<TNode> function)
            where TNode : Node
        {
            Span<int> left = stackalloc int[CodeRuns.Length];
            Span<int> right = stackalloc int[CodeRuns.Length];
            Span<int> places = stackalloc int[2];
            for (int i = begin; i < end;)
            {
                int length = Math.Min(Math.Min(_walk.Locate(i, places), end - i), CodeRuns.Length);
                Read(0, places[0], left[..length]);
                Read(1, places[1], right[..length]);
                function(node, left[..length], right[..length]);
                CodeRuns.Write(call.Outputs[0], i, left[..length]);
                i += length;
            }
        }

        private void Read(int input, int start, Span<int> run)
        {
            Span<int> read = _walk.Step(input) == 0 ? run[..1] : run;
            CodeRuns.Read(call.Inputs[input], start, read);
            ToValues(Parameters(call, input), read);
            if (read.Length < run.Length)
            {
                run.Fill(run[0]);
            }
        }
    }
}
