using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;

namespace Microsoft.ML.Quantization.Quantizers;

/// <summary>
/// How a network is quantized: an immutable record of independent parts. Bits name the operands of convolutions and dense layers;
/// additions, pools and concatenations run on the stream.
/// </summary>
public sealed record QuantizationScheme
{
    /// <summary>Bits of a weight, 2 to 8; with a <see cref="WeightCodebook"/> 1 to 8.</summary>
    public int WeightBits { get; init; } = 8;

    /// <summary>Bits of an input of a convolution or dense layer, 2 to 8.</summary>
    public int ActivationBits { get; init; } = 8;

    /// <summary>Which weights share a scale. <see cref="Granularity.PerAxis"/> is per output channel. With <see cref="Granularity.PerGroup"/> a dense layer quantizes each row of its input to 8 bits when it runs, whatever <see cref="ActivationBits"/> says, and needs no calibration; a convolution only stores its weights as codes, its arithmetic stays float.</summary>
    public Granularity WeightGranularity { get; init; } = Granularity.PerAxis;

    /// <summary>Run length of <see cref="Granularity.PerGroup"/> along the input channels; otherwise 0. <see cref="LayerOverride.GroupSize"/> names another one for some layers.</summary>
    public int WeightGroupSize { get; init; }

    /// <summary>
    /// Bits of a scale of <see cref="Granularity.PerGroup"/>: 16 rounds each fitted scale to half precision before codes are chosen, unless it lies outside of what halves hold
    /// in full, 2^−14 to 65504; 32 keeps all as floats. Layers read 4.5 bits a weight instead of 5 for 4 bits in groups of 32.
    /// </summary>
    public int GroupScaleBits { get; init; } = 16;

    /// <summary>Whether dense layers of <see cref="Granularity.PerGroup"/> take their inputs as floats and only store weights in few bits, decoded as they are read; otherwise they quantize each row to 8 bits.</summary>
    public bool FloatInputs { get; init; }

    /// <summary>Weights as codes of a codebook instead of a uniform grid; null for the grid. Then <see cref="WeightBits"/> may be 1 to 8, and <see cref="WeightRange"/> is not used.</summary>
    public WeightCodebook? WeightCodebook { get; init; }

    /// <summary>Weights of 2 bits as sums of ternary terms in blocks of input channels; null for a grid. Then <see cref="WeightBits"/> is 2, and <see cref="WeightRange"/> and <see cref="LeastSquaresRefit"/> concern layers of other widths only.</summary>
    public TernaryTerms? TernaryTerms { get; init; }

    /// <summary>How the range of weights is found.</summary>
    public RangeSource WeightRange { get; init; } = RangeSource.Automatic;

    /// <summary>How the range of activations is found.</summary>
    public RangeSource ActivationRange { get; init; } = RangeSource.Automatic;

    /// <summary>Whether activation codes are signed.</summary>
    public bool SignedActivations { get; init; }

    /// <summary>Whether the zero point of activations is the middle of the code range.</summary>
    public bool SymmetricActivations { get; init; }

    /// <summary>First and last layers.</summary>
    public EdgeLayers EdgeLayers { get; init; } = EdgeLayers.EightBits;

    /// <summary>Bits of the stream between layers: 8, or 16 (signed, symmetric) for the operands of residual additions; null is 16 when activations have 2 bits, otherwise 8.</summary>
    public int? StreamBits { get; init; }

    /// <summary>Layers that stay float: names, or regular expressions that must match the whole name.</summary>
    public ImmutableArray<string> KeepFloat { get; init; } = [];

    /// <summary>Other widths for some layers; the first match counts.</summary>
    public ImmutableArray<LayerOverride> Overrides { get; init; } = [];

    /// <summary>Whether the mean error that quantized weights cause is taken out of the biases.</summary>
    public bool BiasCorrection { get; init; } = true;

    /// <summary>Whether scales of weights of up to 4 bits are refitted by least squares.</summary>
    public bool LeastSquaresRefit { get; init; } = true;

    /// <summary>Seed of all random choices.</summary>
    public ulong Seed { get; init; }

