using System;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>Which quantizers stand where while a network is trained; an immutable value, to be stored and swept.</summary>
public sealed record QuantizationAwareScheme
{
    /// <summary>On the weights of each layer that is no edge; null leaves them float.</summary>
    public QuantizationMethod? Weights { get; init; }

    /// <summary>On the input of each layer that is no edge; null leaves it float.</summary>
    public QuantizationMethod? Activations { get; init; }

    /// <summary>On the gradient of the output of each layer that is no edge, and of edges too where they have the same bits as the others; null leaves it as it is.</summary>
    public QuantizationMethod? Gradients { get; init; }

    /// <summary>First and last layer: 8-bit <see cref="Affine"/> weights and inputs, the same as the others, or float.</summary>
    public EdgeLayers EdgeLayers { get; init; } = EdgeLayers.EightBits;

    /// <summary>Bits of an <see cref="Affine"/> quantizer on the inputs of the network wherever a layer's input is quantized, 2 to 8; 0 treats them as every other input of a layer.</summary>
    public int InputBits { get; init; }

    /// <summary>Convolutions and dense layers treated as first and last ones are, for example shortcuts that binary networks keep at more bits: names, or regular expressions that must match the whole name.</summary>
    public ImmutableArray<string> TreatAsEdges { get; init; } = [];

    /// <summary>
    /// Whether convolutions of one tap that stride, or stand behind a pool, are treated as first and last layers are: the shortcuts of residual networks and the transitions of dense ones, which papers on signs leave real.
    /// </summary>
    public bool DownsamplingAsEdges { get; init; }

    /// <summary>Bits of the stream of residual additions, set behind training: 8, or 16 (symmetric); 0 leaves additions float; null is 16 when activations have 2 bits or fewer, otherwise 8.</summary>
    public int? StreamBits { get; init; }

    /// <summary>The stream's width with the default resolved; 0 for float.</summary>
    public int ResidualBits => StreamBits ?? (Activations is null ? 0 : Activations.Bits <= 2 ? 16 : 8);

    /// <summary>What convolutions read in padding where their inputs are signs. Other than zero, it is an explicit <c>Pad</c> node of the sign's level, in training and in the exported network.</summary>
    public SignPadding Padding { get; init; }

    /// <summary>Batch normalizations behind quantized layers without bias, folded into the weights while training; null leaves them behind their layers, to be folded into scales when exported.</summary>
    public NormalizationFolding? Folding { get; init; }

    /// <summary>
    /// Learned shifts (ReActNet, Liu et al., 2020): sgn(x − τ) for sgn(x) in front of layers whose activations are signs, and a shifted rectifier with a slope below 0 in place of each rectifier; numbers of
    /// the channel, put in by <see cref="Graphs.Passes.InsertShifts"/> where the network has none.
    /// </summary>
    public bool HasShifts { get; init; }

    /// <summary>
    /// Whether the sums s of layers over signs come as (s + n)/2, n the number of products of a sum (Bethge et al., 2018): from 0 to n, what counting equal bits gives. Put in by
    /// <see cref="Graphs.Passes.InsertOffsets"/> in front of batch normalizations, which take it out again but for a variance of a quarter beside ε. For weights without a scale alone: with one, s is no count, and n·α would have to be in its place.
    /// </summary>
    public bool HasOffsets { get; init; }

    /// <summary>
    /// XNOR-Net's scales of activations: each convolution over signs is multiplied by the mean size K of what each place sees; put in by <see cref="Graphs.Passes.InsertScaleMaps"/>. The authors' released code has none. A map is float
    /// arithmetic in the exported network too.
    /// </summary>
    public ScaleMaps ScaleMaps { get; init; }

    /// <summary>Convolutions and dense layers that stay float: names, or regular expressions that must match the whole name.</summary>
    public ImmutableArray<string> KeepFloat { get; init; } = [];

    /// <summary>The scheme of two methods at their widths by the names of <see cref="QuantizationMethods"/>; a name of "" or a width of 32 leaves that side of inner layers float; first and last layer have 8 bits unless <see cref="EdgeLayers"/> is changed.</summary>
    public static QuantizationAwareScheme Of(string weights, int weightBits, string activations, int activationBits) => new()
    {
        Weights = Method(weights, weightBits),
        Activations = Method(activations, activationBits),
    };

