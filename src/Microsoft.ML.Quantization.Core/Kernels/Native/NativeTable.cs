using System.Runtime.InteropServices;
using Microsoft.ML.Quantization.Kernels.Managed;

namespace Microsoft.ML.Quantization.Kernels.Native;

/// <summary>The native <c>mlq_kernel_table</c>, field by field in the order of <c>mlq.h</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativeTable
{
    /// <summary>The version of the binary interface that this file mirrors.</summary>
    public const uint ExpectedVersion = 12;

    public uint StructSize;
    public uint AbiVersion;
    public delegate* unmanaged<ConvolutionGeometry*, long> ConvolutionFloatPackedSize;
    public delegate* unmanaged<ConvolutionGeometry*, float*, int, void*, int, int, void> ConvolutionFloatPack;
    public delegate* unmanaged<ConvolutionGeometry*, int> ConvolutionFloatTiles;
    public delegate* unmanaged<ConvolutionGeometry*, float*, void*, float*, float, float, float*, int, int, void> ConvolutionFloat;
    public delegate* unmanaged<ConvolutionGeometry*, long> ConvolutionBytePackedSize;
    public delegate* unmanaged<ConvolutionGeometry*, sbyte*, int, void*, int, int, void> ConvolutionBytePack;
    public delegate* unmanaged<ConvolutionGeometry*, int> ConvolutionByteTiles;
    public delegate* unmanaged<ConvolutionGeometry*, byte*, byte, void*, NativeEpilogue*, void*, int, int, void> ConvolutionByte;
    public delegate* unmanaged<ConvolutionGeometry*, float*, float*, float*, float, float, float*, int, int, void> DepthwiseFloat;
    public delegate* unmanaged<ConvolutionGeometry*, byte*, byte, sbyte*, NativeEpilogue*, void*, int, int, void> DepthwiseByte;
    public delegate* unmanaged<ConvolutionGeometry*, byte*, byte*, int, int, void> MaxPoolByte;
    public delegate* unmanaged<ConvolutionGeometry*, NativeAverage*, byte*, byte*, int, int, void> AveragePoolByte;
    public delegate* unmanaged<float*, long, float, int, int, int, byte*, void> QuantizeFloat;
    public delegate* unmanaged<byte*, long, float, int, float*, void> DequantizeByte;
    public delegate* unmanaged<byte*, byte*, long, NativeAdd*, byte*, void> AddByte;
    public delegate* unmanaged<GroupedGeometry*, long> GroupedDensePackedSize;
    public delegate* unmanaged<GroupedGeometry*, sbyte*, float*, void*, void> GroupedDensePack;
    public delegate* unmanaged<GroupedGeometry*, int> GroupedDenseTiles;
    public delegate* unmanaged<GroupedGeometry*, sbyte*, int*, float*, void*, float*, float, float, float*, int, int, void> GroupedDense;
    public delegate* unmanaged<GroupedGeometry*, int> GroupedDenseFloatTiles;
    public delegate* unmanaged<GroupedGeometry*, float*, void*, float*, float, float, float*, int, int, void> GroupedDenseFloat;
    public delegate* unmanaged<PlaneTile*, int, void> PlaneTiles;
    public delegate* unmanaged<ConvolutionGeometry*, long> ConvolutionCodebookPackedSize;
    public delegate* unmanaged<ConvolutionGeometry*, byte*, sbyte*, void*, void> ConvolutionCodebookPack;
    public delegate* unmanaged<ConvolutionGeometry*, byte*, byte, void*, NativeEpilogue*, void*, int, int, void> ConvolutionCodebook;
    public delegate* unmanaged<ConvolutionGeometry*, float*, float*, int, int, void> MaxPoolFloat;
    public delegate* unmanaged<NarrowTile*, void> DenseNarrow;
}

/// <summary>The native <c>mlq_epilogue</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativeEpilogue
{
    public int* Bias;
    public float* Multipliers;
    public float* Offsets;
    public int Output;
    public int ZeroPoint;
    public int Minimum;
    public int Maximum;
    public float Low;
    public float High;

    /// <summary>What follows the codes, or null.</summary>
    public NativeJoin* Join;

    /// <summary>An epilogue whose arrays are pinned.</summary>
    public static NativeEpilogue Of(in IntegerEpilogue epilogue, int* bias, float* multipliers, float* offsets) => new()
    {
        Bias = bias,
        Multipliers = multipliers,
        Offsets = offsets,
        Output = (int)epilogue.Output,
        ZeroPoint = epilogue.ZeroPoint,
        Minimum = epilogue.Minimum,
        Maximum = epilogue.Maximum,
        Low = epilogue.Low,
        High = epilogue.High,
    };
}

/// <summary>The native <c>mlq_join</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativeJoin
{
    public byte* Other;
    public byte* Stream;
    public byte* Bytes;
    public byte* Planes;
    public int* Table;
    public uint* Rising;
    public float OwnMultiplier;
    public float OtherMultiplier;
    public int OtherZeroPoint;
    public int ZeroPoint;
    public int Minimum;
    public int Maximum;
    public float ByteMultiplier;
    public float ByteOffset;
    public int ByteZeroPoint;
    public int ByteMinimum;
    public int ByteMaximum;
    public int ThresholdCount;
    public int PlaneBits;
    public int Channels;

    /// <summary>The numbers of a join; addresses are the caller's to set.</summary>
    public static NativeJoin Of(in JoinEpilogue join, int channels, byte* stream) => new()
    {
        Stream = stream,
        OwnMultiplier = join.OwnMultiplier,
        OtherMultiplier = join.OtherMultiplier,
        OtherZeroPoint = join.OtherZeroPoint,
        ZeroPoint = join.ZeroPoint,
        Minimum = join.Minimum,
        Maximum = join.Maximum,
        ByteMultiplier = join.ByteMultiplier,
        ByteOffset = join.ByteOffset,
        ByteZeroPoint = join.ByteZeroPoint,
        ByteMinimum = join.ByteMinimum,
        ByteMaximum = join.ByteMaximum,
        ThresholdCount = join.ThresholdCount,
        PlaneBits = join.PlaneBits,
        Channels = channels,
    };
}

/// <summary>The native <c>mlq_add</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NativeAdd
{
    public float LeftMultiplier;
    public float RightMultiplier;
    public int LeftZeroPoint;
    public int RightZeroPoint;
    public int ZeroPoint;
    public int Minimum;
    public int Maximum;
}

/// <summary>The native <c>mlq_average</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NativeAverage
{
    public float Multiplier;
    public int CountPadding;
    public int InputZeroPoint;
    public int ZeroPoint;
    public int Minimum;
    public int Maximum;
}
