using System;
using System.Runtime.InteropServices;
using Microsoft.ML.Quantization.Kernels;

namespace Microsoft.ML.Quantization.Core.Tests.Kernels;

/// <summary>The sums of layers over bit planes, by the kernels of a set: what the identities and properties of such layers are checked on.</summary>
internal static class PlaneSums
{
    /// <summary>Sums [pixels][outputs] of a layer without bias; tails of the planes are masked by the packer, whatever stood there.</summary>
    /// <param name="set">The kernels.</param>
    /// <param name="geometry">Sizes and kinds.</param>
    /// <param name="codes">Source codes, channels last.</param>
    /// <param name="weights">Weight codes [outputs][taps][channels].</param>
    public static int[] Of(KernelSet set, in PlaneGeometry geometry, byte[] codes, sbyte[] weights)
    {
        ConvolutionGeometry g = geometry.Convolution;
        uint[] planes = Planes(set, g.InChannels, geometry.SourceBits, codes);
        int[] sums = new int[g.OutLength];
        Array.Fill(sums, int.MinValue);
        using PackedWeights packed = set.PackConvolutionPlanes(geometry, weights);
        PlaneEpilogue epilogue = new() { Integer = new() { Bias = new int[g.OutChannels], Output = AccumulatorOutput.Int32 } };
        set.ConvolutionPlanes(geometry, planes, packed, epilogue, MemoryMarshal.AsBytes(sums.AsSpan()), 0, set.CountConvolutionPlanesTiles(geometry));
        return sums;
    }

    /// <summary>Planes of codes, over memory full of ones, the unused bits of each code set as well.</summary>
    public static uint[] Planes(KernelSet set, int channels, int bits, byte[] codes)
    {
        uint[] planes = new uint[PlaneLayout.Length(codes.Length / channels, channels, bits)];
        Array.Fill(planes, uint.MaxValue);
        set.PackPlanes(codes.Length / channels, channels, bits, Array.ConvertAll(codes, c => (byte)(c | (0xFF << bits))), planes);
        return planes;
    }
}
