using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Packing.Steps;

/// <summary>Reads the caller's rows as reals: fl(fl(x · Scale[c]) + Offset[c]), from either row layout. Sizes are those of [images, channels, pixels].</summary>
internal sealed unsafe class EntryReader
{
    private readonly ImmutableArray<float> _scale;
    private readonly ImmutableArray<float> _offset;
    private readonly ElementType _element;
    private readonly bool _interleaved;

    public EntryReader(InputSignature signature, int images, int channels, int pixels)
    {
        _scale = signature.Scale;
        _offset = signature.Offset;
        _element = signature.Element;
        _interleaved = signature.Layout == RowLayout.Interleaved;
        Images = images;
        Channels = channels;
        Pixels = pixels;
    }

    public int Images { get; }

    public int Channels { get; }

    public int Pixels { get; }

    /// <summary>Distance of two pixels of a channel in the caller's row.</summary>
    public int Step => _interleaved ? Channels : 1;

    /// <summary>Type of the caller's values.</summary>
    public ElementType Element => _element;

    /// <summary>Whether values come as they are.</summary>
    public bool IsPlain => _scale.Length == 0 && _offset.Length == 0;

    /// <summary>Index of a value in the caller's data.</summary>
    public long Index(int image, int channel, int pixel)
    {
        long start = (long)image * Channels * Pixels;
        return start + (_interleaved ? ((long)pixel * Channels) + channel : ((long)channel * Pixels) + pixel);
    }

    /// <summary>Reads pixels of one channel, from <paramref name="pixel"/> on.</summary>
    public void Read(nint source, int image, int channel, int pixel, Span<float> values)
    {
        long index = Index(image, channel, pixel);
        int step = Step;
        switch (_element)
        {
            case ElementType.Float32:
                Convert((float*)source + index, step, values);
                break;
            case ElementType.UInt8:
                Convert((byte*)source + index, step, values);
                break;
            default:
                Convert((long*)source + index, step, values);
                break;
        }

        Normalize(channel, values);
    }

    /// <summary>Applies scale and offset of a channel in place.</summary>
    public void Normalize(int channel, Span<float> values)
    {
        if (_scale.Length > 0)
        {
            float scale = _scale[_scale.Length == 1 ? 0 : channel];
            for (int i = 0; i < values.Length; i++)
            {
                values[i] *= scale;
            }
        }

        if (_offset.Length > 0)
        {
            float offset = _offset[_offset.Length == 1 ? 0 : channel];
            for (int i = 0; i < values.Length; i++)
            {
                values[i] += offset;
            }
        }
    }

    private static void Convert(float* source, int step, Span<float> values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = source[(long)i * step];
        }
    }

    private static void Convert(byte* source, int step, Span<float> values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = source[(long)i * step];
        }
    }

    private static void Convert(long* source, int step, Span<float> values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = source[(long)i * step];
        }
    }
}
