using System;
using System.Collections.Frozen;
using System.Collections.Generic;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>Functions of one and two elements, choices and casts.</summary>
internal static class ElementwiseOperators
{
    private const int Smallest = 8192;

    private static readonly FrozenDictionary<BinaryOperator, FloatPairs> _pairs = new Dictionary<BinaryOperator, FloatPairs>
    {
        [BinaryOperator.Add] = static (a, b, y) => FloatLoops.Map(default(BinaryFunctions.Add), a, b, y),
        [BinaryOperator.Subtract] = static (a, b, y) => FloatLoops.Map(default(BinaryFunctions.Subtract), a, b, y),
        [BinaryOperator.Multiply] = static (a, b, y) => FloatLoops.Map(default(BinaryFunctions.Multiply), a, b, y),
        [BinaryOperator.Divide] = static (a, b, y) => FloatLoops.Map(default(BinaryFunctions.Divide), a, b, y),
        [BinaryOperator.Power] = Power,
        [BinaryOperator.Minimum] = static (a, b, y) => FloatLoops.Map(default(BinaryFunctions.Minimum), a, b, y),
        [BinaryOperator.Maximum] = static (a, b, y) => FloatLoops.Map(default(BinaryFunctions.Maximum), a, b, y),
        [BinaryOperator.PRelu] = static (a, b, y) => FloatLoops.Map(default(BinaryFunctions.PRelu), a, b, y),
    }.ToFrozenDictionary();

    private delegate void FloatPairs(ReadOnlySpan<float> left, ReadOnlySpan<float> right, Span<float> destination);

    public static PreparedWork Unary(OperatorCall call) => new UnaryWork(call);

    public static PreparedWork Binary(OperatorCall call) => new BinaryWork(call, (Binary)call.Node, new BroadcastWalk(call.Outputs[0].Shape, [call.Inputs[0].Shape, call.Inputs[1].Shape]));

    public static PreparedWork Where(OperatorCall call)
        => new WhereWork(call, new BroadcastWalk(call.Outputs[0].Shape, [call.Inputs[0].Shape, call.Inputs[1].Shape, call.Inputs[2].Shape]));

    /// <summary>A function of floats; an operand of one element stands for all.</summary>
    public static void Floats(BinaryOperator function, ReadOnlySpan<float> left, ReadOnlySpan<float> right, Span<float> destination) => _pairs[function](left, right, destination);

    public static void Cast(OperatorCall call) => Shares.Run(call.Pool, call.Inputs[0].Shape.Count, Smallest, call, Casts.Run);

    private static void Power(ReadOnlySpan<float> left, ReadOnlySpan<float> right, Span<float> destination)
    {
        for (int i = 0; i < destination.Length; i++)
        {
            destination[i] = FloatMath.Pow(left[left.Length == 1 ? 0 : i], right[right.Length == 1 ? 0 : i]);
        }
    }

    private sealed record UnaryWork(OperatorCall Call) : PreparedWork(Call.Inputs[0].Shape.Count, ElementwiseOperators.Smallest)
    {
        public override void Run(int begin, int end)
            => UnaryFunctions.Map((Unary)Call.Node, Call.Inputs[0].Values<float>()[begin..end], Call.Outputs[0].Writable<float>()[begin..end]);
    }

    private sealed record WhereWork(OperatorCall Call, BroadcastWalk Walk) : PreparedWork(Walk.Count, ElementwiseOperators.Smallest)
    {
        public override void Run(int begin, int end)
        {
            int size = Call.Outputs[0].Type.SizeOf();
            ReadOnlySpan<byte> conditions = Call.Inputs[0].Bytes.Span;
            Span<byte> result = Call.Outputs[0].WritableBytes;
            Span<int> places = stackalloc int[3];
            for (int i = begin; i < end;)
            {
                int length = Math.Min(Walk.Locate(i, places), end - i);
                for (int j = 0; j < length; j++)
                {
                    int chosen = conditions[places[0] + (j * Walk.Step(0))] != 0 ? 1 : 2;
                    int place = places[chosen] + (j * Walk.Step(chosen));
                    Call.Inputs[chosen].Bytes.Span.Slice(place * size, size).CopyTo(result[((i + j) * size)..]);
                }

                i += length;
            }
        }
    }

    private sealed record BinaryWork(OperatorCall Call, Binary Node, BroadcastWalk Walk) : PreparedWork(Walk.Count, ElementwiseOperators.Smallest)
    {
        public override void Run(int begin, int end)
        {
            if (Call.Outputs[0].Type == ElementType.Float32)
            {
                Floats(begin, end);
            }
            else
            {
                Integers(begin, end);
            }
        }

        private void Floats(int begin, int end)
        {
            FloatPairs function = _pairs[Node.Operator];
            Span<int> places = stackalloc int[2];
            for (int i = begin; i < end;)
            {
                int length = Math.Min(Walk.Locate(i, places), end - i);
                ReadOnlySpan<float> left = Call.Inputs[0].Values<float>().Slice(places[0], Walk.Step(0) == 0 ? 1 : length);
                ReadOnlySpan<float> right = Call.Inputs[1].Values<float>().Slice(places[1], Walk.Step(1) == 0 ? 1 : length);
                Span<float> result = Call.Outputs[0].Writable<float>().Slice(i, length);
                function(left, right, result);
                if (!Node.Activation.IsNone)
                {
                    Call.Kernels.ClampFloat(result, Node.Activation.Low, Node.Activation.High, result);
                }

                i += length;
            }
        }

        private void Integers(int begin, int end)
        {
            bool wide = Call.Outputs[0].Type == ElementType.Int64;
            Span<int> places = stackalloc int[2];
            for (int i = begin; i < end; i++)
            {
                Walk.Locate(i, places);
                if (wide)
                {
                    Call.Outputs[0].Writable<long>()[i] = Integer(Call.Inputs[0].Values<long>()[places[0]], Call.Inputs[1].Values<long>()[places[1]]);
                }
                else
                {
                    Call.Outputs[0].Writable<int>()[i] = unchecked((int)Integer(Call.Inputs[0].Values<int>()[places[0]], Call.Inputs[1].Values<int>()[places[1]]));
                }
            }
        }

        private long Integer(long a, long b) => Node.Operator switch
        {
            BinaryOperator.Add => unchecked(a + b),
            BinaryOperator.Subtract => unchecked(a - b),
            BinaryOperator.Multiply => unchecked(a * b),
            _ => b is 0 or -1 ? unchecked(a * b) : a / b,
        };
    }
}
