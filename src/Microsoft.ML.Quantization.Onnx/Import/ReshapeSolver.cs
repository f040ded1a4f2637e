using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Onnx.Import;

/// <summary>The shape that a Reshape gives: copied, inferred and batch dimensions resolved.</summary>
internal static class ReshapeSolver
{
    /// <summary>
    /// Resolves 0 (copy, unless <paramref name="allowZero"/>), −1 (the rest) and the batch size. A file exported with a batch of 1 says 1 where
    /// the free batch is meant; then the first dimension becomes the batch, with a warning.
    /// </summary>
    public static Shape Solve(NodeCall call, Shape x, ImmutableArray<Symbol> target, bool allowZero)
    {
        call.RequireValid(target.Length <= Shape.MaximumRank, $"a rank of at most {Shape.MaximumRank}, found {target.Length}");
        int rest = -1;
        var sizes = new int[target.Length];
        for (int i = 0; i < sizes.Length; i++)
        {
            Symbol symbol = target[i];
            call.RequireSupported(!symbol.IsBatch || symbol.Factor == 1, "a dimension that is a multiple of the batch is not supported; bind the batch with Dimensions");
            call.RequireValid(symbol.Factor is >= -1 and <= int.MaxValue, $"dimensions from -1, found {symbol.Factor}");
            call.RequireValid(symbol.Factor != -1 || rest < 0, "at most one -1");
            bool copy = symbol == default && !allowZero;
            call.RequireValid(!copy || i < x.Rank, "a 0 only where the input has a dimension");
            rest = symbol is { Factor: -1, IsBatch: false } ? i : rest;
            sizes[i] = copy ? x[i] : symbol.IsBatch ? Shape.Free : (int)symbol.Factor;
        }

        return Complete(call, x, sizes, rest);
    }

    private static Shape Complete(NodeCall call, Shape x, int[] sizes, int rest)
    {
        bool batchGiven = sizes.Where((s, i) => i != rest && s == Shape.Free).Any();
        long known = sizes.Where((s, i) => i != rest && s != Shape.Free).Aggregate(1L, (a, s) => a > int.MaxValue ? a : a * s);
        bool missing = x.IsFree && !batchGiven;
        if (missing && x[0] == Shape.Free && MeansBatch(sizes, rest, known, x.FixedCount))
        {
            call.Context.Warnings.Add($"{call.Place}: its shape begins with a fixed batch of 1; it is read as the free batch.");
            sizes[0] = Shape.Free;
            missing = false;
        }

        if (rest >= 0)
        {
            call.RequireValid(known > 0 && x.FixedCount % known == 0, $"a count of elements that {known} divides, found {x}");
            call.RequireSupported(!missing || known == x.FixedCount, $"the free batch of {x} merges with another axis; bind it with Dimensions");
            sizes[rest] = missing ? Shape.Free : (int)(x.FixedCount / known);
        }

        return Checked(call, x, new Shape([.. sizes]));
    }

    /// <summary>Whether a leading 1 stands for the batch: the other dimensions hold a whole row.</summary>
    private static bool MeansBatch(int[] sizes, int rest, long known, int row)
    {
        bool leadingOne = sizes.Length > 1 && sizes[0] == 1 && rest != 0;
        return leadingOne && (rest < 0 ? known == row : known > 0 && row % known == 0 && row != known);
    }

    private static Shape Checked(NodeCall call, Shape x, Shape shape)
    {
        call.RequireValid(shape.FixedCount == x.FixedCount && shape.IsFree == x.IsFree, $"a shape of as many elements as {x}, found {shape}");
        return shape;
    }
}
