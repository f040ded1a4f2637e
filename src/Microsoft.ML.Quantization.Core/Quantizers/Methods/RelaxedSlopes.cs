using System;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>Slopes of relaxed samples x̂, one of each kind an element; all empty where nobody needs them.</summary>
internal readonly ref struct RelaxedSlopes
{
    /// <summary>Kinds of slopes.</summary>
    public const int Kinds = 3;

    /// <summary>Three parts of equal length of what a tensor keeps, and the elements of a share in each.</summary>
    /// <param name="all">Slopes of a whole tensor, kind after kind.</param>
    /// <param name="begin">First element of the share.</param>
    /// <param name="length">Elements of the share.</param>
    public RelaxedSlopes(Span<float> all, int begin, int length)
    {
        int each = all.Length / Kinds;
        Dx = all.Slice(begin, length);
        Step = all.Slice(each + begin, length);
        Noise = all.Slice((2 * each) + begin, length);
    }

    /// <summary>∂x̂/∂x.</summary>
    public Span<float> Dx { get; }

    /// <summary>∂x̂/∂log α with σ/α held.</summary>
    public Span<float> Step { get; }

    /// <summary>∂x̂/∂log σ.</summary>
    public Span<float> Noise { get; }
}
