using System;
using System.Collections.Immutable;
using System.Linq;

namespace Microsoft.ML.Quantization.Networks;

/// <summary>What Group-Net (Zhuang et al., 2019) has several times: blocks of a residual network, each branch with weights and batch normalization of its own.</summary>
public sealed record GroupForm
{
    /// <summary>K, from 1.</summary>
    public int Branches { get; init; } = 5;

    /// <summary>Whether branches stay partly apart from group to group; groups that begin in the first stage have no gates.</summary>
    public bool HasGates { get; init; } = true;

    /// <summary>Consecutive residual blocks of a group, a divisor of their number; a group may reach over the end of a stage.</summary>
    public int Blocks { get; init; } = 1;

    /// <summary>
    /// Dilations of the 3×3 convolutions, one a branch, for each stage; an empty list leaves a stage as it is, none at all leaves all. A stage of dilated branches keeps the size of its input: binary parallel atrous
    /// convolution, for which the authors have 2 to 6 and 6 to 10 in the last two stages.
    /// Shortcuts of such a stage do not make it smaller: a scheme that has <c>DownsamplingAsEdges</c> sees in them layers like others unless its <c>TreatAsEdges</c> names them (<see cref="BinaryNetworks.RealLayers"/>).
    /// </summary>
    public ImmutableArray<ImmutableArray<int>> Dilations { get; init; } = [];

    /// <summary>The dilation of a branch in a stage; 0 for none.</summary>
    internal int DilationOf(int stage, int branch) => Dilations.IsEmpty || Dilations[stage].IsEmpty ? 0 : Dilations[stage][branch];

    /// <summary>Refuses a form that a network of so many stages and blocks a stage cannot have.</summary>
    internal void Check(int stages, int blocks)
    {
        Require(Blocks > 0 && stages * blocks % Blocks == 0, nameof(Blocks), FormattableString.Invariant($"a divisor of the network's {stages * blocks} residual blocks"), FormattableString.Invariant($"{Blocks}"));
        Require(
            !Dilations.IsDefault && (Dilations.IsEmpty || Dilations.Length == stages) && Dilations.All(d => !d.IsDefault && (d.IsEmpty || (d.Length == Branches && d.All(r => r > 0)))),
            nameof(Dilations),
            FormattableString.Invariant($"none, or for each of {stages} stages none or {Branches} numbers from 1, one a branch"),
            Dilations.IsDefault ? "default" : string.Join("; ", Dilations.Select(d => d.IsDefault ? "default" : FormattableString.Invariant($"[{string.Join(", ", d)}]"))));
    }

    private static void Require(bool isGood, string name, string expected, string found)
    {
        if (!isGood)
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidOptions, $"{nameof(GroupForm)}.{name}: expected {expected}, found {found}.");
        }
    }
}
