using Microsoft.ML.Quantization.Kernels.Native;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>An <see cref="IntegerEpilogue"/> with its arrays pinned, and the destination.</summary>
internal readonly unsafe ref struct EpilogueWriter
{
    private readonly int* _bias;
    private readonly float* _multipliers;
    private readonly float* _offsets;
    private readonly byte* _destination;
    private readonly AccumulatorOutput _output;
    private readonly int _zeroPoint;
    private readonly float _low;
    private readonly float _high;
    private readonly NativeJoin* _join;

    public EpilogueWriter(in IntegerEpilogue epilogue, int* bias, float* multipliers, float* offsets, byte* destination)
        : this(NativeEpilogue.Of(epilogue, bias, multipliers, offsets), destination)
    {
    }

    public EpilogueWriter(NativeEpilogue epilogue, byte* destination)
    {
        _bias = epilogue.Bias;
        _multipliers = epilogue.Multipliers;
        _offsets = epilogue.Offsets;
        _destination = destination;
        _output = (AccumulatorOutput)epilogue.Output;
        _zeroPoint = epilogue.ZeroPoint;
        _join = epilogue.Join;
        bool codes = _output is AccumulatorOutput.UInt8 or AccumulatorOutput.Int16;
        _low = codes ? epilogue.Minimum - epilogue.ZeroPoint : epilogue.Low;
        _high = codes ? epilogue.Maximum - epilogue.ZeroPoint : epilogue.High;
    }

    /// <summary>Writes <paramref name="count"/> channels from <paramref name="channel"/> on; <paramref name="index"/> is the first one's place in the destination.</summary>
    public void Write<TLanes>(int* sums, int channel, int count, long index)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        int done = count - (count % TLanes.Count);
        if (_join != null)
        {
            uint* above = stackalloc uint[JoinWriter.MostThresholds];
            JoinWriter join = new(_join, _output, index, above);
            JoinPart<TLanes>(join, sums, channel, 0, done);
            JoinPart<Lanes1>(join, sums, channel, done, count);
            join.WritePlanes(channel, count);
            return;
        }

        Part<TLanes>(sums, channel, done, index);
        if (done < count)
        {
            Part<Lanes1>(sums + done, channel + done, count - done, index + done);
        }
    }

    /// <summary>Writes the sums of several pixels; bytes of whole vectors a vector of channels after the other, so that what belongs to channels is read once.</summary>
    public void WriteRows<TLanes>(int* sums, in SumRows rows)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        if (_join == null && _output == AccumulatorOutput.UInt8 && rows.Width % TLanes.Count == 0)
        {
            for (int c = 0; c < rows.Width; c += TLanes.Count)
            {
                Column<TLanes>(sums + c, rows, c);
            }

            return;
        }

        for (int r = 0; r < rows.Count; r++)
        {
            Write<TLanes>(sums + (r * rows.Stride), rows.Channel, rows.Width, rows.Index + (r * rows.Step));
        }
    }

    private void Column<TLanes>(int* sums, in SumRows rows, int first)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        int channel = rows.Channel + first;
        TLanes bias = TLanes.Load((float*)_bias + channel), multiplier = TLanes.Load(_multipliers + channel), offset = TLanes.Load(_offsets + channel);
        TLanes low = TLanes.Create(_low), high = TLanes.Create(_high), zeroPoint = TLanes.CreateInt(_zeroPoint);
        byte* to = _destination + rows.Index + first;
        for (int r = 0; r < rows.Count; r++, sums += rows.Stride, to += rows.Step)
        {
            TLanes real = (TLanes.ToFloat(TLanes.AddInt(TLanes.Load((float*)sums), bias)) * multiplier) + offset;
            TLanes.StoreBytes(to, Lane.Requantize(real, low, high, zeroPoint));
        }
    }

    private void JoinPart<TLanes>(in JoinWriter join, int* sums, int channel, int begin, int end)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        for (int c = begin; c < end; c += TLanes.Count)
        {
            join.Write(Lane.Requantize(Real<TLanes>(sums + c, channel + c), TLanes.Create(_low), TLanes.Create(_high), TLanes.CreateInt(0)), channel, c);
        }
    }

    private void Part<TLanes>(int* sums, int channel, int count, long index)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        switch (_output)
        {
            case AccumulatorOutput.UInt8:
                for (int c = 0; c < count; c += TLanes.Count)
                {
                    TLanes.StoreBytes(_destination + index + c, Code<TLanes>(sums + c, channel + c));
                }

                break;
            case AccumulatorOutput.Int16:
                for (int c = 0; c < count; c += TLanes.Count)
                {
                    TLanes.StoreShorts((short*)_destination + index + c, Code<TLanes>(sums + c, channel + c));
                }

                break;
            case AccumulatorOutput.Int32:
                for (int c = 0; c < count; c += TLanes.Count)
                {
                    TLanes.Store((float*)_destination + index + c, Sum<TLanes>(sums + c, channel + c));
                }

                break;
            default:
                for (int c = 0; c < count; c += TLanes.Count)
                {
                    TLanes value = Lane.Clamp(Real<TLanes>(sums + c, channel + c), TLanes.Create(_low), TLanes.Create(_high));
                    TLanes.Store((float*)_destination + index + c, value);
                }

                break;
        }
    }

    private TLanes Sum<TLanes>(int* sums, int channel)
        where TLanes : unmanaged, ILanes<TLanes>
        => TLanes.AddInt(TLanes.Load((float*)sums), TLanes.Load((float*)_bias + channel));

    private TLanes Real<TLanes>(int* sums, int channel)
        where TLanes : unmanaged, ILanes<TLanes>
        => (TLanes.ToFloat(Sum<TLanes>(sums, channel)) * TLanes.Load(_multipliers + channel)) + TLanes.Load(_offsets + channel);

    private TLanes Code<TLanes>(int* sums, int channel)
        where TLanes : unmanaged, ILanes<TLanes>
        => Lane.Requantize(Real<TLanes>(sums, channel), TLanes.Create(_low), TLanes.Create(_high), TLanes.CreateInt(_zeroPoint));
}
