using System.Globalization;
using Microsoft.ML.Quantization.Graphs;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>The bound of int32 sums.</summary>
internal static class Accumulators
{
    /// <summary>How many unsigned bytes an int32 can sum up whatever their values.</summary>
    public const int MostBytes = int.MaxValue / 255;

    /// <summary>An exact sum as int32.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.AccumulatorNotProved"/>: it leaves int32.</exception>
    public static int Narrow(Node node, long sum) => sum is >= int.MinValue and <= int.MaxValue
        ? (int)sum
        : throw new QuantizationException(
            QuantizationErrorCode.AccumulatorNotProved,
            string.Create(CultureInfo.InvariantCulture, $"{node.Kind} '{node.Name}': expected sums inside int32, found {sum}. Use fewer bits or split the layer."));
}
