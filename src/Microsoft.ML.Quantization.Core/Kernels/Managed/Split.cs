using System;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>How a byte convolution is cut into tiles: group × chunk of pixels × chunk of channel blocks.</summary>
internal readonly struct Split
{
    private const int MostPixels = 24;
    private const int EnoughChunks = 24;
    private const int FewPixels = 96;
    private const int FewBlocks = 2;

    private readonly int _pixelChunks;
    private readonly int _blockChunks;
    private readonly int _blocks;
    private readonly int _blocksInChunk;
    private readonly int _outPixels;

    public Split(in ConvolutionGeometry g, int rows, int scratchValues, int block)
    {
        int fit = scratchValues / Math.Max(1, (g.Depth + 1) / 2 * 2) / rows * rows;
        _outPixels = g.OutPixels;
        int most = _outPixels >= EnoughChunks * MostPixels ? MostPixels : MostPixels / 2;
        Pixels = Math.Clamp(fit, rows, most);
        _blocks = (g.GroupOutChannels + block - 1) / block;
        _blocksInChunk = _outPixels < FewPixels ? Math.Min(_blocks, FewBlocks) : _blocks;
        _pixelChunks = (_outPixels + Pixels - 1) / Pixels;
        _blockChunks = (_blocks + _blocksInChunk - 1) / Math.Max(1, _blocksInChunk);
        TileCount = g.Groups * _pixelChunks * _blockChunks;
    }

    /// <summary>Most pixels of a tile.</summary>
    public int Pixels { get; }

    /// <summary>Number of tiles.</summary>
    public int TileCount { get; }

    /// <summary>The part of the work that tile <paramref name="tile"/> does.</summary>
    public TilePart Part(int tile)
    {
        (int group, int rest) = Math.DivRem(tile, _pixelChunks * _blockChunks);
        (int blockChunk, int pixelChunk) = Math.DivRem(rest, _pixelChunks);
        int pixel = pixelChunk * Pixels;
        int block = blockChunk * _blocksInChunk;
        return new TilePart(group, pixel, Math.Min(pixel + Pixels, _outPixels), block, Math.Min(block + _blocksInChunk, _blocks));
    }
}
