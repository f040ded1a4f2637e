using System.Runtime.CompilerServices;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>Codes of accumulators by thresholds, a panel of 32 channels at once. Falling channels compare complements: x ≤ T is ~x ≥ ~T.</summary>
internal unsafe ref struct ThresholdWriter<TLanes>
    where TLanes : unmanaged, ILanes<TLanes>
{
    private const int Panel = PlaneWeights.Panel;

    private readonly PlaneTile* _tile;
    private readonly int _count;
    private readonly int* _bias;
    private readonly int* _flips;
    private readonly int* _table;
    private int _channel;
    private int _width;

    /// <summary>A writer over a buffer of <see cref="BufferLength"/>.</summary>
    public ThresholdWriter(PlaneTile* tile, int* buffer)
    {
        _tile = tile;
        _count = tile->ThresholdCount;
        _bias = buffer;
        _flips = buffer + Panel;
        _table = buffer + (2 * Panel);
    }

    /// <summary>Integers needed.</summary>
    public static int BufferLength(int thresholds) => (2 + thresholds) * Panel;

    /// <summary>Takes the channels [channel, channel + width).</summary>
    public void TakePanel(int channel, int width)
    {
        _channel = channel;
        _width = width;
        for (int i = 0; i < width && _count > 0; i++)
        {
            int flip = _tile->Directions != null && _tile->Directions[channel + i] < 0 ? -1 : 0;
            _flips[i] = flip;
            _bias[i] = _tile->Epilogue->Bias[channel + i];
            for (int t = 0; t < _count; t++)
            {
                _table[(t * Panel) + i] = _tile->Thresholds[((long)t * _tile->OutChannels) + channel + i] ^ flip;
            }
        }
    }

    /// <summary>Whether codes are the bits of one comparison, which <see cref="WriteSigns"/> writes.</summary>
    public readonly bool AreSigns => _count == 1 && _tile->PlaneBits == 1;

    /// <summary>Writes the bits of [rows][32] counts, to which constants and bias are yet to be added, to output pixels.</summary>
    public readonly void WriteSigns(int* sums, int* constants, int rows, long* pixels)
    {
        long words = PlaneLayout.Words(_tile->OutChannels);
        uint* to = (uint*)_tile->Destination + (_channel / Panel);
        uint valid = _width == Panel ? uint.MaxValue : (1u << _width) - 1;
        for (int r = 0; r < rows; r++, sums += Panel)
        {
            uint below = 0;
            for (int i = 0; i < Panel; i += TLanes.Count)
            {
                TLanes sum = TLanes.AddInt(TLanes.ShiftLeft(TLanes.Load((float*)sums + i), _tile->Doubles), TLanes.Load((float*)constants + i));
                sum = TLanes.AddInt(sum, TLanes.Load((float*)_bias + i)) ^ TLanes.Load((float*)_flips + i);
                below |= TLanes.SignBits(TLanes.GreaterInt(TLanes.Load((float*)_table + i), sum)) << i;
            }

            Unsafe.WriteUnaligned(to + (pixels[r] * words), ~below & valid);
        }
    }

    /// <summary>Writes the codes of 32 sums to an output pixel.</summary>
    public readonly void Write(int* sums, long pixel)
    {
        int* codes = stackalloc int[Panel];
        for (int i = 0; i < Panel; i += TLanes.Count)
        {
            TLanes sum = TLanes.AddInt(TLanes.Load((float*)sums + i), TLanes.Load((float*)_bias + i)) ^ TLanes.Load((float*)_flips + i);
            TLanes code = TLanes.CreateInt(_count);
            for (int t = 0; t < _count; t++)
            {
                code = TLanes.AddInt(code, TLanes.GreaterInt(TLanes.Load((float*)_table + (t * Panel) + i), sum));
            }

            TLanes.Store((float*)codes + i, code);
        }

        if (_tile->PlaneBits == 0)
        {
            WriteBytes(codes, _tile->Destination + (pixel * _tile->OutChannels) + _channel);
        }
        else
        {
            WritePlanes(codes, _tile->Destination, pixel);
        }
    }

    private readonly void WriteBytes(int* codes, byte* destination)
    {
        for (int i = 0; i < _width; i++)
        {
            destination[i] = (byte)codes[i];
        }
    }

    private readonly void WritePlanes(int* codes, byte* destination, long pixel)
    {
        long words = PlaneLayout.Words(_tile->OutChannels);
        uint valid = _width == Panel ? uint.MaxValue : (1u << _width) - 1;
        for (int plane = 0; plane < _tile->PlaneBits; plane++)
        {
            uint word = 0;
            for (int i = 0; i < Panel; i += TLanes.Count)
            {
                word |= TLanes.SignBits(TLanes.ShiftLeft(TLanes.Load((float*)codes + i), 31 - plane)) << i;
            }

            long at = (((pixel * _tile->PlaneBits) + plane) * words) + (_channel / Panel);
            Unsafe.WriteUnaligned(destination + (at * sizeof(uint)), word & valid);
        }
    }
}
