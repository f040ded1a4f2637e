using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Quantizers;
using Form = Microsoft.ML.Quantization.Graphs.Passes.LoweredValue;

namespace Microsoft.ML.Quantization.Graphs.Passes;

/// <summary>Writes the integer node that takes a form to codes of a quantizer. Multipliers are computed in double and rounded to float32 once.</summary>
internal sealed class CodeEmitter(GraphBuilder builder)
{
    private const int MostThresholds = 15;
    private const int MostThresholdBits = 2;
    private readonly CurveEmitter _curves = new(builder);

    /// <summary>Codes of a form, or null when the form has no integer step to them.</summary>
    public Form.Codes? Emit(Form? form, AffineQuantization result, string name, string nodeName)
    {
        if (result.Granularity != Granularity.PerTensor)
        {
            return null;
        }

        if (IsThresholds(form, result) && CurveEmitter.Of(form) is { } curve)
        {
            AffineQuantization counted = FromZero(result);
            return new Form.Codes(_curves.Emit(curve, x => result.Single.Quantize(x, result.Range) - result.Range.Min, counted, name, nodeName), counted);
        }

        if (!HasStep(form, result))
        {
            return null;
        }

        Node? node = form switch
        {
            Form.Codes codes => codes.Quantizer == result ? null : OfCodes(codes, result),
            Form.Scaled scaled => OfScaled(scaled, result),
            Form.Table table => OfTable(table, result),
            Form.Sum sum => OfSum(sum, result),
            Form.Product product => OfProduct(product, result),
            Form.Mean mean => OfMean(mean, result),
            Form.Joined joined => OfJoined(joined, result, nodeName),
            _ => null,
        };
        if (node is null)
        {
            return form is Form.Codes same && same.Quantizer == result ? same : null;
        }

        string suffix = node is Requantize ? ".requantize" : string.Empty;
        return new Form.Codes(builder.Add(node with { Name = nodeName + suffix }, name), result);
    }

    /// <summary>The same reals with codes that count from 0, as thresholds do: range and zero point move together.</summary>
    private static AffineQuantization FromZero(AffineQuantization result) => result.Range.Min == 0 ? result : result with
    {
        Code = result.Code with { Signed = false },
        Range = new IntegerRange(0, result.Range.Max - result.Range.Min),
        ZeroPoints = [.. result.ZeroPoints.Select(z => z - result.Range.Min)],
    };

    /// <summary>Codes of equal reals, of which thresholds let some count from 0, as codes of one quantizer; others as they are.</summary>
    public ImmutableArray<Form.Codes> Alike(ImmutableArray<Form.Codes> parts)
    {
        bool differ = parts.Any(p => p.Quantizer != parts[0].Quantizer);
        return differ && parts.All(p => FromZero(p.Quantizer) == FromZero(parts[0].Quantizer)) ? [.. parts.Select(CountFromZero)] : parts;
    }

    /// <summary>Multiplied by 1, so that the codes are exact.</summary>
    private Form.Codes CountFromZero(Form.Codes codes)
    {
        AffineQuantization counted = FromZero(codes.Quantizer);
        string name = builder[codes.Id].Name + ".counted";
        return counted == codes.Quantizer ? codes : new Form.Codes(builder.Add(OfCodes(codes, counted) with { Name = name }, name), counted);
    }

    /// <summary>Few mid-rise bits of a curve, whose ties go up at one bit; and few codes of a curve that no multiplier follows.</summary>
    private static bool IsThresholds(Form? form, AffineQuantization result) => form switch
    {
        Form.Codes codes when codes.Quantizer == result => false,
        Form.Codes or Form.Scaled => result.IsMidRise && result.Code.Bits.Bits <= MostThresholdBits,
        Form.Curve => result.Code.Bits.Bits <= 8 && result.Range.Count - 1 <= MostThresholds,
        _ => false,
    };

    /// <summary>Sums, products and means have no step to mid-rise codes.</summary>
    private static bool HasStep(Form? form, AffineQuantization result) => !result.IsMidRise || form is Form.Codes or Form.Scaled or Form.Table or Form.Joined;

    /// <summary>Floats of a scaled form.</summary>
    public ValueId Dequantize(Form.Scaled scaled, string name, string nodeName) => builder.Add(
        new DequantizeAccumulator
        {
            Name = nodeName,
            Inputs = [scaled.Id],
            Multipliers = Single(scaled.Multipliers, scaled.Offsets, 1).Multipliers,
            Offsets = Single(scaled.Multipliers, scaled.Offsets, 1).Offsets,
            Axis = scaled.Axis,
            Activation = scaled.Clamp,
        },
        name);

    /// <summary>Floats of a sum of accumulators.</summary>
    public ValueId Combine(Form.Combined combined, string name, string nodeName)
    {
        int count = combined.Multipliers.Max(m => m.Length);
        count = Math.Max(count, combined.Offsets.Length);
        float Pick(double[] numbers, int c) => (float)numbers[numbers.Length == 1 ? 0 : c];
        return builder.Add(
            new CombineAccumulators
            {
                Name = nodeName,
                Inputs = combined.Ids,
                Multipliers = [.. combined.Multipliers.SelectMany(m => Enumerable.Range(0, count).Select(c => Pick(m, c)))],
                Offsets = [.. Enumerable.Range(0, count).Select(c => Pick(combined.Offsets, c))],
                Axis = combined.Axis,
                Activation = combined.Clamp,
            },
            name);
    }

