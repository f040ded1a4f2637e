using System;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Costs;

namespace Microsoft.ML.Quantization.Packing.Steps;

/// <summary>Integer convolution or dense layer with its epilogue.</summary>
internal sealed class ByteConvolutionStep : BoundStep
{
    private readonly KernelSet _kernels;
    private readonly ConvolutionGeometry _geometry;
    private readonly PackedWeights _weights;
    private readonly EpilogueData _epilogue;
    private readonly byte _padding;
    private readonly int _source;
    private readonly int _destination;
    private readonly int _tiles;

    public ByteConvolutionStep(BindContext context, ConvolutionGeometry geometry, PackedWeights weights, EpilogueData epilogue, byte padding, int source, int destination)
    {
        _kernels = context.Kernels;
        _geometry = geometry;
        _weights = weights;
        _epilogue = epilogue;
        _padding = padding;
        _source = source;
        _destination = destination;
        _tiles = geometry.OutPixels == 0 ? 0 : _kernels.CountConvolutionByteTiles(geometry);
        Chunks = context.Chunks(_tiles, geometry.OutLength * geometry.Depth);
        Work = KernelWork.Of(KernelOperation.ConvolutionByte, 8, geometry);
        Also = epilogue.Join?.Works(geometry.OutLength) ?? [];
    }

    /// <summary>The sizes.</summary>
    public ConvolutionGeometry Geometry => _geometry;

    /// <summary>Bytes of one output element.</summary>
    public int OutputSize => _epilogue.OutputSize;

    /// <summary>Whether rows of an image can be made by themselves: every window meets the image, and nothing follows that needs other slots.</summary>
    public bool HasRows => _epilogue.Join is null && Band.Fits(_geometry) && _geometry.InChannels <= Band.MostChannels;

    /// <summary>Makes the output rows [begin, end) of one image.</summary>
    public void RunRows(RunBuffers buffers, int image, int begin, int end, Span<byte> destination)
    {
        var band = new Band(_geometry, begin, end);
        int row = _geometry.InWidth * _geometry.InChannels;
        ReadOnlySpan<byte> source = buffers.Span<byte>(_source).Slice(((image * _geometry.InHeight) + band.Top) * row, band.Rows * row);
        _kernels.ConvolutionByte(band.Geometry, source, _padding, _weights, _epilogue.Bind(buffers), destination, 0, _kernels.CountConvolutionByteTiles(band.Geometry));
    }

    /// <inheritdoc/>
    public override void Run(RunBuffers buffers, int chunk)
    {
        if (_tiles > 0)
        {
            _kernels.ConvolutionByte(_geometry, buffers.Span<byte>(_source), _padding, _weights, _epilogue.Bind(buffers), buffers.Bytes(_destination, _epilogue.OutputSize), Begin(_tiles, chunk), Begin(_tiles, chunk + 1));
        }
    }
}

/// <summary>Depthwise integer convolution with its epilogue.</summary>
internal sealed class ByteDepthwiseStep : BoundStep
{
    private readonly KernelSet _kernels;
    private readonly ConvolutionGeometry _geometry;
    private readonly sbyte[] _weights;
    private readonly EpilogueData _epilogue;
    private readonly byte _padding;
    private readonly int _source;
    private readonly int _destination;
    private readonly int _rows;

    public ByteDepthwiseStep(BindContext context, ConvolutionGeometry geometry, sbyte[] weights, EpilogueData epilogue, byte padding, int source, int destination)
    {
        _kernels = context.Kernels;
        _geometry = geometry;
        _weights = weights;
        _epilogue = epilogue;
        _padding = padding;
        _source = source;
        _destination = destination;
        _rows = Rows.Count(geometry);
        Chunks = context.Chunks(_rows, geometry.OutLength * geometry.Taps * Rows.WorkPerTap);
        Work = KernelWork.Of(KernelOperation.DepthwiseByte, 8, geometry);
    }

    /// <inheritdoc/>
    public override void Run(RunBuffers buffers, int chunk)
        => _kernels.DepthwiseByte(_geometry, buffers.Span<byte>(_source), _padding, _weights, _epilogue.Bind(buffers), buffers.Bytes(_destination, _epilogue.OutputSize), Begin(_rows, chunk), Begin(_rows, chunk + 1));
}
