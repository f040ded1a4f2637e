using Microsoft.ML.Quantization.Kernels.Costs;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Packing.Steps;

/// <summary>The numbers of a step from codes to codes: t = fl(fl(float(code − zero) · m[c]) + b[c]), then the tail, for each channel.</summary>
internal sealed record RequantizeRule(int InputZeroPoint, float[] Multipliers, float[] Offsets, CodeTail Tail);

/// <summary>Codes to codes with numbers a channel, channels last; codes of 8 or 16 bits on both sides.</summary>
internal sealed unsafe class RequantizeStep : PixelStep
{
    private readonly RequantizeRule _rule;
    private readonly (int Slot, bool IsByte) _source;
    private readonly (int Slot, bool IsByte) _destination;

    public RequantizeStep(BindContext context, int pixels, RequantizeRule rule, (int Slot, bool IsByte) source, (int Slot, bool IsByte) destination)
        : base(context, pixels, rule.Multipliers.Length)
    {
        (_rule, _source, _destination) = (rule, source, destination);
        Work = KernelWork.Flat(KernelOperation.AddFloat, 8, (long)pixels * Channels);
    }

    /// <inheritdoc/>
    protected override void Run(RunBuffers buffers, int pixel, int count)
    {
        (int sourceSize, int size) = (SizeOf(_source), SizeOf(_destination));
        fixed (byte* x = buffers.Bytes(_source.Slot, sourceSize))
        fixed (byte* y = buffers.Bytes(_destination.Slot, size))
        fixed (float* multipliers = _rule.Multipliers)
        fixed (float* offsets = _rule.Offsets)
        {
            int wide = Channels - (Channels % Lanes512.Count);
            for (long place = (long)pixel * Channels; place < ((long)pixel + count) * Channels; place += Channels)
            {
                Write<Lanes512>(x + (place * sourceSize), multipliers, offsets, y + (place * size), 0, wide);
                Write<Lanes1>(x + (place * sourceSize), multipliers, offsets, y + (place * size), wide, Channels);
            }
        }
    }

    private static int SizeOf((int Slot, bool IsByte) place) => place.IsByte ? 1 : sizeof(short);

    /// <summary>Some channels of one pixel.</summary>
    private void Write<TLanes>(byte* source, float* multipliers, float* offsets, byte* destination, int begin, int end)
        where TLanes : unmanaged, ILanes<TLanes>
    {
        (bool fromBytes, bool toBytes, CodeTail tail) = (_source.IsByte, _destination.IsByte, _rule.Tail);
        TLanes zero = TLanes.CreateInt(-_rule.InputZeroPoint);
        for (int c = begin; c < end; c += TLanes.Count)
        {
            TLanes code = TLanes.AddInt(fromBytes ? TLanes.LoadBytes(source + c) : TLanes.LoadShorts((short*)source + c), zero);
            TLanes made = tail.Of((TLanes.ToFloat(code) * TLanes.Load(multipliers + c)) + TLanes.Load(offsets + c));
            if (toBytes)
            {
                TLanes.StoreBytes(destination + c, made);
            }
            else
            {
                TLanes.StoreShorts((short*)destination + c, made);
            }
        }
    }
}
