using System.Collections.Immutable;

namespace Microsoft.ML.Quantization.Kernels.Costs;

/// <summary>The work of one step as numbers that its cost depends on.</summary>
/// <param name="Operation">What is done.</param>
/// <param name="Bits">Bits of a weight in memory (1 to 8, 32), of a source code and a weight for layers over bit planes (11, 12, 21, 22; 100 more for two's complement weights, 200 more for ternary ones), or of a value where there are no weights.</param>
/// <param name="Channels">Input channels of one group; 1 for element-wise work.</param>
/// <param name="Outputs">Output channels of one group.</param>
/// <param name="Groups">Groups; for <see cref="KernelOperation.GroupedDense"/> inputs that share a scale.</param>
/// <param name="Pixels">Output pixels, rows or values, over the whole batch.</param>
/// <param name="Taps">Kernel positions.</param>
/// <param name="Stride">Step of the window along a row.</param>
/// <param name="Width">Output pixels of a row.</param>
internal readonly record struct KernelWork(KernelOperation Operation, int Bits, int Channels, int Outputs, int Groups, int Pixels, int Taps, int Stride, int Width)
{
    private const int OutputLanes = 16;
    private const int DepthLanes = 4;
    private const int PlaneForm = 100;

    /// <summary>
    /// Units of work, those included that fill up vectors, so that nanoseconds a unit change little from shape to shape.
    /// </summary>
    public double Units => Operation switch
    {
        KernelOperation.ConvolutionPlanes => Up(Channels, PlaneLayout.WordBits) * Taps * Up(Outputs, PlaneLayout.WordBits) * Groups * Pixels,
        KernelOperation.ConvolutionByte or KernelOperation.ConvolutionFloat => Up((double)Channels * Taps, DepthLanes) * Up(Outputs, OutputLanes) * Groups * Pixels,
        KernelOperation.GroupedDense or KernelOperation.DenseNarrow => (double)Channels * Up(Outputs, OutputLanes) * Pixels,
        _ => (double)Channels * Pixels * Taps,
    };

    /// <summary>Pairs of planes that a product of a layer over bit planes takes.</summary>
    public int PlanePairs => PairsOf(Bits);

    /// <summary>What stands in a throughput table, in this order.</summary>
    public ImmutableArray<int> Sizes => [Channels, Outputs, Groups, Pixels, Taps, Stride, Width];

    /// <summary>From the sizes of a table.</summary>
    public static KernelWork From(KernelOperation operation, int bits, int[] sizes) => new(operation, bits, sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], sizes[5], sizes[6]);

    /// <summary>A convolution, dense layer or pool.</summary>
    public static KernelWork Of(KernelOperation operation, int bits, in ConvolutionGeometry g)
    {
        bool channelwise = operation is not (KernelOperation.ConvolutionByte or KernelOperation.ConvolutionFloat or KernelOperation.ConvolutionPlanes);
        return channelwise
            ? new KernelWork(operation, bits, g.OutChannels, 1, 1, g.OutPixels, g.Taps, g.StrideWidth, g.OutWidth)
            : new KernelWork(operation, bits, g.GroupInChannels, g.GroupOutChannels, g.Groups, g.OutPixels, g.Taps, g.StrideWidth, g.OutWidth);
    }

    /// <summary>A layer over bit planes.</summary>
    public static KernelWork Of(in PlaneGeometry g)
    {
        int form = g.WeightKind switch
        {
            PlaneKind.MidRise => 0,
            PlaneKind.Ternary => 2,
            _ => 1,
        };
        return Of(KernelOperation.ConvolutionPlanes, (form * PlaneForm) + (g.SourceBits * 10) + g.WeightBits, g.Convolution);
    }

    /// <summary>Pairs of planes of <see cref="Bits"/> of a layer over bit planes; ternary weights are one plane and the signs of its bits.</summary>
    public static int PairsOf(int bits) => bits / 10 % 10 * (bits / PlaneForm == 2 ? 1 : bits % 10);

    /// <summary>Products of two computed values, in bytes or in floats.</summary>
    public static KernelWork Products(bool bytes, int count, int rows, int depth, int columns)
        => new(bytes ? KernelOperation.ConvolutionByte : KernelOperation.ConvolutionFloat, bytes ? 8 : 32, depth, columns, count, rows, 1, 1, 1);

    /// <summary>A dense layer with weights in groups.</summary>
    public static KernelWork Of(in GroupedGeometry g) => new(KernelOperation.GroupedDense, g.Container, g.Inputs, g.Outputs, g.GroupSize, g.Rows, 1, 1, 1);

    /// <summary>A dense layer over narrow weights.</summary>
    public static KernelWork Of(in NarrowGeometry g) => new(KernelOperation.DenseNarrow, g.Bits, g.Inputs, g.Outputs, 1, g.Rows, 1, 1, 1);

    /// <summary>Work on <paramref name="count"/> values in rows of <paramref name="channels"/>.</summary>
    public static KernelWork Flat(KernelOperation operation, int bits, long count, int channels = 1) => new(operation, bits, channels, 1, 1, (int)(count / channels), 1, 1, 1);

    private static double Up(double value, int unit) => System.Math.Ceiling(value / unit) * unit;
}
