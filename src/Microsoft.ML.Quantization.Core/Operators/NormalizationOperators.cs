using System;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>Normalisations, shared out by rows or planes.</summary>
internal static class NormalizationOperators
{
    private const int Smallest = 8192;

    public static void BatchNormalization(OperatorCall call)
    {
        (int planes, int pixels) = Planes(call);
        Shares.Run(call.Pool, planes, Rows(pixels), (call, pixels), static (t, begin, end) =>
        {
            OperatorCall c = t.call;
            for (int plane = begin; plane < end; plane++)
            {
                int channel = plane % c.Inputs[0].Shape[1];
                float multiplier = ((BatchNormalization)c.Node).Multiplier(Parameter(c, 1, channel), Parameter(c, 4, channel));
                float shift = Parameter(c, 3, channel) * multiplier;
                FloatLoops.Map(new Line(multiplier, Parameter(c, 2, channel) - shift), Read(c, plane, t.pixels), Write(c, plane, t.pixels));
            }
        });
    }

    public static PreparedWork LayerNormalization(OperatorCall call)
    {
        Shape x = call.Inputs[0].Shape;
        int size = x.CountOf(x.Axis(((LayerNormalization)call.Node).Axis), x.Rank);
        return new LayerNormalizationWork(call, size, x.Count / size, Rows(size));
    }

    public static void InstanceNormalization(OperatorCall call)
    {
        (int planes, int pixels) = Planes(call);
        Shares.Run(call.Pool, planes, Rows(pixels), (call, pixels), static (t, begin, end) =>
        {
            OperatorCall c = t.call;
            for (int plane = begin; plane < end; plane++)
            {
                int channel = plane % c.Inputs[0].Shape[1];
                Span<float> result = Write(c, plane, t.pixels);
                FloatLoops.Map(Center.Of(Read(c, plane, t.pixels), ((InstanceNormalization)c.Node).Epsilon), Read(c, plane, t.pixels), result);
                FloatLoops.Map(default(BinaryFunctions.Multiply), result, c.Inputs[1].Values<float>().Slice(channel, 1), result);
                FloatLoops.Map(default(BinaryFunctions.Add), result, c.Inputs[2].Values<float>().Slice(channel, 1), result);
            }
        });
    }

    public static void LocalResponseNormalization(OperatorCall call)
    {
        (int planes, int pixels) = Planes(call);
        Shares.Run(call.Pool, planes, Rows(pixels), (call, pixels), static (t, begin, end) =>
        {
            var node = (LocalResponseNormalization)t.call.Node;
            int channels = t.call.Inputs[0].Shape[1];
            var power = new Power(node.Alpha / node.Size, node.Bias, node.Beta);
            for (int plane = begin; plane < end; plane++)
            {
                int c = plane % channels;
                Span<float> result = Write(t.call, plane, t.pixels);
                result.Clear();
                for (int other = Math.Max(c - ((node.Size - 1) / 2), 0); other <= (int)Math.Min((long)c + (node.Size / 2), channels - 1); other++)
                {
                    FloatLoops.Map(default(AddSquare), result, Read(t.call, plane - c + other, t.pixels), result);
                }

                power.Divide(Read(t.call, plane, t.pixels), result);
            }
        });
    }

    public static PreparedWork Softmax(OperatorCall call)
    {
        Shape x = call.Inputs[0].Shape;
        int axis = x.Axis(((Softmax)call.Node).Axis);
        int inner = x.CountOf(axis + 1, x.Rank);
        return new SoftmaxWork(call, x[axis], inner, ((Softmax)call.Node).Logarithm, x.CountOf(0, axis) * inner, Rows(x[axis]));
    }

    /// <summary>Lines of <paramref name="size"/> values along the last axis, in place.</summary>
    public static void Softmax(Span<float> lines, int size)
    {
        for (int i = 0; i < lines.Length; i += size)
        {
            Span<float> line = lines.Slice(i, size);
            One(line, line, logarithm: false);
        }
    }

    /// <summary>One line; both spans may be the same.</summary>
    private static void One(ReadOnlySpan<float> line, Span<float> result, bool logarithm)
    {
        float largest = FloatReduction.Max(line);
        if (logarithm)
        {
            float sum = FloatMath.Log(FloatReduction.SumExp(line, largest));
            FloatLoops.Map(default(BinaryFunctions.Subtract), line, [largest], result);
            FloatLoops.Map(default(BinaryFunctions.Subtract), result, [sum], result);
        }
        else
        {
            float sum = FloatReduction.Exp(line, largest, result);
            FloatLoops.Map(default(BinaryFunctions.Divide), result, [sum], result);
        }
    }