    /// <summary>8-bit weights and activations.</summary>
    public static QuantizationScheme EightBits { get; } = new();

    /// <summary>4-bit weights and activations, edges of 8 bits.</summary>
    public static QuantizationScheme FourBits { get; } = new() { WeightBits = 4, ActivationBits = 4 };

    /// <summary>
    /// Weights of 7 bits, activations of 8: products of unsigned and signed bytes cannot saturate 16 bits, which is the fastest form on processors
    /// without VNNI instructions. Never chosen silently.
    /// </summary>
    public static QuantizationScheme SevenBitWeights { get; } = new() { WeightBits = 7 };

    /// <summary>Weights of 4 bits that look up one codebook of 16 signed bytes a layer, activations of 8 bits, edges of 8 bits; all on integers.</summary>
    public static QuantizationScheme FourBitCodebook { get; } = new() { WeightBits = 4, WeightCodebook = new WeightCodebook() };

    /// <summary>Weights as sums of ternary terms, on average two a block of 64 input channels and more where they help most; activations of 8 bits, edges of 8 bits.</summary>
    public static QuantizationScheme TernaryResidual { get; } = new() { WeightBits = 2, TernaryTerms = new TernaryTerms() };

    /// <summary>The stream's width with the default resolved.</summary>
    public int ResidualBits => StreamBits ?? (ActivationBits <= 2 ? 16 : 8);

