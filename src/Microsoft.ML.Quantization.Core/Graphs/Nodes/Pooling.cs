namespace Microsoft.ML.Quantization.Graphs.Nodes;

/// <summary>
/// Largest value of each window of x [N, C, spatial] (float or codes): best = first tap inside, then v &gt; best ? v : best in tap order.
/// A window of padding only gives −∞ or the lowest code of the code type (−2^(b−1) or 0).
/// </summary>
public sealed record MaxPool : Node
{
    /// <summary>The window.</summary>
    public required Window Window { get; init; }

    /// <summary>Rounds the output size up; a last window must still begin inside the image or the padding before it.</summary>
    public bool CeilMode { get; init; }

    /// <inheritdoc/>
    public override void Describe(NodeAttributes attributes)
    {
        Window.Describe(attributes);
        attributes.Set("ceil", CeilMode);
    }

    internal static MaxPool Read(NodeAttributes a) => new() { Window = Window.Read(a), CeilMode = a.Flag("ceil") };
}

/// <summary>
/// Mean of each window of x [N, C, spatial], float: the sum of the taps inside in tap order from +0, then fl(sum / n); n counts the taps inside
/// the image, or inside image and padding with <see cref="CountPadding"/> (a window that rounding up lets reach further has fewer).
/// </summary>
public sealed record AveragePool : Node
{
    /// <summary>The window.</summary>
    public required Window Window { get; init; }

    /// <summary>As in <see cref="MaxPool"/>.</summary>
    public bool CeilMode { get; init; }

    /// <summary>Whether taps in the padding count in n.</summary>
    public bool CountPadding { get; init; }

    /// <inheritdoc/>
    public override void Describe(NodeAttributes attributes)
    {
        Window.Describe(attributes);
        attributes.Set("ceil", CeilMode).Set("countPadding", CountPadding);
    }

    internal static AveragePool Read(NodeAttributes a) => new() { Window = Window.Read(a), CeilMode = a.Flag("ceil"), CountPadding = a.Flag("countPadding") };
}

/// <summary>
/// Mean over all spatial axes of x [N, C, spatial] → [N, C, 1, ..]: pixel i (row-major) into lane i mod 16 ascending from +0, tree 8-4-2-1, then fl(sum / pixels).
/// </summary>
public sealed record GlobalAveragePool : Node
{
    /// <inheritdoc/>
    public override void Describe(NodeAttributes attributes)
    {
        // No attributes.
    }
}