    /// <summary>Checks every part.</summary>
    /// <returns>This scheme.</returns>
    /// <exception cref="QuantizationException">InvalidOptions for nothing to quantize or a method in a place that is not its own; InvalidBitWidth.</exception>
    public QuantizationAwareScheme Validate()
    {
        (QuantizationMethod? Method, QuantizerSites Site)[] parts = [(Weights, QuantizerSites.Weights), (Activations, QuantizerSites.Activations), (Gradients, QuantizerSites.Gradients)];
        foreach ((QuantizationMethod? method, QuantizerSites site) in parts)
        {
            if (method is not null && (QuantizationMethods.Checked(method).Sites & site) == 0)
            {
                throw new QuantizationException(QuantizationErrorCode.InvalidOptions, $"{nameof(QuantizationAwareScheme)}.{site}: expected a method for {site}, found {method.Name} for {method.Sites}.");
            }
        }

        if (StreamBits is not (null or 0 or 8 or 16))
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidBitWidth, string.Create(CultureInfo.InvariantCulture, $"{nameof(StreamBits)}: expected 0, 8 or 16, found {StreamBits}."));
        }

        if (InputBits != 0)
        {
            QuantizationMethods.Checked(new Affine { Bits = InputBits });
        }

        if (Folding is { } folding && (Weights is not { ActsAfterStep: false } || folding.FreezeAt is not (>= 0 and <= 1)))
        {
            throw new QuantizationException(
                QuantizationErrorCode.InvalidOptions,
                string.Create(CultureInfo.InvariantCulture, $"{nameof(Folding)}: expected a method for weights that leaves latent weights to the optimizer, and {nameof(folding.FreezeAt)} in [0, 1], found {Weights?.Name ?? "none"} and {folding.FreezeAt}."));
        }

        CheckShifts();
        CheckOffsets();
        CheckMaps();
        return parts.Any(p => p.Method is not null)
            ? this
            : throw new QuantizationException(QuantizationErrorCode.InvalidOptions, $"{nameof(QuantizationAwareScheme)}: expected a method for weights, activations or gradients, found none.");
    }

    /// <inheritdoc/>
    public bool Equals(QuantizationAwareScheme? other) => other is not null && ToString() == other.ToString();

    /// <inheritdoc/>
    public override int GetHashCode() => StringComparer.Ordinal.GetHashCode(ToString());

    /// <summary>All parts in a fixed order and culture; equal texts are equal schemes.</summary>
    public override string ToString()
        => $"W={Text(Weights)} A={Text(Activations)} G={Text(Gradients)} edges={EdgeLayers} inputs={InputBits} stream={ResidualBits} treated=[{Text(TreatAsEdges)}] float=[{Text(KeepFloat)}]{(Padding == SignPadding.Zero ? string.Empty : $" padding={Padding}")}{(Folding is null ? string.Empty : string.Create(CultureInfo.InvariantCulture, $" folded until={Folding.FreezeAt:R}"))}{(HasShifts ? " shifted" : string.Empty)}{(DownsamplingAsEdges ? " downsampling=edges" : string.Empty)}{(HasOffsets ? " offset" : string.Empty)}{(ScaleMaps == ScaleMaps.None ? string.Empty : $" maps={ScaleMaps}")}";

    private void CheckShifts()
    {
        if (HasShifts && Activations is not SignMethod)
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidOptions, $"{nameof(HasShifts)}: expected a method of signs for activations, found {Activations?.Name ?? "none"}.");
        }
    }

    private void CheckOffsets()
    {
        if (HasOffsets && (Weights is not FewLevelMethod { IsUnscaled: true } || Activations is not SignMethod || Folding is not null))
        {
            throw new QuantizationException(
                QuantizationErrorCode.InvalidOptions,
                $"{nameof(HasOffsets)}: expected signs without a scale for weights, signs for activations and no {nameof(Folding)}, found {Text(Weights)}, {Text(Activations)} and {(Folding is null ? "none" : "one")}. Leave the offset out where weights have a scale.");
        }
    }

    private void CheckMaps()
    {
        if (!Enum.IsDefined(ScaleMaps) || (ScaleMaps != ScaleMaps.None && (Activations is not SignMethod || HasOffsets)))
        {
            throw new QuantizationException(
                QuantizationErrorCode.InvalidOptions,
                $"{nameof(ScaleMaps)}: expected a known kind, a method of signs for activations and no {nameof(HasOffsets)}, found {ScaleMaps}, {Text(Activations)} and {(HasOffsets ? "offsets" : "none")}.");
        }
    }

    private static string Text(ImmutableArray<string> patterns) => string.Join(",", patterns.Select(k => "'" + k.Replace("'", "''", StringComparison.Ordinal) + "'"));

    private static string Text(QuantizationMethod? method) => method is null
        ? "float"
        : $"{method.Name}({string.Join(",", method.Settings.Select(s => s.ToString("R", CultureInfo.InvariantCulture)))})";

    private static QuantizationMethod? Method(string name, int bits)
        => string.IsNullOrEmpty(name) || bits == 32 ? null : QuantizationMethods.Checked(QuantizationMethods.Find(name).Default(bits));
}
