using System;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>A part of the panels of some packed convolution weights, and where their weights lie; a panel is a block of output channels of one group.</summary>
internal readonly struct PanelShare
{
    private readonly int _blocks;
    private readonly int _block;
    private readonly int _outputs;

    public PanelShare(in ConvolutionGeometry g, int block, WeightAxes axes, int part, int parts)
    {
        KernelCheck.Tiles(part, part + 1, parts);
        _block = block;
        _outputs = g.GroupOutChannels;
        _blocks = (_outputs + block - 1) / block;
        Begin = (int)((long)g.Groups * _blocks * part / parts);
        End = (int)((long)g.Groups * _blocks * (part + 1) / parts);
        (Taps, Channels) = axes == WeightAxes.TapsFirst ? (1, g.Depth) : (g.Taps, g.GroupInChannels);
    }

    /// <summary>First panel.</summary>
    public int Begin { get; }

    /// <summary>Behind the last panel.</summary>
    public int End { get; }

    /// <summary>Runs of <see cref="Channels"/> weights that follow each other in the packed order; a weight of run t is the t-th of each <see cref="Taps"/> in the row of its output.</summary>
    public int Taps { get; }

    /// <summary>Weights of a run.</summary>
    public int Channels { get; }

    /// <summary>The output channel of the first lane of a panel.</summary>
    public int FirstOutput(int panel) => (panel / _blocks * _outputs) + (panel % _blocks * _block);

    /// <summary>Lanes of a panel that are output channels.</summary>
    public int Lanes(int panel) => Math.Min(_block, _outputs - (panel % _blocks * _block));
}
