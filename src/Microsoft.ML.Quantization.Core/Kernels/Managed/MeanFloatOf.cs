using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>Sum in tap order from +0, then fl(sum / n), n being the taps inside or all taps.</summary>
internal readonly unsafe struct MeanFloatOf(bool countPadding) : IPool<float>
{
    private readonly bool _countPadding = countPadding;

    public T Start<T>()
        where T : unmanaged, ILanes<T> => T.Create(0);

    public T Step<T>(T state, float* tap, bool first)
        where T : unmanaged, ILanes<T> => state + T.Load(tap);

    public void Finish<T>(T state, int inside, int taps, float* destination)
        where T : unmanaged, ILanes<T> => T.Store(destination, state / T.Create(_countPadding ? taps : inside));
}
