namespace Microsoft.ML.Quantization.Packing;

/// <summary>Which layers of few bits run on bit planes, and which dense layers read weights that stay narrow in memory.</summary>
internal enum PlanePolicy
{
    /// <summary>Those that gain by it.</summary>
    Automatic = 0,

    /// <summary>Every layer that can; for tests and measurements.</summary>
    Always = 1,

    /// <summary>None; for tests and measurements.</summary>
    Never = 2,
}
