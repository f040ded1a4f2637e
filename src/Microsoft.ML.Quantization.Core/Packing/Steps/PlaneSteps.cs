using System;
using System.Runtime.InteropServices;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Costs;

namespace Microsoft.ML.Quantization.Packing.Steps;

/// <summary>Convolution or dense layer over bit planes with what follows.</summary>
internal sealed class PlaneConvolutionStep : BoundStep
{
    // A product of two planes counts as this part of a byte product.
    private const int ProductsPerWork = 4;

    // Every chunk finds anew which words its tiles read: with more of them that takes a tenth of the time of small maps.
    private const int ChunksPerThread = 2;

    private readonly KernelSet _kernels;
    private readonly PlaneGeometry _geometry;
    private readonly PackedWeights _weights;
    private readonly EpilogueData _epilogue;
    private readonly ThresholdData<int>? _thresholds;
    private readonly int _source;
    private readonly int _destination;
    private readonly int _size;
    private readonly int _tiles;

    public PlaneConvolutionStep(BindContext context, PlaneGeometry geometry, PackedWeights weights, EpilogueData epilogue, ThresholdData<int>? thresholds, int source, int destination)
    {
        _kernels = context.Kernels;
        _geometry = geometry;
        _weights = weights;
        _epilogue = epilogue;
        _thresholds = thresholds;
        _source = source;
        _destination = destination;
        _size = thresholds is null ? epilogue.OutputSize : thresholds.PlaneBits > 0 ? sizeof(uint) : 1;
        ConvolutionGeometry sizes = geometry.Convolution;
        _tiles = sizes.OutPixels == 0 ? 0 : _kernels.CountConvolutionPlanesTiles(geometry);
        Chunks = context.Chunks(_tiles, sizes.OutLength * sizes.Depth * geometry.SourceBits * geometry.WeightBits / ProductsPerWork, ChunksPerThread);
        Work = KernelWork.Of(geometry);
        Also = epilogue.Join?.Works(sizes.OutLength) ?? [];
    }

    /// <inheritdoc/>
    public override void Run(RunBuffers buffers, int chunk)
    {
        if (_tiles > 0)
        {
            var epilogue = new PlaneEpilogue { Integer = _epilogue.Bind(buffers), Thresholds = _thresholds is null ? default : _thresholds.Value };
            _kernels.ConvolutionPlanes(_geometry, buffers.Span<uint>(_source), _weights, epilogue, buffers.Bytes(_destination, _size), Begin(_tiles, chunk), Begin(_tiles, chunk + 1));
        }
    }
}

/// <summary>Work on whole pixels of channels-last data, shared out by pixels.</summary>
internal abstract class PixelStep : BoundStep, IRangeStep
{
    private const int WorkPerElement = 32;

    private readonly int _pixels;

    protected PixelStep(BindContext context, int pixels, int channels)
    {
        Kernels = context.Kernels;
        Channels = channels;
        _pixels = pixels;
        Chunks = context.Chunks(pixels, (long)pixels * channels * WorkPerElement);
        Work = KernelWork.Flat(KernelOperation.PlaneCodes, 1, (long)pixels * channels, channels);
    }

    protected KernelSet Kernels { get; }

    protected int Channels { get; }

    /// <inheritdoc/>
    public override void Run(RunBuffers buffers, int chunk)
    {
        int begin = Begin(_pixels, chunk);
        Run(buffers, begin, Begin(_pixels, chunk + 1) - begin);
    }

    /// <inheritdoc/>
    public int PixelsOf(int channels) => channels == Channels ? _pixels : -1;

    /// <inheritdoc/>
    public void RunPixels(RunBuffers buffers, int pixel, int count, int channels) => Run(buffers, pixel, count);

    protected abstract void Run(RunBuffers buffers, int pixel, int count);

    /// <summary>Elements of some pixels of channels-last data.</summary>
    protected Span<T> Values<T>(RunBuffers buffers, int slot, int pixel, int count)
        where T : unmanaged
        => buffers.Span<T>(slot).Slice(pixel * Channels, count * Channels);

    /// <summary>Words of some pixels of planes.</summary>
    protected Span<uint> Planes(RunBuffers buffers, int slot, int bits, int pixel, int count)
    {
        int words = bits * PlaneLayout.Words(Channels);
        return buffers.Span<uint>(slot).Slice(pixel * words, count * words);
    }

    /// <summary>Bytes of some pixels of codes, as planes or one a byte.</summary>
    protected Span<byte> Codes(RunBuffers buffers, int slot, int planeBits, int pixel, int count)
        => planeBits == 0 ? Values<byte>(buffers, slot, pixel, count) : MemoryMarshal.AsBytes(Planes(buffers, slot, planeBits, pixel, count));
}

/// <summary>Codes to planes.</summary>
internal sealed class PackPlanesStep(BindContext context, int pixels, int channels, int bits, int source, int destination) : PixelStep(context, pixels, channels)
{
    /// <inheritdoc/>
    protected override void Run(RunBuffers buffers, int pixel, int count)
        => Kernels.PackPlanes(count, Channels, bits, Values<byte>(buffers, source, pixel, count), Planes(buffers, destination, bits, pixel, count));
}

/// <summary>Planes to codes.</summary>
internal sealed class UnpackPlanesStep(BindContext context, int pixels, int channels, int bits, int source, int destination) : PixelStep(context, pixels, channels)
{
    /// <inheritdoc/>
    protected override void Run(RunBuffers buffers, int pixel, int count)
        => Kernels.UnpackPlanes(count, Channels, bits, Planes(buffers, source, bits, pixel, count), Values<byte>(buffers, destination, pixel, count));
}

/// <summary>Planes of which some channels are turned upside down: every bit of theirs is inverted.</summary>
internal sealed class TurnPlanesStep(BindContext context, int pixels, int channels, int bits, uint[] mask, int source, int destination) : PixelStep(context, pixels, channels)
{
    /// <inheritdoc/>
    protected override void Run(RunBuffers buffers, int pixel, int count)
    {
        ReadOnlySpan<uint> from = Planes(buffers, source, bits, pixel, count);
        Span<uint> to = Planes(buffers, destination, bits, pixel, count);
        for (int i = 0; i < to.Length; i += mask.Length)
        {
            for (int j = 0; j < mask.Length; j++)
            {
                to[i + j] = from[i + j] ^ mask[j];
            }
        }
    }
}

/// <summary>Max pool of planes.</summary>
internal sealed class MaxPoolPlanesStep(BindContext context, ConvolutionGeometry geometry, int bits, int source, int destination) : PoolStep(context, geometry, KernelOperation.PlaneCodes, source, destination)
{
    /// <inheritdoc/>
    protected override void Run(RunBuffers buffers, int begin, int end)
        => Kernels.MaxPoolPlanes(Geometry, bits, buffers.Span<uint>(Source), buffers.Span<uint>(Destination), begin, end);
}