    /// <summary>Checks every part and every pair of parts.</summary>
    /// <returns>This scheme.</returns>
    /// <exception cref="QuantizationException">
    /// <see cref="QuantizationErrorCode.InvalidBitWidth"/> for a width outside the legal set, <see cref="QuantizationErrorCode.InvalidOptions"/> for parts that contradict each other.
    /// </exception>
    public QuantizationScheme Validate()
    {
        int least = WeightCodebook is null ? 2 : 1;
        CheckBits(nameof(WeightBits), WeightBits, least);
        CheckBits(nameof(ActivationBits), ActivationBits);
        foreach (LayerOverride item in Overrides)
        {
            CheckBits($"{nameof(Overrides)} '{item.Pattern}' {nameof(WeightBits)}", item.WeightBits, least);
            CheckBits($"{nameof(Overrides)} '{item.Pattern}' {nameof(ActivationBits)}", item.ActivationBits);
        }

        if (StreamBits is not (null or 8 or 16))
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidBitWidth, string.Create(CultureInfo.InvariantCulture, $"{nameof(StreamBits)}: expected 8 or 16, found {StreamBits}."));
        }

        CheckParts();
        return this;
    }

    /// <inheritdoc/>
    public bool Equals(QuantizationScheme? other) => other is not null && ToString() == other.ToString();

    /// <inheritdoc/>
    public override int GetHashCode() => StringComparer.Ordinal.GetHashCode(ToString());

    /// <summary>All parts in a fixed order and culture; equal texts are equal schemes.</summary>
    public override string ToString()
    {
        IEnumerable<string> overrides = Overrides.Select(o => string.Create(CultureInfo.InvariantCulture, $"{Quote(o.Pattern)}:W{o.WeightBits}A{o.ActivationBits}{(o.GroupSize == 0 ? string.Empty : string.Create(CultureInfo.InvariantCulture, $"G{o.GroupSize}"))}"));
        return string.Create(CultureInfo.InvariantCulture, $"W{WeightBits}A{ActivationBits} weights={WeightGranularity}/{WeightGroupSize}{GroupText} {WeightRange}")
            + $" activations={(SignedActivations ? "signed" : "unsigned")} {(SymmetricActivations ? "symmetric" : "asymmetric")} {ActivationRange}"
            + string.Create(CultureInfo.InvariantCulture, $" stream={ResidualBits} edges={EdgeLayers} float=[{string.Join(",", KeepFloat.Select(Quote))}] overrides=[{string.Join(",", overrides)}]")
            + string.Create(CultureInfo.InvariantCulture, $" biasCorrection={BiasCorrection} refit={LeastSquaresRefit} seed={Seed}")
            + (WeightCodebook is null ? string.Empty : $" codebook={WeightCodebook}")
            + (TernaryTerms is null ? string.Empty : $" terms={TernaryTerms}");
    }

    private string GroupText => WeightGranularity == Granularity.PerGroup ? string.Create(CultureInfo.InvariantCulture, $" scales={GroupScaleBits}{(FloatInputs ? " inputs=float" : string.Empty)}") : string.Empty;

    private static string Quote(string text) => "'" + text.Replace("'", "''", StringComparison.Ordinal) + "'";

    private static void CheckBits(string name, int bits, int least = 2)
    {
        if (bits < least || bits > 8)
        {
            throw new QuantizationException(
                QuantizationErrorCode.InvalidBitWidth,
                string.Create(CultureInfo.InvariantCulture, $"{name}: expected {(least == 1 ? "1, " : string.Empty)}2, 3, 4, 5, 6, 7 or 8 bits, found {bits}."));
        }
    }

    private static void Require(bool condition, string name, string expected, object found)
    {
        if (!condition)
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidOptions, string.Create(CultureInfo.InvariantCulture, $"{name}: expected {expected}, found {found}."));
        }
    }

    private void CheckGroups(bool grouped)
    {
        Require(grouped ? WeightGroupSize > 0 : WeightGroupSize == 0, nameof(WeightGroupSize), grouped ? "a size from 1 for groups" : "0 unless weights are grouped", WeightGroupSize);
        foreach (LayerOverride item in Overrides)
        {
            bool fits = item.GroupSize == 0 || (grouped && item.GroupSize > 0);
            Require(fits, $"{nameof(Overrides)} '{item.Pattern}' {nameof(LayerOverride.GroupSize)}", grouped ? "0, or a size from 1" : "0 unless weights are grouped", item.GroupSize);
        }

        Require(grouped || !FloatInputs, nameof(FloatInputs), "false unless weights are grouped", FloatInputs);
        Require(GroupScaleBits is 16 or 32, nameof(GroupScaleBits), "16 or 32", GroupScaleBits);
    }

    private void CheckTerms()
    {
        if (TernaryTerms is not { } terms)
        {
            return;
        }

        Require(terms.Fault() is null, nameof(TernaryTerms), terms.Fault() ?? string.Empty, terms);
        Require(WeightCodebook is null, nameof(TernaryTerms), "no codebook beside ternary terms", WeightCodebook!);
        Require(WeightBits == 2, nameof(WeightBits), "2, the bits of a ternary term", WeightBits);
        Require(WeightGranularity == Granularity.PerAxis, nameof(WeightGranularity), "PerAxis: terms have scales for the blocks of each output channel", WeightGranularity);
    }

    private void CheckParts()
    {
        WeightRange.Check(nameof(WeightRange));
        ActivationRange.Check(nameof(ActivationRange));
        bool forWeights = WeightRange.Method is RangeMethod.Automatic or RangeMethod.MinMax or RangeMethod.Percentile or RangeMethod.MeanSquaredError;
        Require(forWeights, nameof(WeightRange), "Automatic, MinMax, Percentile or MeanSquaredError", WeightRange.Method);
        Require(Enum.IsDefined(WeightGranularity), nameof(WeightGranularity), "a granularity", WeightGranularity);
        Require(Enum.IsDefined(EdgeLayers), nameof(EdgeLayers), "an edge rule", EdgeLayers);
        bool grouped = WeightGranularity == Granularity.PerGroup;
        CheckGroups(grouped);
        if (WeightCodebook is { } book)
        {
            Require(book.Fault() is null, nameof(WeightCodebook), book.Fault() ?? string.Empty, book);
            Require(!grouped, nameof(WeightCodebook), "weights with a scale for the tensor or each channel", WeightGranularity);
            Require(WeightRange.Method == RangeMethod.Automatic, nameof(WeightRange), "Automatic for a codebook, which has no range", WeightRange.Method);
        }

        CheckTerms();
        foreach (string pattern in KeepFloat.Concat(Overrides.Select(o => o.Pattern)))
        {
            Require(!string.IsNullOrWhiteSpace(pattern), nameof(KeepFloat), "layer names or patterns that are not empty", $"'{pattern}'");
        }
    }
}
