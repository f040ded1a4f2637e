using System.Collections.Immutable;
using System.Globalization;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs.Rules;

/// <summary>What a rule sees of a node, with checks that name the node in their message.</summary>
/// <param name="Node">The node.</param>
/// <param name="Inputs">The values it reads.</param>
public sealed record RuleContext(Node Node, ImmutableArray<Value> Inputs)
{
    /// <summary>Number of inputs.</summary>
    public int Count => Inputs.Length;

    /// <summary>The type of an input.</summary>
    public ValueType Type(int index) => Inputs[index].Type;

    /// <summary>The shape of an input.</summary>
    public Shape Shape(int index) => Inputs[index].Type.Shape;

    /// <summary>Throws <see cref="QuantizationErrorCode.InvalidGraph"/> unless the condition holds.</summary>
    public void Require(bool condition, string expected)
    {
        if (!condition)
        {
            throw Error(QuantizationErrorCode.InvalidGraph, expected);
        }
    }

    /// <summary>Throws <see cref="QuantizationErrorCode.InvalidShape"/> unless the condition holds.</summary>
    public void RequireShape(bool condition, string expected)
    {
        if (!condition)
        {
            throw Error(QuantizationErrorCode.InvalidShape, expected);
        }
    }

    /// <summary>Throws <see cref="QuantizationErrorCode.InvalidAttribute"/> unless the condition holds.</summary>
    public void RequireAttribute(bool condition, string expected)
    {
        if (!condition)
        {
            throw Error(QuantizationErrorCode.InvalidAttribute, expected);
        }
    }

    /// <summary>Checks the number of inputs.</summary>
    public void RequireInputs(int minimum, int maximum)
        => Require(Count >= minimum && Count <= maximum, minimum == maximum ? $"{minimum} inputs" : $"{minimum} to {maximum} inputs");

    /// <summary>Checks that inputs are float32.</summary>
    public void RequireFloat(int first, int last)
    {
        for (int i = first; i <= last && i < Count; i++)
        {
            Require(Type(i).Element == ElementType.Float32, $"input {i} of Float32");
        }
    }

    /// <summary>The error of this node.</summary>
    public QuantizationException Error(QuantizationErrorCode code, string expected)
    {
        string found = string.Join(", ", ImmutableArrayExtensions.Types(Inputs));
        return new(code, string.Create(CultureInfo.InvariantCulture, $"{Node.Kind} '{Node.Name}': expected {expected}, found inputs ({found})."));
    }

    /// <summary>One output.</summary>
    public static ImmutableArray<ValueType> One(ValueType type) => [type];

    /// <summary>A float output.</summary>
    public static ImmutableArray<ValueType> Float(Shape shape) => [ValueType.Float(shape)];

    /// <summary>Checks a window against an input [N, C, spatial] and gives the spatial output sizes.</summary>
    public ImmutableArray<int> Spatial(Window window, Shape input, bool ceil = false)
    {
        System.ArgumentNullException.ThrowIfNull(window);
        System.ArgumentNullException.ThrowIfNull(input);
        RequireShape(input.Rank == window.Rank + 2 && window.Rank is >= 1 and <= 3, $"an input of rank {window.Rank + 2}, 3 to 5");
        var sizes = ImmutableArray.CreateBuilder<int>(window.Rank);
        long values = System.Math.Max(input[1], 1);
        for (int i = 0; i < window.Rank; i++)
        {
            int size = input[i + 2];
            RequireShape(size > 0, "fixed spatial sizes from 1 (only the batch may be free)");
            RequireAttribute(WindowRules.IsValid(window, i), "kernel, strides and dilations from 1, pads from 0, one each a spatial axis, below 2^24");
            int output = WindowRules.OutputSize(window, i, size, ceil);
            RequireShape(output > 0, "a window that fits into the padded image");
            long end = ((output - 1L) * window.Strides[i]) + ((window.Kernel[i] - 1L) * window.Dilations[i]) + window.PadsBegin[i];
            values *= window.Kernel[i];
            RequireAttribute(end < int.MaxValue && values <= int.MaxValue, "windows whose places, and kernels whose positions times the channels, can be counted in 32 bits");
            sizes.Add(output);
        }

        return sizes.ToImmutable();
    }
}
