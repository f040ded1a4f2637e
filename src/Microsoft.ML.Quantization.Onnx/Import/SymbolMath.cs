using Microsoft.ML.Quantization.Graphs.Nodes;

namespace Microsoft.ML.Quantization.Onnx.Import;

/// <summary>Arithmetic on integers of which some are multiples of the batch size.</summary>
internal static class SymbolMath
{
    /// <summary>a ∘ b, or null when the result is no multiple of the batch size (or overflows, or divides by 0).</summary>
    public static Symbol? Apply(BinaryOperator binary, Symbol a, Symbol b) => binary switch
    {
        BinaryOperator.Add => Sum(a, b, 1),
        BinaryOperator.Subtract => Sum(a, b, -1),
        BinaryOperator.Multiply => Product(a, b),
        BinaryOperator.Divide => Quotient(a, b),
        _ => null,
    };

    /// <summary>Numbers that compare as a and b do; null when that depends on the batch size. The batch is above any negative number.</summary>
    public static (long A, long B)? Comparable(Symbol a, Symbol b)
    {
        if (a.IsBatch == b.IsBatch)
        {
            return (a.Factor, b.Factor);
        }

        bool negative = (a.IsBatch ? b : a).Factor < 0 && (a.IsBatch ? a : b).Factor > 0;
        return negative ? (a.IsBatch ? 1 : a.Factor, b.IsBatch ? 1 : b.Factor) : null;
    }

    private static Symbol? Sum(Symbol a, Symbol b, int sign)
    {
        bool alike = a.IsBatch == b.IsBatch || a.Factor == 0 || b.Factor == 0;
        long sum = unchecked(a.Factor + (sign * b.Factor));
        bool small = Small(a) && Small(b);
        return alike && small ? new Symbol(sum, sum != 0 && (a.IsBatch || b.IsBatch)) : null;
    }

    private static Symbol? Product(Symbol a, Symbol b)
        => (a.IsBatch && b.IsBatch) || !Small(a) || !Small(b) ? null : new Symbol(a.Factor * b.Factor, (a.IsBatch || b.IsBatch) && a.Factor * b.Factor != 0);

    private static Symbol? Quotient(Symbol a, Symbol b)
    {
        if (b.Factor == 0 || (b.IsBatch && !a.IsBatch) || (a.IsBatch && !b.IsBatch && a.Factor % b.Factor != 0) || !Small(a) || !Small(b))
        {
            return null;
        }

        return a.IsBatch && b.IsBatch && a.Factor % b.Factor != 0 ? null : new Symbol(a.Factor / b.Factor, a.IsBatch && !b.IsBatch);
    }

    private static bool Small(Symbol value) => value.Factor is > -(1L << 31) and < 1L << 31;
}
