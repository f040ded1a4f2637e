using System;
using Microsoft.ML.Quantization.Kernels.Costs;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Operators;

namespace Microsoft.ML.Quantization.Packing.Steps;

/// <summary>Batch normalization of channels-last floats: y = fma(x, factor, offset), one pair a channel.</summary>
internal sealed class NormalizeStep : PixelStep
{
    private readonly float[] _factors;
    private readonly float[] _offsets;
    private readonly int _source;
    private readonly int _destination;

    public NormalizeStep(BindContext context, int pixels, (float[] Factors, float[] Offsets) numbers, int source, int destination)
        : base(context, pixels, numbers.Factors.Length)
    {
        (_factors, _offsets, _source, _destination) = (numbers.Factors, numbers.Offsets, source, destination);
        Work = KernelWork.Flat(KernelOperation.AddFloat, 8, (long)pixels * Channels);
    }

    /// <inheritdoc/>
    protected override void Run(RunBuffers buffers, int pixel, int count)
    {
        ReadOnlySpan<float> x = Values<float>(buffers, _source, pixel, count);
        Span<float> y = Values<float>(buffers, _destination, pixel, count);
        for (int begin = 0; begin < y.Length; begin += Channels)
        {
            FloatLoops.Map(default(Line), x.Slice(begin, Channels), _factors, _offsets, y.Slice(begin, Channels));
        }
    }

    private readonly struct Line : ITernaryFunction
    {
        public T Of<T>(T a, T b, T c)
            where T : unmanaged, ILanes<T> => T.Fma(a, b, c);
    }
}
