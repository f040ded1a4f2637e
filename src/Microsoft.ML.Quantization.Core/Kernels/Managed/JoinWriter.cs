using Microsoft.ML.Quantization.Kernels.Native;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>A <see cref="JoinEpilogue"/> for some channels of one pixel.</summary>
internal readonly unsafe ref struct JoinWriter
{
    /// <summary>Thresholds of a channel.</summary>
    public const int MostThresholds = 3;

    private readonly NativeJoin* _join;
    private readonly AccumulatorOutput _output;
    private readonly long _index;
    private readonly uint* _above;

    /// <param name="join">The numbers.</param>
    /// <param name="output">Type of the codes.</param>
    /// <param name="index">Place of the first channel's code.</param>
    /// <param name="above">Room for <see cref="MostThresholds"/> words.</param>
    public JoinWriter(NativeJoin* join, AccumulatorOutput output, long index, uint* above)
    {
        _join = join;
        _output = output;
        _index = index;
        _above = above;
        for (int n = 0; n < MostThresholds; n++)
        {
            above[n] = 0;
        }
    }

    private int Stride => PlaneLayout.Words(_join->Channels) * PlaneLayout.WordBits;

    /// <summary>Takes codes less their zero point; <paramref name="lane"/> channels behind the first one, <paramref name="channel"/>.</summary>
    public void Write<TLanes>(TLanes own, int channel, int lane)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        TLanes zero = TLanes.CreateInt(_join->ZeroPoint);
        TLanes sum = _join->Other == null ? TLanes.AddInt(own, zero) : Add(own, _index + lane, zero);
        if (_output == AccumulatorOutput.UInt8)
        {
            TLanes.StoreBytes(_join->Stream + _index + lane, sum);
        }
        else
        {
            TLanes.StoreShorts((short*)_join->Stream + _index + lane, sum);
        }

        if (_join->Bytes != null)
        {
            TLanes real = (TLanes.ToFloat(TLanes.SubtractInt(sum, zero)) * TLanes.Create(_join->ByteMultiplier)) + TLanes.Create(_join->ByteOffset);
            TLanes.StoreBytes(_join->Bytes + _index + lane, Tail(real, _join->ByteZeroPoint, _join->ByteMinimum, _join->ByteMaximum));
        }

        for (int n = 0; n < _join->ThresholdCount; n++)
        {
            _above[n] |= TLanes.SignBits(TLanes.GreaterInt(TLanes.Load((float*)_join->Table + ((long)n * Stride) + channel + lane), sum)) << lane;
        }
    }

    /// <summary>Writes the bits of <paramref name="count"/> channels, a multiple of 8 except at the last channel of all, which ends its word.</summary>
    public void WritePlanes(int channel, int count)
    {
        if (_join->ThresholdCount == 0)
        {
            return;
        }

        uint rising = _join->Rising[channel / PlaneLayout.WordBits] >> (channel % PlaneLayout.WordBits);
        uint mask = count >= PlaneLayout.WordBits ? uint.MaxValue : (1u << count) - 1;
        int bytes = (channel + count == _join->Channels ? Stride - channel : count) / 8;
        int words = PlaneLayout.Words(_join->Channels);
        byte* target = _join->Planes + ((_index - channel) / _join->Channels * _join->PlaneBits * words * sizeof(uint)) + (channel / 8);
        uint a = (_above[0] ^ rising) & mask;
        uint b = _join->ThresholdCount > 1 ? (_above[1] ^ rising) & mask : 0;
        uint c = _join->ThresholdCount > 2 ? (_above[2] ^ rising) & mask : 0;
        Store(target, a ^ b ^ c, bytes);
        if (_join->PlaneBits > 1)
        {
            Store(target + (words * sizeof(uint)), (a & b) | (a & c) | (b & c), bytes);
        }
    }

    private static void Store(byte* target, uint word, int bytes)
    {
        for (int i = 0; i < bytes; i++, word >>= 8)
        {
            target[i] = (byte)word;
        }
    }

    private static TLanes Tail<TLanes>(TLanes real, int zeroPoint, int minimum, int maximum)
        where TLanes : unmanaged, ILanes<TLanes>
        => Lane.Requantize(real, TLanes.Create(minimum - zeroPoint), TLanes.Create(maximum - zeroPoint), TLanes.CreateInt(zeroPoint));

    private TLanes Add<TLanes>(TLanes own, long index, TLanes zero)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        TLanes codes = _output == AccumulatorOutput.UInt8 ? TLanes.LoadBytes(_join->Other + index) : TLanes.LoadShorts((short*)_join->Other + index);
        TLanes other = TLanes.ToFloat(TLanes.SubtractInt(codes, TLanes.CreateInt(_join->OtherZeroPoint))) * TLanes.Create(_join->OtherMultiplier);
        TLanes left = TLanes.ToFloat(own) * TLanes.Create(_join->OwnMultiplier);
        return Lane.Requantize(left + other, TLanes.Create(_join->Minimum - _join->ZeroPoint), TLanes.Create(_join->Maximum - _join->ZeroPoint), zero);
    }
}
