using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>sum = Σ (x − input zero point), then the requantization tail of fl(float(sum) · fl(multiplier / n)).</summary>
internal readonly unsafe struct MeanByteOf(bool countPadding, int inputZeroPoint, float multiplier, int zeroPoint, int minimum, int maximum) : IPool<byte>
{
    public T Start<T>()
        where T : unmanaged, ILanes<T> => T.CreateInt(0);

    public T Step<T>(T state, byte* tap, bool first)
        where T : unmanaged, ILanes<T> => T.AddInt(state, T.LoadBytes(tap));

    public void Finish<T>(T state, int inside, int taps, byte* destination)
        where T : unmanaged, ILanes<T>
    {
        T sum = T.SubtractInt(state, T.CreateInt(inside * inputZeroPoint));
        T scaled = T.ToFloat(sum) * T.Create(multiplier / (countPadding ? taps : inside));
        T code = Lane.Requantize(scaled, T.Create(minimum - zeroPoint), T.Create(maximum - zeroPoint), T.CreateInt(zeroPoint));
        T.StoreBytes(destination, code);
    }
}
