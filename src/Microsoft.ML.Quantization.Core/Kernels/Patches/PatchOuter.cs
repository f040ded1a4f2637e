using System;
using Microsoft.ML.Quantization.Kernels.Managed;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Kernels.Patches;

/// <summary>
/// The gradient of weights: patches times the output's gradient, summed over pixels. Register tiles of 4 outputs × 3 or 2 vectors of patch values, or 8 outputs × 1 vector where
/// a patch is no longer than a vector; a lane is one weight's chain. Sums wait in memory between blocks of pixels.
/// </summary>
internal static unsafe partial class PatchOuter<TLanes>
    where TLanes : unmanaged, ILanes<TLanes>
{
    private const int Rows = 8;
    private const int PatchValues = 24576;
    private const int FewestPixels = 48;
    private const int MostPixels = 128;

    public static int SumsPitch(in ConvolutionGeometry g) => FloatPatches.RoundUp(g.Depth);

    public static int SumsLength(in ConvolutionGeometry g, int outputs) => RoundUp(outputs) * SumsPitch(g);

    public static void Run(
        in ConvolutionGeometry g,
        ReadOnlySpan<float> source,
        ReadOnlySpan<float> gradient,
        (int Begin, int End) images,
        (int Begin, int End) outputs,
        Span<float> sums)
    {
        int count = outputs.End - outputs.Begin;
        KernelCheck.AtLeast(source.Length, g.InLength, nameof(source));
        KernelCheck.AtLeast(gradient.Length, g.OutLength, nameof(gradient));
        KernelCheck.AtLeast(sums.Length, SumsLength(g, count), nameof(sums));
        KernelCheck.Tiles(images.Begin, images.End, g.Batch);
        KernelCheck.Tiles(outputs.Begin, outputs.End, g.OutChannels);
        int pitch = FloatPatches.Pitch(g);
        int pixels = Math.Clamp(PatchValues / pitch, FewestPixels, MostPixels);
        bool isCopied = count % Rows != 0;
        float* scratch = Scratch.Floats(checked((pixels * pitch) + (isCopied ? pixels * RoundUp(count) : 0)));
        int image = g.OutDepth * g.OutHeight * g.OutWidth;
        fixed (float* x = source, dy = gradient, acc = sums)
        {
            var work = new Block { Patches = scratch, Pitch = pitch, Sums = acc, SumsPitch = SumsPitch(g), Outputs = RoundUp(count), Vectors = (g.Depth + TLanes.Count - 1) / TLanes.Count };
            for (int first = images.Begin * image; first < images.End * image; first += pixels)
            {
                work.Count = Math.Min(pixels, (images.End * image) - first);
                work.IsFirst = first == images.Begin * image;
                FloatPatches.Copy(g, x, outputs.Begin / g.GroupOutChannels, first, work.Count, scratch, pitch);
                work.Gradient = dy + ((long)first * g.OutChannels) + outputs.Begin;
                work.GradientPitch = g.OutChannels;
                if (isCopied)
                {
                    CopyGradient(ref work, scratch + ((long)pixels * pitch), count);
                }

                Tiles(work);
            }
        }
    }

    private static int RoundUp(int outputs) => (outputs + Rows - 1) / Rows * Rows;

    /// <summary>Rows of whole register tiles, so that none reads past the gradient's end.</summary>
    private static void CopyGradient(ref Block work, float* target, int count)
    {
        for (int p = 0; p < work.Count; p++)
        {
            new ReadOnlySpan<float>(work.Gradient + ((long)p * work.GradientPitch), count).CopyTo(new Span<float>(target + ((long)p * work.Outputs), count));
        }

        work.Gradient = target;
        work.GradientPitch = work.Outputs;
    }

    private static void Tiles(in Block work)
    {
        int vector = 0;
        for (; work.Vectors - vector is not (0 or 1 or 2 or 4); vector += 3)
        {
            Column<Three>(work, vector);
        }

        for (; work.Vectors - vector >= 2; vector += 2)
        {
            Column<Two>(work, vector);
        }

        if (vector < work.Vectors)
        {
            Column<One>(work, vector);
        }
    }

    private static void Column<TShape>(in Block work, int vector)
        where TShape : struct, ITileShape
    {
        float* patches = work.Patches + (vector * TLanes.Count);
        for (int o = 0; o < work.Outputs; o += TShape.Outputs)
        {
            float* sums = work.Sums + ((long)o * work.SumsPitch) + (vector * TLanes.Count);
            if (work.IsFirst)
            {
                for (int r = 0; r < TShape.Outputs; r++)
                {
                    new Span<float>(sums + ((long)r * work.SumsPitch), TShape.Vectors * TLanes.Count).Clear();
                }
            }

            TShape.Add(work.Gradient + o, work.GradientPitch, patches, work.Pitch, work.Count, sums, work.SumsPitch);
        }
    }

    private ref struct Block
    {
        public float* Patches;
        public nint Pitch;
        public float* Gradient;
        public nint GradientPitch;
        public float* Sums;
        public nint SumsPitch;
        public int Outputs;
        public int Vectors;
        public int Count;
        public bool IsFirst;
    }
}
