using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>Largest code; nothing gives 0.</summary>
internal readonly unsafe struct MaxByteOf : IPool<byte>
{
    public T Start<T>()
        where T : unmanaged, ILanes<T> => T.CreateInt(0);

    public T Step<T>(T state, byte* tap, bool first)
        where T : unmanaged, ILanes<T>
    {
        T value = T.LoadBytes(tap);
        return T.Select(T.GreaterInt(value, state), value, state);
    }

    public void Finish<T>(T state, int inside, int taps, byte* destination)
        where T : unmanaged, ILanes<T> => T.StoreBytes(destination, state);
}
