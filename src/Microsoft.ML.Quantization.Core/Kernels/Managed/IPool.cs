using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>What a pooling does with the taps of a window.</summary>
internal unsafe interface IPool<TValue>
    where TValue : unmanaged
{
    /// <summary>The state before the first tap.</summary>
    public T Start<T>()
        where T : unmanaged, ILanes<T>;

    /// <summary>Takes one tap in.</summary>
    public T Step<T>(T state, TValue* tap, bool first)
        where T : unmanaged, ILanes<T>;

    /// <summary>Writes the result of a window with <paramref name="inside"/> of <paramref name="taps"/> taps inside the image.</summary>
    public void Finish<T>(T state, int inside, int taps, TValue* destination)
        where T : unmanaged, ILanes<T>;
}
