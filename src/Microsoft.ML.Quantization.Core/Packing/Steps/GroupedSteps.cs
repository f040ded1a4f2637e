using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Costs;

namespace Microsoft.ML.Quantization.Packing.Steps;

/// <summary>Slots of quantized rows.</summary>
internal sealed record GroupedRows(int Codes, int Sums, int Scales);

/// <summary>Rows of floats to codes with a scale of their own.</summary>
internal sealed class QuantizeRowsStep : BoundStep
{
    private const int WorkPerElement = 32;

    private readonly KernelSet _kernels;
    private readonly GroupedGeometry _geometry;
    private readonly int _source;
    private readonly GroupedRows _rows;

    public QuantizeRowsStep(BindContext context, GroupedGeometry geometry, int source, GroupedRows rows)
    {
        _kernels = context.Kernels;
        _geometry = geometry;
        _source = source;
        _rows = rows;
        Chunks = context.Chunks(geometry.Rows, (long)geometry.Rows * geometry.Inputs * WorkPerElement);
        Work = KernelWork.Flat(KernelOperation.QuantizeRows, 8, (long)geometry.Rows * geometry.Inputs, geometry.Inputs);
    }

    /// <inheritdoc/>
    public override void Run(RunBuffers buffers, int chunk)
        => _kernels.QuantizeRows(
            _geometry,
            buffers.Span<float>(_source),
            buffers.Span<sbyte>(_rows.Codes),
            buffers.Span<int>(_rows.Sums),
            buffers.Span<float>(_rows.Scales),
            Begin(_geometry.Rows, chunk),
            Begin(_geometry.Rows, chunk + 1));
}

/// <summary>Dense layer with weights in groups and its clamp.</summary>
internal sealed class GroupedDenseStep : BoundStep
{
    private readonly KernelSet _kernels;
    private readonly GroupedGeometry _geometry;
    private readonly PackedWeights _weights;
    private readonly float[] _bias;
    private readonly Activation _activation;
    private readonly GroupedRows _rows;
    private readonly int _destination;
    private readonly int _tiles;

    public GroupedDenseStep(BindContext context, GroupedGeometry geometry, PackedWeights weights, float[] bias, Activation activation, GroupedRows rows, int destination)
    {
        _kernels = context.Kernels;
        _geometry = geometry;
        _weights = weights;
        _bias = bias;
        _activation = activation;
        _rows = rows;
        _destination = destination;
        _tiles = geometry.Rows == 0 ? 0 : _kernels.CountGroupedDenseTiles(geometry);
        Chunks = context.Chunks(_tiles, geometry.OutLength * geometry.Inputs);
        Work = KernelWork.Of(geometry);
    }

    /// <inheritdoc/>
    public override void Run(RunBuffers buffers, int chunk)
    {
        if (_tiles > 0)
        {
            _kernels.GroupedDense(
                _geometry,
                buffers.Span<sbyte>(_rows.Codes),
                buffers.Span<int>(_rows.Sums),
                buffers.Span<float>(_rows.Scales),
                _weights,
                _bias,
                _activation.Low,
                _activation.High,
                buffers.Span<float>(_destination),
                Begin(_tiles, chunk),
                Begin(_tiles, chunk + 1));
        }
    }
}

/// <summary>Dense layer with weights in groups over float inputs, and its clamp.</summary>
internal sealed class GroupedFloatStep : BoundStep
{
    private readonly KernelSet _kernels;
    private readonly GroupedGeometry _geometry;
    private readonly PackedWeights _weights;
    private readonly float[] _bias;
    private readonly Activation _activation;
    private readonly int _source;
    private readonly int _destination;
    private readonly int _tiles;

    public GroupedFloatStep(BindContext context, GroupedGeometry geometry, PackedWeights weights, float[] bias, Activation activation, int source, int destination)
    {
        _kernels = context.Kernels;
        _geometry = geometry;
        _weights = weights;
        _bias = bias;
        _activation = activation;
        _source = source;
        _destination = destination;
        _tiles = geometry.Rows == 0 ? 0 : _kernels.CountGroupedDenseFloatTiles(geometry);
        Chunks = context.Chunks(_tiles, geometry.OutLength * geometry.Inputs);
        Work = WorkOf(geometry);
    }

    /// <summary>The products are those of a float layer.</summary>
    public static KernelWork WorkOf(in GroupedGeometry g) => KernelWork.Of(KernelOperation.ConvolutionFloat, 32, ConvolutionGeometry.Dense(g.Rows, g.Inputs, g.Outputs));

    /// <inheritdoc/>
    public override void Run(RunBuffers buffers, int chunk)
    {
        if (_tiles > 0)
        {
            _kernels.GroupedDenseFloat(
                _geometry, buffers.Span<float>(_source), _weights, _bias, _activation.Low, _activation.High, buffers.Span<float>(_destination), Begin(_tiles, chunk), Begin(_tiles, chunk + 1));
        }
    }
}