    private static int Rows(int size) => Math.Max(1, Smallest / Math.Max(size, 1));

    private static (int Planes, int Pixels) Planes(OperatorCall call)
    {
        Shape x = call.Inputs[0].Shape;
        return (x[0] * x[1], x.CountOf(2, x.Rank));
    }

    private static float Parameter(OperatorCall call, int input, int channel) => call.Inputs[input].Values<float>()[channel];

    private static ReadOnlySpan<float> Read(OperatorCall call, int row, int size) => call.Inputs[0].Values<float>().Slice(row * size, size);

    private static Span<float> Write(OperatorCall call, int row, int size) => call.Outputs[0].Writable<float>().Slice(row * size, size);

    private readonly struct Line(float multiplier, float offset) : IUnaryFunction
    {
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => T.Fma(x, T.Create(multiplier), T.Create(offset));
    }

    private readonly struct Center(float mean, float inverse) : IUnaryFunction
    {
        public static Center Of(ReadOnlySpan<float> values, float epsilon)
        {
            float mean = FloatReduction.Sum(values) / values.Length;
            float variance = FloatReduction.SumSquaredDifferences(values, mean) / values.Length;
            return new(mean, 1 / MathF.Sqrt(variance + epsilon));
        }

        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => (x - T.Create(mean)) * T.Create(inverse);
    }

    private readonly struct Scaled(Center center) : IBinaryFunction, ITernaryFunction
    {
        public T Of<T>(T a, T b)
            where T : unmanaged, ILanes<T> => center.Of(a) * b;

        public T Of<T>(T a, T b, T c)
            where T : unmanaged, ILanes<T> => (center.Of(a) * b) + c;
    }

    private readonly struct AddSquare : IBinaryFunction
    {
        public T Of<T>(T a, T b)
            where T : unmanaged, ILanes<T> => T.Fma(b, b, a);
    }

    private readonly struct Power(float alpha, float bias, float beta)
    {
        /// <summary>sums[i] = x[i] / (alpha · sums[i] + bias)^beta.</summary>
        public void Divide(ReadOnlySpan<float> x, Span<float> sums)
        {
            for (int i = 0; i < sums.Length; i++)
            {
                sums[i] = x[i] / FloatMath.Pow(MathF.FusedMultiplyAdd(alpha, sums[i], bias), beta);
            }
        }
    }

    private sealed record LayerNormalizationWork(OperatorCall Call, int Size, int Lines, int SmallestLines) : PreparedWork(Lines, SmallestLines)
    {
        public override void Run(int begin, int end)
        {
            float epsilon = ((LayerNormalization)Call.Node).Epsilon;
            ReadOnlySpan<float> scale = Call.Inputs[1].Values<float>();
            ReadOnlySpan<float> shift = Call.Inputs.Length > 2 ? Call.Inputs[2].Values<float>() : default;
            for (int row = begin; row < end; row++)
            {
                ReadOnlySpan<float> source = Read(Call, row, Size);
                Span<float> result = Write(Call, row, Size);
                var center = Center.Of(source, epsilon);
                if (shift.IsEmpty)
                {
                    FloatLoops.Map(new Scaled(center), source, scale, result);
                }
                else
                {
                    FloatLoops.Map(new Scaled(center), source, scale, shift, result);
                }
            }
        }
    }

    private sealed record SoftmaxWork(OperatorCall Call, int Size, int Inner, bool Logarithm, int Lines, int SmallestLines) : PreparedWork(Lines, SmallestLines)
    {
        public override void Run(int begin, int end)
        {
            ReadOnlySpan<float> source = Call.Inputs[0].Values<float>();
            Span<float> result = Call.Outputs[0].Writable<float>();
            if (Inner == 1)
            {
                for (int i = begin; i < end; i++)
                {
                    One(source.Slice(i * Size, Size), result.Slice(i * Size, Size), Logarithm);
                }

                return;
            }

            var line = new float[Size];
            for (int i = begin; i < end; i++)
            {
                int start = (i / Inner * Size * Inner) + (i % Inner);
                for (int j = 0; j < Size; j++)
                {
                    line[j] = source[start + (j * Inner)];
                }

                One(line, line, Logarithm);
                for (int j = 0; j < Size; j++)
                {
                    result[start + (j * Inner)] = line[j];
                }
            }
        }
    }
}
