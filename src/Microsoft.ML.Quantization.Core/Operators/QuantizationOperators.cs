using System;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>
/// The steps between reals and codes. The kernels know codes of one unsigned byte; moving range and zero point by one shift changes no bit, so that every quantizer
/// whose range has at most 256 codes runs on them.
/// </summary>
internal static class QuantizationOperators
{
    private const int Buffer = 2048;
    private const int Smallest = 16384;

    public static void FakeQuantize(OperatorCall call)
    {
        AffineQuantization quantizer = ((FakeQuantize)call.Node).Quantizer(call.Inputs[1], call.Inputs[2]);
        var work = new Work(call, quantizer, new GroupRuns(quantizer, call.Inputs[0].Shape));
        Shares.Run(call.Pool, call.Inputs[0].Shape.Count, Smallest, work, static (w, begin, end) => w.FakeQuantize(begin, end));
    }

    public static void Quantize(OperatorCall call)
    {
        AffineQuantization quantizer = ((Quantize)call.Node).Result;
        var work = new Work(call, quantizer, new GroupRuns(quantizer, call.Inputs[0].Shape));
        Shares.Run(call.Pool, call.Inputs[0].Shape.Count, Smallest, work, static (w, begin, end) => w.Quantize(begin, end));
    }

    public static void Dequantize(OperatorCall call)
    {
        AffineQuantization quantizer = call.Graph[call.Node.Inputs[0]].Type.Quantization!;
        if (quantizer.Codebook is not null)
        {
            quantizer.Decode(call.Inputs[0]).Bytes.Span.CopyTo(call.Outputs[0].WritableBytes);
            return;
        }

        var work = new Work(call, quantizer, new GroupRuns(quantizer, call.Inputs[0].Shape));
        Shares.Run(call.Pool, call.Inputs[0].Shape.Count, Smallest, work, static (w, begin, end) => w.Dequantize(begin, end));
    }

    private sealed record Work(OperatorCall Call, AffineQuantization Quantizer, GroupRuns Runs)
    {
        private KernelSet Kernels => Call.Kernels;

        private IntegerRange Range => Quantizer.Range;

        private bool FitsByte => Range.Count <= 256;

        public void FakeQuantize(int begin, int end)
        {
            ReadOnlySpan<float> source = Call.Inputs[0].Values<float>();
            Span<float> result = Call.Outputs[0].Writable<float>();
            Span<byte> codes = stackalloc byte[Buffer];
            for (int i = begin; i < end;)
            {
                (int group, int length) = Runs.At(i, Math.Min(end - i, Buffer));
                AffineParameters p = Quantizer[group];
                if (p.MidRiseTop != 0)
                {
                    MidRiseRuns.FakeQuantize(source.Slice(i, length), p, result.Slice(i, length));
                }
                else if (FitsByte)
                {
                    int zero = p.ZeroPoint - Range.Min;
                    Kernels.QuantizeFloat(source.Slice(i, length), p.Scale, zero, 0, (int)Range.Count - 1, codes[..length]);
                    Kernels.DequantizeByte(codes[..length], p.Scale, zero, result.Slice(i, length));
                }
                else
                {
                    Wide(source.Slice(i, length), p, result.Slice(i, length));
                }

                i += length;
            }
        }

        public void Quantize(int begin, int end)
        {
            AffineParameters p = Quantizer.Single;
            ReadOnlySpan<float> source = Call.Inputs[0].Values<float>();
            if (Call.Outputs[0].Type == ElementType.UInt8 && p.MidRiseTop == 0)
            {
                Kernels.QuantizeFloat(source[begin..end], p.Scale, p.ZeroPoint, Range.Min, Range.Max, Call.Outputs[0].Writable<byte>()[begin..end]);
                return;
            }

            Span<int> codes = stackalloc int[CodeRuns.Length];
            for (int i = begin; i < end;)
            {
                int length = Math.Min(end - i, codes.Length);
                Encode(source.Slice(i, length), p, codes[..length]);
                CodeRuns.Write(Call.Outputs[0], i, codes[..length]);
                i += length;
            }
        }

        private void Encode(ReadOnlySpan<float> source, AffineParameters p, Span<int> codes)
        {
            if (p.MidRiseTop == 0)
            {
                CodeMath.Quantize(source, p.Scale, new CodeTail(p.ZeroPoint, Range.Min, Range.Max), codes);
                return;
            }

            for (int j = 0; j < codes.Length; j++)
            {
                codes[j] = p.Quantize(source[j], Range);
            }
        }

        public void Dequantize(int begin, int end)
        {
            Span<float> result = Call.Outputs[0].Writable<float>();
            Span<int> codes = stackalloc int[CodeRuns.Length];
            for (int i = begin; i < end;)
            {
                (int group, int length) = Runs.At(i, Math.Min(end - i, codes.Length));
                AffineParameters p = Quantizer[group];
                if (Call.Inputs[0].Type == ElementType.UInt8 && p.MidRiseTop == 0)
                {
                    Kernels.DequantizeByte(Call.Inputs[0].Values<byte>().Slice(i, length), p.Scale, p.ZeroPoint, result.Slice(i, length));
                }
                else
                {
                    CodeRuns.Read(Call.Inputs[0], i, codes[..length]);
                    for (int j = 0; j < length; j++)
                    {
                        result[i + j] = p.Dequantize(codes[j]);
                    }
                }

                i += length;
            }
        }

        private void Wide(ReadOnlySpan<float> source, AffineParameters p, Span<float> result)
        {
            for (int i = 0; i < result.Length; i++)
            {
                result[i] = p.Dequantize(p.Quantize(source[i], Range));
            }
        }
    }
}
