using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>One row of <see cref="QuantizationMethods"/>.</summary>
/// <param name="Name">The method's name.</param>
/// <param name="Source">The paper.</param>
/// <param name="Bits">Widths it is defined for.</param>
/// <param name="Exactness">How near the engine comes to it, in its default form.</param>
/// <param name="Default">Its default form at a width.</param>
/// <param name="Create">From the numbers of <see cref="QuantizationMethod.Settings"/>.</param>
/// <param name="TakesMore">Whether more numbers may follow those of the default form: a list at their end, or options that files may leave out.</param>
/// <param name="Fewest">Fewest numbers that are taken where files of earlier versions hold fewer than the default form has; 0 for those of the default form.</param>
public sealed record MethodEntry(
    string Name,
    string Source,
    ImmutableArray<int> Bits,
    Exactness Exactness,
    Func<int, QuantizationMethod> Default,
    Func<ImmutableArray<float>, QuantizationMethod> Create,
    bool TakesMore = false,
    int Fewest = 0)
{
    /// <summary>Where the method can stand.</summary>
    public QuantizerSites Sites => Default(Bits[0]).Sites;
}

/// <summary>The one list of quantizers for training: estimators, trainers, files, tests, benchmarks and documentation read it.</summary>
public static class QuantizationMethods
{
    private static readonly ImmutableArray<int> _twoToEight = [2, 3, 4, 5, 6, 7, 8];
    private static readonly ImmutableArray<int> _oneToEight = [1, .. _twoToEight];
    private static readonly ImmutableArray<int> _oneToSeven = [1, 2, 3, 4, 5, 6, 7];

    /// <summary>All methods.</summary>
    public static ImmutableArray<MethodEntry> All { get; } =
    [
        new("Affine", "Jacob et al., 2018", _twoToEight, Exactness.T2, b => new Affine { Bits = b }, Affine.From),
        new("DoReFa-A", "Zhou et al., 2016", _oneToEight, Exactness.T0, b => new DoReFaActivations { Bits = b }, s => new DoReFaActivations { Bits = (int)s[0] }),
        new("DoReFa-W", "Zhou et al., 2016", _oneToSeven, Exactness.T0, b => new DoReFaWeights { Bits = b }, s => new DoReFaWeights { Bits = (int)s[0], MaximumIsConstant = s[1] != 0 }),
        new("INQ", "Zhou et al., 2017", [2, 3, 4, 5], Exactness.SoftT0, b => new Inq { Bits = b }, Inq.From, TakesMore: true),
        new("LSQ", "Esser et al., 2020", _twoToEight, Exactness.T0, b => new Lsq { Bits = b }, Lsq.From, TakesMore: true),
        .. FewLevelMethods.All,
        .. MultiBitMethods.All,
        new("RQ", "Louizos et al., 2019", _twoToEight, Exactness.SoftT0, b => RelaxedQuantization.Of(b, false), s => RelaxedQuantization.From(s, false)),
        new("RQ-ST", "Louizos et al., 2019", _twoToEight, Exactness.SoftT0, b => RelaxedQuantization.Of(b, true), s => RelaxedQuantization.From(s, true)),
        new("WAGE-A", "Wu et al., 2018", _twoToEight, Exactness.T0, b => new WageActivations { Bits = b }, s => new WageActivations { Bits = (int)s[0], Signed = s[1] != 0 }),
        new("WAGE-E", "Wu et al., 2018", _twoToEight, Exactness.SoftT0, b => new WageErrors { Bits = b }, s => new WageErrors { Bits = (int)s[0] }),
        new("WAGE-W", "Wu et al., 2018", _twoToEight, Exactness.T0, b => new WageWeights { Bits = b }, s => new WageWeights { Bits = (int)s[0], UpdateBits = (int)s[1], UpdateRate = s[2] }),
    ];

    private static readonly Dictionary<string, MethodEntry> _byName = All.ToDictionary(m => m.Name, StringComparer.Ordinal);

    /// <summary>The method of a name.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InvalidOptions"/>: no such method; the message lists them.</exception>
    public static MethodEntry Find(string name) => _byName.TryGetValue(name, out MethodEntry? found)
        ? found
        : throw new QuantizationException(QuantizationErrorCode.InvalidOptions, $"Method: expected one of {string.Join(", ", All.Select(m => m.Name))}, found '{name}'.");

    /// <summary>Makes a method from its name and numbers.</summary>
    /// <exception cref="QuantizationException">InvalidOptions for an unknown name or another count of numbers; the method's own errors.</exception>
    public static QuantizationMethod Create(string name, ImmutableArray<float> settings)
    {
        MethodEntry entry = Find(name);
        int expected = entry.Default(entry.Bits[0]).Settings.Length;
        int fewest = entry.Fewest > 0 ? entry.Fewest : expected;
        if (settings.Length < fewest || (settings.Length > expected && !entry.TakesMore))
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidOptions, $"Method '{name}': expected {expected} numbers, found {settings.Length}.");
        }

        return Checked(entry.Create(settings));
    }

    /// <summary>Refuses a width or options that the method is not defined for.</summary>
    /// <returns>The method.</returns>
    /// <exception cref="QuantizationException">InvalidBitWidth, or the method's own errors.</exception>
    public static QuantizationMethod Checked(QuantizationMethod method)
    {
        ArgumentNullException.ThrowIfNull(method);
        MethodEntry entry = Find(method.Name);
        if (!entry.Bits.Contains(method.Bits))
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidBitWidth, $"Method '{method.Name}': expected {string.Join(", ", entry.Bits)} bits, found {method.Bits}.");
        }

        method.Check();
        return method;
    }
}