    /// <summary>The codes that a clamp in reals leaves: quantizing is monotone, so clamping before it and behind it are the same.</summary>
    private static (int Minimum, int Maximum) Limits(Activation clamp, AffineQuantization result)
        => (result.Single.Quantize(clamp.Low, result.Range), result.Single.Quantize(clamp.High, result.Range));

    private static (ImmutableArray<float> Multipliers, ImmutableArray<float> Offsets) Single(double[] multipliers, double[] offsets, float scale)
    {
        int count = Math.Max(multipliers.Length, offsets.Length);
        float[] m = [.. Enumerable.Range(0, count).Select(c => (float)(multipliers[multipliers.Length == 1 ? 0 : c] / scale))];
        float[] b = [.. Enumerable.Range(0, count).Select(c => (float)(offsets[offsets.Length == 1 ? 0 : c] / scale))];
        bool one = m.All(v => v == m[0]) && b.All(v => v == b[0]);
        return one ? ([m[0]], [b[0]]) : ([.. m], [.. b]);
    }

    /// <summary>Multipliers and offsets that count in codes of the result.</summary>
    private static (ImmutableArray<float> Multipliers, ImmutableArray<float> Offsets) InCodes(Form.Scaled scaled, AffineQuantization result)
    {
        if (!result.IsMidRise)
        {
            return Single(scaled.Multipliers, scaled.Offsets, result.Single.Scale);
        }

        double step = 2.0 * result.Single.Scale;
        double middle = result.Code.MidRiseTop / 2.0;
        return Single([.. scaled.Multipliers.Select(m => m / step)], [.. scaled.Offsets.Select(b => (b / step) + middle)], 1);
    }

    private static Requantize OfCodes(Form.Codes codes, AffineQuantization result)
        => OfScaled(new Form.Scaled(codes.Id, [codes.Quantizer.Single.Scale], [0], 0, Activation.None), result);

    private static Requantize OfScaled(Form.Scaled scaled, AffineQuantization result)
    {
        (ImmutableArray<float> multipliers, ImmutableArray<float> offsets) = InCodes(scaled, result);
        (int minimum, int maximum) = Limits(scaled.Clamp, result);
        return new Requantize
        {
            Inputs = [scaled.Id],
            Multipliers = multipliers,
            Offsets = offsets,
            Axis = scaled.Axis,
            Minimum = minimum,
            Maximum = maximum,
            Result = result,
        };
    }

    private static LookupTable? OfTable(Form.Table table, AffineQuantization result) => result.Code.Bits.Bits > 8 ? null : new LookupTable
    {
        Inputs = [table.Source.Id],
        Table = [.. table.Values.Select(v => unchecked((byte)result.Single.Quantize(v, result.Range)))],
        Result = result,
    };

    private static IntegerAdd OfSum(Form.Sum sum, AffineQuantization result)
    {
        (int minimum, int maximum) = Limits(sum.Clamp, result);
        return new IntegerAdd
        {
            Inputs = [sum.Left.Id, sum.Right.Id],
            LeftMultiplier = (float)((double)sum.Left.Quantizer.Single.Scale / result.Single.Scale),
            RightMultiplier = (float)(sum.Sign * (double)sum.Right.Quantizer.Single.Scale / result.Single.Scale),
            Minimum = minimum,
            Maximum = maximum,
            Result = result,
        };
    }

    private static IntegerMultiply OfProduct(Form.Product product, AffineQuantization result)
    {
        (int minimum, int maximum) = Limits(product.Clamp, result);
        return new IntegerMultiply
        {
            Inputs = [product.Left.Id, product.Right.Id],
            Multiplier = (float)((double)product.Left.Quantizer.Single.Scale * product.Right.Quantizer.Single.Scale / result.Single.Scale),
            Minimum = minimum,
            Maximum = maximum,
            Result = result,
        };
    }

    private static IntegerAveragePool OfMean(Form.Mean mean, AffineQuantization result)
    {
        var pool = mean.Pool as AveragePool;
        ImmutableArray<int> none = [1];
        return new IntegerAveragePool
        {
            Inputs = [mean.Source.Id],
            Window = pool?.Window ?? new Window { Kernel = none, Strides = none, Dilations = none, PadsBegin = [0], PadsEnd = [0] },
            CeilMode = pool?.CeilMode ?? false,
            CountPadding = pool?.CountPadding ?? false,
            IsGlobal = pool is null,
            Multiplier = (float)((double)mean.Source.Quantizer.Single.Scale / result.Single.Scale),
            Result = result,
        };
    }

    private Concat OfJoined(Form.Joined joined, AffineQuantization result, string nodeName)
    {
        IEnumerable<ValueId> parts = joined.Parts.Select((part, i) => Emit(part, result, $"{nodeName}.part{i}", $"{nodeName}.part{i}")!.Id);
        return new Concat { Inputs = [.. parts], Axis = joined.Axis };
    }
}
