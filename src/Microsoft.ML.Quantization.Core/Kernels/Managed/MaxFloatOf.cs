using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>best = first tap; then v &gt; best ? v : best; nothing gives −∞.</summary>
internal readonly unsafe struct MaxFloatOf : IPool<float>
{
    public T Start<T>()
        where T : unmanaged, ILanes<T> => T.Create(float.NegativeInfinity);

    public T Step<T>(T state, float* tap, bool first)
        where T : unmanaged, ILanes<T>
    {
        T value = T.Load(tap);
        return first ? value : T.Select(T.Less(state, value), value, state);
    }

    public void Finish<T>(T state, int inside, int taps, float* destination)
        where T : unmanaged, ILanes<T> => T.Store(destination, state);
}
