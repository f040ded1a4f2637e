using System.Runtime.InteropServices;
using Microsoft.ML.Quantization.Kernels.Native;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>Some rows × neighbouring panels of a dense layer with narrow weights. The native <c>mlq_narrow_tile</c>, field by field.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NarrowTile
{
    /// <summary>Codes less 128, [RowCount][RowStride], zeros behind the last one of a row.</summary>
    public sbyte* Rows;

    /// <summary>Sums of the codes of each row.</summary>
    public int* RowSums;

    /// <summary>The first panel.</summary>
    public byte* Panels;

    /// <summary>What follows the products.</summary>
    public NativeEpilogue* Epilogue;

    /// <summary>The first of these rows in the output.</summary>
    public byte* Destination;

    /// <summary>Bytes between panels.</summary>
    public long PanelBytes;

    /// <summary>Number of rows, at most <see cref="NarrowDense.MostRows"/>.</summary>
    public int RowCount;

    /// <summary>Bytes of a row.</summary>
    public int RowStride;

    /// <summary>Number of panels.</summary>
    public int PanelCount;

    /// <summary>First output of the first panel.</summary>
    public int Channel;

    /// <summary>All outputs.</summary>
    public int OutChannels;

    /// <summary>Bits of a weight.</summary>
    public int Bits;

    /// <summary>Distance of neighbouring values of a weight.</summary>
    public int Step;
}
