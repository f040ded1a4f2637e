using System;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>A named pair of methods, as a paper or common practice puts them together.</summary>
/// <param name="Name">The recipe's name.</param>
/// <param name="Weights">The weights' method.</param>
/// <param name="Activations">The activations' method.</param>
/// <param name="Source">The paper.</param>
public sealed record TrainingRecipe(string Name, string Weights, string Activations, string Source)
{
    private static readonly (int Weights, int Activations)[] _usual = [(4, 4), (1, 1), (2, 8), (1, 8), (1, 2), (2, 2), (2, 32), (1, 32)];

    /// <summary>What the scheme has beside the default forms of both methods; null for nothing.</summary>
    internal Func<QuantizationAwareScheme, QuantizationAwareScheme>? Form { get; init; }

    /// <summary>Widths of weights and activations that the recipe has where none are asked for; 32 is float.</summary>
    public (int Weights, int Activations) UsualBits
    {
        get => field == default ? _usual.First(u => Covers(u.Weights, u.Activations)) : field;
        internal init;
    }

    /// <summary>How near the engine comes to a network of both methods.</summary>
    public Exactness Exactness => QuantizationMethods.Find(Weights).Exactness.And(QuantizationMethods.Find(Activations).Exactness);

    /// <summary>The scheme at given widths; 32 bits leave a side of inner layers float (first and last: <see cref="QuantizationAwareScheme.EdgeLayers"/>).</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InvalidBitWidth"/>.</exception>
    public QuantizationAwareScheme Scheme(int weightBits, int activationBits)
    {
        var scheme = QuantizationAwareScheme.Of(Weights, weightBits, Activations, activationBits);
        return (Form?.Invoke(scheme) ?? scheme).Validate();
    }

    /// <summary>Whether both methods are defined at these widths.</summary>
    public bool Covers(int weightBits, int activationBits) => Covers(Weights, weightBits) && Covers(Activations, activationBits);

    private static bool Covers(string method, int bits) => bits == 32 || QuantizationMethods.Find(method).Bits.Contains(bits);
}

/// <summary>The one list of recipes: trainers, tables and documentation read it.</summary>
public static class TrainingRecipes
{
    /// <summary>All recipes.</summary>
    public static ImmutableArray<TrainingRecipe> All { get; } =
    [
        new("Affine", "Affine", "Affine", "Jacob et al., 2018") { Form = static s => s.Weights is null ? s : s with { Folding = new NormalizationFolding() } },
        new("DoReFa", "DoReFa-W", "DoReFa-A", "Zhou et al., 2016"),

        // Where the largest power is the only one, the paper's leaves too few weights apart from 0.
        new("INQ", "INQ", "LSQ", "Zhou et al., 2017") { Form = static s => s.Weights is Inq inq ? s with { Weights = inq with { PerChannel = true, LeastError = inq.Bits == 2 } } : s },
        .. FewLevelMethods.Recipes,
        .. MultiBitMethods.Recipes,
        new("LSQ", "LSQ", "LSQ", "Esser et al., 2020"),
        new("RQ", "RQ", "RQ", "Louizos et al., 2019"),
        new("RQ-ST", "RQ-ST", "RQ-ST", "Louizos et al., 2019"),
        new("WAGE", "WAGE-W", "WAGE-A", "Wu et al., 2018") { UsualBits = (2, 8), Form = static s => s with { Gradients = new WageErrors { Bits = 8 }, EdgeLayers = EdgeLayers.SameBits, InputBits = 8 } },
    ];

    /// <summary>The recipe of a name.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InvalidOptions"/>: no such recipe; the message lists them.</exception>
    public static TrainingRecipe Find(string name) => All.FirstOrDefault(r => string.Equals(r.Name, name, StringComparison.Ordinal))
        ?? throw new QuantizationException(QuantizationErrorCode.InvalidOptions, $"Recipe: expected one of {string.Join(", ", All.Select(r => r.Name))}, found '{name}'.");
}
