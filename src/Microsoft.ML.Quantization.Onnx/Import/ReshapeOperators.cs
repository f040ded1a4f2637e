using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Onnx.Import;

/// <summary>Operators that give the same elements another shape.</summary>
internal static class ReshapeOperators
{
    public static ImportValue Reshape(NodeCall call)
    {
        ImmutableArray<Symbol> target = call.Attributes.Longs("shape") is { } old ? [.. old.Select(v => new Symbol(v, false))] : call.Symbols(1, "the shape");
        ImportValue x = call.Input(0);
        Shape shape = ReshapeSolver.Solve(call, x.Shape, target, call.Attributes.Flag("allowzero"));
        return ShapeArithmetic.TryReshape(call, shape) ?? call.ReshapeTo(x, shape);
    }

    public static ImportValue Flatten(NodeCall call)
    {
        ImportValue x = call.Input(0);
        int axis = call.Attributes.Long("axis", 1) is var given && given == x.Shape.Rank ? x.Shape.Rank : call.Axis(given, x.Shape.Rank);
        return call.ReshapeTo(x, Shape.Of(Merged(call, x.Shape.Dimensions[..axis]), Merged(call, x.Shape.Dimensions[axis..])));
    }

    public static ImportValue Squeeze(NodeCall call)
    {
        ImportValue x = call.Input(0);
        ImmutableArray<int> axes = call.AttributeOrInput("axes", 1) is { } given
            ? call.Axes(given, x.Shape.Rank)
            : [.. Enumerable.Range(0, x.Shape.Rank).Where(i => x.Shape[i] == 1)];
        call.RequireValid(axes.All(a => x.Shape[a] == 1), $"squeezed axes of size 1, found {x.Shape}");
        Shape shape = new([.. x.Shape.Dimensions.Where((_, i) => !axes.Contains(i))]);
        return ShapeArithmetic.TryReshape(call, shape) ?? call.ReshapeTo(x, shape);
    }

    public static ImportValue Unsqueeze(NodeCall call)
    {
        ImportValue x = call.Input(0);
        ImmutableArray<long> given = call.AttributeOrInput("axes", 1) ?? throw call.Unsupported("expected axes");
        call.RequireValid(x.Shape.Rank + given.Length <= Shape.MaximumRank, $"a rank of at most {Shape.MaximumRank}, found {x.Shape.Rank} and {given.Length} more");
        int rank = x.Shape.Rank + given.Length;
        ImmutableArray<int> axes = call.Axes(given, rank);
        var dimensions = new int[rank];
        int next = 0;
        for (int i = 0; i < rank; i++)
        {
            dimensions[i] = axes.Contains(i) ? 1 : x.Shape[next++];
        }

        var shape = new Shape([.. dimensions]);
        return ShapeArithmetic.TryReshape(call, shape) ?? call.ReshapeTo(x, shape);
    }

    public static ImportValue Expand(NodeCall call)
    {
        ImportValue x = call.Input(0);
        ImmutableArray<Symbol> target = call.Symbols(1, "the shape");
        call.RequireValid(target.Length <= Shape.MaximumRank, $"a rank of at most {Shape.MaximumRank}");
        var sizes = new int[target.Length];
        bool grows = false;
        for (int i = 0; i < sizes.Length; i++)
        {
            int axis = x.Shape.Rank - target.Length + i;
            int own = axis >= 0 ? x.Shape[axis] : 1;
            bool batch = target[i] == Symbol.Batch;
            call.RequireSupported(!batch || own == Shape.Free || i == 0, "an axis behind the first that grows to the batch size is not supported; bind the batch with Dimensions");
            grows |= batch && own == 1;
            call.RequireValid(batch || target[i] is { IsBatch: false, Factor: >= 0 and <= int.MaxValue }, "dimensions from 0");
            sizes[i] = batch ? 1 : (int)target[i].Factor;
        }

        ImportValue expanded = call.Emit(new Expand { Target = [.. sizes] }, x);
        return grows ? BatchBroadcast.Apply(call, expanded) : expanded;
    }

    /// <summary>[N, C, H, W] → [N, C/b², H·b, W·b].</summary>
    public static ImportValue DepthToSpace(NodeCall call)
    {
        (ImportValue x, int block) = Blocks(call);
        (int n, int c, int h, int w) = (x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3]);
        call.RequireValid(c % (block * block) == 0, $"channels that {block * block} divides, found {x.Shape}");
        int depth = c / (block * block);
        bool columnFirst = call.Attributes.Text("mode", "DCR") == "CRD";
        x = call.ReshapeTo(x, columnFirst ? Shape.Of(n, depth, block, block, h, w) : Shape.Of(n, block, block, depth, h, w));
        x = call.Emit(new Transpose { Permutation = columnFirst ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2] }, x);
        return call.ReshapeTo(x, Shape.Of(n, depth, checked(h * block), checked(w * block)));
    }

    /// <summary>[N, C, H, W] → [N, C·b², H/b, W/b].</summary>
    public static ImportValue SpaceToDepth(NodeCall call)
    {
        (ImportValue x, int block) = Blocks(call);
        (int n, int c, int h, int w) = (x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3]);
        call.RequireValid(h % block == 0 && w % block == 0, $"spatial sizes that {block} divides, found {x.Shape}");
        x = call.ReshapeTo(x, Shape.Of(n, c, h / block, block, w / block, block));
        x = call.Emit(new Transpose { Permutation = [0, 3, 5, 1, 2, 4] }, x);
        return call.ReshapeTo(x, Shape.Of(n, checked(c * block * block), h / block, w / block));
    }

    private static (ImportValue X, int Block) Blocks(NodeCall call)
    {
        ImportValue x = call.Input(0);
        int block = call.Attributes.Int("blocksize", 0);
        call.RequireValid(x.Shape.Rank == 4 && block is > 0 and < 4096 && !x.Shape.Dimensions[1..].Contains(Shape.Free), $"an input [N, C, H, W] and a block size from 1 to 4095, found {x.Shape} and {block}");
        return (x, block);
    }

    private static int Merged(NodeCall call, ImmutableArray<int> dimensions)
    {
        Symbol product = NodeCallExtensions.Product(dimensions);
        call.RequireSupported(!product.IsBatch || product.Factor == 1, "the free batch merges with another axis; bind it with Dimensions");
        return product.IsBatch ? Shape.Free : checked((int)product.Factor);
    }
}
