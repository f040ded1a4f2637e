using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Costs;

namespace Microsoft.ML.Quantization.Packing.Steps;

/// <summary>Dense layer over narrow weights with its epilogue.</summary>
internal sealed class NarrowDenseStep : BoundStep
{
    private readonly KernelSet _kernels;
    private readonly NarrowGeometry _geometry;
    private readonly PackedWeights _weights;
    private readonly EpilogueData _epilogue;
    private readonly int _source;
    private readonly int _destination;
    private readonly int _tiles;

    public NarrowDenseStep(BindContext context, NarrowGeometry geometry, PackedWeights weights, EpilogueData epilogue, int source, int destination)
    {
        _kernels = context.Kernels;
        _geometry = geometry;
        _weights = weights;
        _epilogue = epilogue;
        _source = source;
        _destination = destination;
        _tiles = geometry.Rows == 0 ? 0 : _kernels.CountDenseNarrowTiles(geometry);
        Chunks = context.Chunks(_tiles, (long)geometry.Rows * geometry.Outputs * geometry.Inputs);
        Work = KernelWork.Of(geometry);
    }

    /// <inheritdoc/>
    public override void Run(RunBuffers buffers, int chunk)
    {
        if (_tiles > 0)
        {
            _kernels.DenseNarrow(_geometry, buffers.Span<byte>(_source), _weights, _epilogue.Bind(buffers), buffers.Bytes(_destination, _epilogue.OutputSize), Begin(_tiles, chunk), Begin(_tiles, chunk + 1));
        }
    }
}
