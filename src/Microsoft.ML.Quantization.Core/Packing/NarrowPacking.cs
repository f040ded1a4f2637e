using System.Globalization;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Costs;

namespace Microsoft.ML.Quantization.Packing;

/// <summary>A dense layer whose weights stay narrow in memory while few rows are bound.</summary>
/// <param name="Geometry">Sizes of one row.</param>
/// <param name="Choice">The set that does it.</param>
/// <param name="Weights">The narrow weights.</param>
/// <param name="ModelBytes">Bytes of all weights of the model.</param>
internal sealed record NarrowLayer(NarrowGeometry Geometry, Choice Choice, PackedWeights Weights, long ModelBytes)
{
    /// <summary>For <c>Explain</c>.</summary>
    public string Reason => string.Create(CultureInfo.InvariantCulture, $"weights stay at {Geometry.Bits} bits in memory, because reading them takes the time, and are unpacked in registers; exact in int32, proved from the weights");
}

/// <summary>Which dense layers read narrow weights: those of few rows, whose time is that of reading them, as the throughput table says.</summary>
internal static class NarrowPacking
{
    private const int MostBits = 7;

    // Unpacking hides less of what else happens than a measurement of the kernel alone shows.
    private const double Margin = 0.9;

    /// <summary>The layer with narrow weights where they pay for one row of the model, or null.</summary>
    /// <param name="state">The program in the making.</param>
    /// <param name="constant">The weights' value.</param>
    /// <param name="weights">Weights [outputs][inputs].</param>
    /// <param name="channels">Channels of the pixels that the inputs are, or all inputs.</param>
    /// <param name="one">The layer for one row of the model.</param>
    /// <param name="wide">The set that would do it with weights of 8 bits.</param>
    public static NarrowLayer? Find(PackingState state, ValueId constant, IntegerWeights weights, int channels, ConvolutionGeometry one, Choice wide)
    {
        if (state.Planes.Policy == PlanePolicy.Never || one.InChannels > NarrowGeometry.LongestRow)
        {
            return null;
        }

        if (NarrowGeometry.Of(one.OutPixels, one.InChannels, one.OutChannels, weights.Ordered(channels)) is not { } fewest)
        {
            return null;
        }

        long model = ModelBytes(state.Graph);
        NarrowGeometry geometry = Fastest(state.Chooser, fewest, model);
        Choice choice = state.Chooser.Choose(KernelWork.Of(geometry));
        if (state.Planes.Policy != PlanePolicy.Always && !Pays(state.Chooser, geometry, choice.Set, one, wide.Set, model))
        {
            return null;
        }

        string form = string.Create(CultureInfo.InvariantCulture, $"narrow/{choice.Set.Name}/{geometry}/{state.TypeOf(constant).Quantization}/{weights.Values.Length}/{channels}");
        return new NarrowLayer(geometry, choice, state.Weights.Get(state.Constant(constant)!, form, () => choice.Set.PackDenseNarrow(geometry, weights.Ordered(channels))), model);
    }

    /// <summary>Whether narrow weights are expected to be faster than bytes for so many rows.</summary>
    public static bool Pays(KernelChooser chooser, in NarrowGeometry narrow, KernelSet narrowSet, in ConvolutionGeometry geometry, KernelSet wideSet, long modelBytes)
        => chooser.IsFaster(Work(narrow, narrowSet), new WeightedWork(wideSet, KernelWork.Of(KernelOperation.ConvolutionByte, 8, geometry), (long)narrow.Inputs * narrow.Outputs), modelBytes, Margin);

    // Codes of 3 bits, say, are cut in two, and may be slower than if they were stored as 4.
    private static NarrowGeometry Fastest(KernelChooser chooser, NarrowGeometry fewest, long modelBytes)
    {
        NarrowGeometry best = fewest;
        for (int bits = fewest.Bits + 1; bits <= MostBits; bits++)
        {
            var wider = new NarrowGeometry(fewest.Rows, fewest.Inputs, fewest.Outputs, bits, fewest.Step);
            best = chooser.IsFaster(Work(wider, chooser.Choose(KernelWork.Of(wider)).Set), Work(best, chooser.Choose(KernelWork.Of(best)).Set), modelBytes, Margin) ? wider : best;
        }

        return best;
    }

    private static WeightedWork Work(in NarrowGeometry g, KernelSet set) => new(set, KernelWork.Of(g), (long)g.Inputs * g.Outputs * g.Bits / 8);

    /// <summary>Bytes of all constants of a model at their true widths.</summary>
    public static long ModelBytes(Graph graph) => graph.Values.Where(v => v.Constant is not null).Sum(v => (long)v.Constant!.Bytes.Length * (v.Type.Quantization?.Code.Bits.Bits ?? 8) / 8);
}
