using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Onnx.Import;

/// <summary>Integer inputs: shapes, axes, starts, pads. Newer operator sets give them as inputs, older ones as attributes.</summary>
internal static class Integers
{
    /// <summary>Most elements that shape arithmetic looks at.</summary>
    public const int MaximumCount = 4096;

    /// <summary>Numbers of an input, some of which may be the batch size; null unless integers known at import.</summary>
    public static ImmutableArray<Symbol>? TrySymbols(ImportValue value)
    {
        if (value.IsSymbolic)
        {
            return value.Symbols;
        }

        if (value.Constant is not { } constant || constant.Shape.Count > MaximumCount || value.Type.IsCodes)
        {
            return null;
        }

        return constant.Type switch
        {
            ElementType.Int64 => [.. constant.Values<long>().ToArray().Select(v => new Symbol(v, false))],
            ElementType.Int32 => [.. constant.Values<int>().ToArray().Select(v => new Symbol(v, false))],
            ElementType.Boolean => [.. constant.Values<bool>().ToArray().Select(v => new Symbol(v ? 1 : 0, false))],
            _ => null,
        };
    }

    /// <summary>Numbers of an input of rank 1 (or 0), the batch size allowed.</summary>
    public static ImmutableArray<Symbol> Symbols(this NodeCall call, int index, string what)
    {
        ImportValue value = call.Input(index);
        call.RequireValid(value.Shape.Rank <= 1, $"a list as {what} (input {index}), found the shape {value.Shape}");
        return TrySymbols(value) ?? throw call.Unsupported($"expected integers known at import as {what} (input {index}), found {value.Type}. Give it with Constants if it is a graph input");
    }

    /// <summary>Numbers of an input.</summary>
    public static ImmutableArray<long> Longs(this NodeCall call, int index, string what)
    {
        ImmutableArray<Symbol> symbols = call.Symbols(index, what);
        call.RequireSupported(!symbols.Any(s => s.IsBatch), $"{what} (input {index}) must not depend on the batch size");
        return [.. symbols.Select(s => s.Factor)];
    }

    /// <summary>Numbers of an attribute of old operator sets or of an input of newer ones; null when neither is there.</summary>
    public static ImmutableArray<long>? AttributeOrInput(this NodeCall call, string name, int index)
    {
        if (call.Attributes.Has(name))
        {
            return call.Attributes.Longs(name);
        }

        return call.Has(index) ? call.Longs(index, name) : null;
    }
}
