using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Graphs.Rules;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Onnx.Import;

/// <summary>
/// Integers of shapes, computed at import with the batch size as an unknown. Each method gives null when its inputs are not such
/// integers; then the operator is imported as usual.
/// </summary>
internal static class ShapeArithmetic
{
    /// <summary>a ∘ b of two lists or numbers.</summary>
    public static ImportValue? TryBinary(NodeCall call, BinaryOperator binary)
    {
        if (Items(call.Input(0)) is not { } a || Items(call.Input(1)) is not { } b || call.Input(0).Type.Element != call.Input(1).Type.Element)
        {
            return null;
        }

        int count = Math.Max(a.Length, b.Length);
        call.RequireValid((a.Length == count || a.Length == 1) && (b.Length == count || b.Length == 1), "lists of one length");
        var result = new Symbol[count];
        for (int i = 0; i < count; i++)
        {
            if (SymbolMath.Apply(binary, a[a.Length == 1 ? 0 : i], b[b.Length == 1 ? 0 : i]) is not { } symbol)
            {
                throw call.Unsupported("this arithmetic on the batch size is not supported; bind the batch with Dimensions");
            }

            result[i] = symbol;
        }

        Shape shape = call.Shape(0).Rank >= call.Shape(1).Rank ? call.Shape(0) : call.Shape(1);
        return New(call, result, shape.Rank == 0 ? shape : Shape.Of(count), call.Input(0).Type.Element);
    }

    /// <summary>Comparisons; the batch size equals no number.</summary>
    public static ImportValue? TryCompare(NodeCall call, Func<long, long, bool> compare)
    {
        if (Items(call.Input(0)) is not { } a || Items(call.Input(1)) is not { } b)
        {
            return null;
        }

        int count = Math.Max(a.Length, b.Length);
        call.RequireValid((a.Length == count || a.Length == 1) && (b.Length == count || b.Length == 1), "lists of one length");
        var result = new Symbol[count];
        for (int i = 0; i < count; i++)
        {
            (long x, long y) = SymbolMath.Comparable(At(a, i), At(b, i)) ?? throw call.Unsupported("a comparison of the batch size is not supported; bind the batch with Dimensions");
            result[i] = new Symbol(compare(x, y) ? 1 : 0, false);
        }

        Shape shape = call.Shape(0).Rank >= call.Shape(1).Rank ? call.Shape(0) : call.Shape(1);
        return New(call, result, shape.Rank == 0 ? shape : Shape.Of(count), ElementType.Boolean);
    }

    /// <summary>condition ? a : b.</summary>
    public static ImportValue? TryWhere(NodeCall call)
    {
        if (Items(call.Input(0)) is not { } condition || Items(call.Input(1)) is not { } a || Items(call.Input(2)) is not { } b || condition.Any(c => c.IsBatch))
        {
            return null;
        }

        int count = Math.Max(condition.Length, Math.Max(a.Length, b.Length));
        call.RequireValid(new[] { condition, a, b }.All(l => l.Length == count || l.Length == 1), "lists of one length");
        IEnumerable<Symbol> result = Enumerable.Range(0, count).Select(i => At(condition, i).Factor != 0 ? At(a, i) : At(b, i));
        bool scalar = call.Shape(0).Rank + call.Shape(1).Rank + call.Shape(2).Rank == 0;
        return New(call, result, scalar ? Shape.Scalar : Shape.Of(count), call.Input(1).Type.Element);
    }

    /// <summary>Joined lists.</summary>
    public static ImportValue? TryConcat(NodeCall call)
    {
        var result = new List<Symbol>();
        for (int i = 0; i < call.InputCount; i++)
        {
            if (call.Input(i) is not { Shape.Rank: 1 } value || value.Type.Element != call.Input(0).Type.Element || Items(value) is not { } items || result.Count > Integers.MaximumCount)
            {
                return null;
            }

            result.AddRange(items);
        }

        return result.Count == 0 ? null : New(call, result, Shape.Of(result.Count), call.Input(0).Type.Element);
    }

    /// <summary>A part of a list.</summary>
    public static ImportValue? TrySlice(NodeCall call)
    {
        if (call.Shape(0).Rank != 1 || Items(call.Input(0)) is not { } items)
        {
            return null;
        }

        SliceParts parts = SliceParts.Read(call, 1);
        if (parts.Axes.IsEmpty)
        {
            return call.Input(0);
        }

        call.RequireValid(parts.Steps[0] != 0, "a step that is not 0");
        (int start, int length) = StructuralRules.SliceRange(parts.Starts[0], parts.Ends[0], parts.Steps[0], items.Length);
        return New(call, Enumerable.Range(0, length).Select(i => items[start + (i * parts.Steps[0])]), Shape.Of(length), call.Input(0).Type.Element);
    }

    /// <summary>Items of a list by their indices.</summary>
    public static ImportValue? TryGather(NodeCall call)
    {
        if (call.Shape(0).Rank != 1 || Items(call.Input(0)) is not { } items || Items(call.Input(1)) is not { } indices || indices.Any(i => i.IsBatch))
        {
            return null;
        }

        call.RequireValid(indices.All(i => i.Factor >= -items.Length && i.Factor < items.Length), $"indices from {-items.Length} to {items.Length - 1}");
        return New(call, indices.Select(i => items[(int)(i.Factor < 0 ? i.Factor + items.Length : i.Factor)]), call.Shape(1), call.Input(0).Type.Element);
    }

    /// <summary>The same integers as a number or a list.</summary>
    public static ImportValue? TryReshape(NodeCall call, Shape shape)
        => shape.Rank <= 1 && Items(call.Input(0)) is { } items ? New(call, items, shape, call.Input(0).Type.Element) : null;

    /// <summary>The same integers of another integer type.</summary>
    public static ImportValue? TryCast(NodeCall call, ElementType to)
        => to is ElementType.Int64 or ElementType.Int32 && Items(call.Input(0)) is { } items ? New(call, items, call.Shape(0), to) : null;

    /// <summary>The product of all dimensions.</summary>
    public static ImportValue? TryProduct(NodeCall call, ReduceOperator reduce)
    {
        if (reduce != ReduceOperator.Product || call.Shape(0).Rank != 1 || Items(call.Input(0)) is not { } items)
        {
            return null;
        }

        Symbol? product = items.Aggregate((Symbol?)new Symbol(1, false), (a, b) => a is { } known ? SymbolMath.Apply(BinaryOperator.Multiply, known, b) : null);
        return New(call, [product ?? throw call.Unsupported("the square of the batch size is not supported")], call.Attributes.Flag("keepdims", true) ? Shape.Of(1) : Shape.Scalar, call.Input(0).Type.Element);
    }

    private static ImmutableArray<Symbol>? Items(ImportValue value) => value.Shape.Rank <= 1 ? Integers.TrySymbols(value) : null;

    private static Symbol At(ImmutableArray<Symbol> list, int index) => list[list.Length == 1 ? 0 : index];

    private static ImportValue New(NodeCall call, IEnumerable<Symbol> items, Shape shape, ElementType type)
        => ImportValue.Of(call.Context.Fresh(call.OutputName + "/Shape"), [.. items], shape, type);
}
