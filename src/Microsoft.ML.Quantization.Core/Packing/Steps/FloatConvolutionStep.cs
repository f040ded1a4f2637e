using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Costs;

namespace Microsoft.ML.Quantization.Packing.Steps;

/// <summary>Float convolution or dense layer with its clamp.</summary>
internal sealed class FloatConvolutionStep : BoundStep
{
    private const int WorkPerProduct = 4;

    private readonly KernelSet _kernels;
    private readonly ConvolutionGeometry _geometry;
    private readonly PackedWeights _weights;
    private readonly float[] _bias;
    private readonly Activation _activation;
    private readonly int _source;
    private readonly int _destination;
    private readonly int _tiles;

    public FloatConvolutionStep(BindContext context, ConvolutionGeometry geometry, PackedWeights weights, float[] bias, Activation activation, int source, int destination)
    {
        _kernels = context.Kernels;
        _geometry = geometry;
        _weights = weights;
        _bias = bias;
        _activation = activation;
        _source = source;
        _destination = destination;
        _tiles = geometry.OutPixels == 0 ? 0 : _kernels.CountConvolutionFloatTiles(geometry);
        Chunks = context.Chunks(_tiles, geometry.OutLength * geometry.Depth * WorkPerProduct);
        Work = KernelWork.Of(KernelOperation.ConvolutionFloat, 32, geometry);
    }

    /// <inheritdoc/>
    public override void Run(RunBuffers buffers, int chunk)
    {
        if (_tiles > 0)
        {
            _kernels.ConvolutionFloat(_geometry, buffers.Span<float>(_source), _weights, _bias, _activation.Low, _activation.High, buffers.Span<float>(_destination), Begin(_tiles, chunk), Begin(_tiles, chunk + 1));
        }
    }
}

/// <summary>Depthwise float convolution with its clamp.</summary>
internal sealed class FloatDepthwiseStep : BoundStep
{
    private readonly KernelSet _kernels;
    private readonly ConvolutionGeometry _geometry;
    private readonly float[] _weights;
    private readonly float[] _bias;
    private readonly Activation _activation;
    private readonly int _source;
    private readonly int _destination;
    private readonly int _rows;

    public FloatDepthwiseStep(BindContext context, ConvolutionGeometry geometry, float[] weights, float[] bias, Activation activation, int source, int destination)
    {
        _kernels = context.Kernels;
        _geometry = geometry;
        _weights = weights;
        _bias = bias;
        _activation = activation;
        _source = source;
        _destination = destination;
        _rows = Rows.Count(geometry);
        Chunks = context.Chunks(_rows, geometry.OutLength * geometry.Taps * Rows.WorkPerTap);
        Work = KernelWork.Of(KernelOperation.DepthwiseFloat, 32, geometry);
    }

    /// <inheritdoc/>
    public override void Run(RunBuffers buffers, int chunk)
        => _kernels.DepthwiseFloat(_geometry, buffers.Span<float>(_source), _weights, _bias, _activation.Low, _activation.High, buffers.Span<float>(_destination), Begin(_rows, chunk), Begin(_rows, chunk + 1));
}
