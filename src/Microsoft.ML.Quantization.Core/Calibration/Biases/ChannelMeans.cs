using System;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Calibration.Biases;

/// <summary>
/// Means and mean magnitudes of the channels of a value. Each element is rounded to a multiple of 2^−48 and summed in 128-bit integers, so neither order nor
/// batches nor shards change a bit. Elements that are not finite, or from 2^39 on, are not summed but noted.
/// </summary>
internal sealed class ChannelMeans
{
    private const int FractionBits = 48;
    private const double Quantum = 1L << FractionBits;
    private const float FastLimit = 1 << 14;
    private const float Limit = 1L << 39;

    private readonly Int128[] _sums;
    private readonly Int128[] _magnitudes;
    private long _count;

    public ChannelMeans(int channels)
    {
        _sums = new Int128[channels];
        _magnitudes = new Int128[channels];
    }

    public int Channels => _sums.Length;

    /// <summary>Whether every element was finite and of a size that can be summed.</summary>
    public bool IsUsable { get; private set; } = true;

    /// <summary>Takes in a tensor; the other axes are averaged over.</summary>
    public void Add(Tensor tensor, int axis)
    {
        int channelAxis = tensor.Shape.Axis(axis);
        int inner = tensor.Shape.CountOf(channelAxis + 1, tensor.Shape.Rank);
        ReadOnlySpan<float> values = tensor.Values<float>();
        for (int start = 0, channel = 0; start < values.Length; start += inner, channel = (channel + 1) % Channels)
        {
            Add(values.Slice(start, inner), channel);
        }

        _count += values.Length / Channels;
    }

    /// <summary>Takes in what another saw.</summary>
    public void MergeFrom(ChannelMeans other)
    {
        for (int c = 0; c < Channels; c++)
        {
            _sums[c] += other._sums[c];
            _magnitudes[c] += other._magnitudes[c];
        }

        _count += other._count;
        IsUsable &= other.IsUsable;
    }

    public double Mean(int channel) => _count == 0 ? 0 : (double)_sums[channel] / Quantum / _count;

    public double MeanMagnitude(int channel) => _count == 0 ? 0 : (double)_magnitudes[channel] / Quantum / _count;

    private void Add(ReadOnlySpan<float> run, int channel)
    {
        Int128 sum = 0;
        Int128 magnitude = 0;
        foreach (float x in run)
        {
            float size = MathF.Abs(x);
            if (size < FastLimit)
            {
                long steps = (long)Rounding.HalfToEven(x * Quantum);
                sum += steps;
                magnitude += Math.Abs(steps);
            }
            else if (size < Limit)
            {
                // From 2^14 on a float is a multiple of 2^−48, so the conversion is exact.
                var steps = (Int128)(x * Quantum);
                sum += steps;
                magnitude += Int128.Abs(steps);
            }
            else
            {
                IsUsable = false;
            }
        }

        _sums[channel] += sum;
        _magnitudes[channel] += magnitude;
    }
}
