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
    private const int BandValues = 6144;
    private const int FewestPixels = 48;
    private const int MostPixels = 128;

    public static int SumsPitch(in ConvolutionGeometry g) => IsBanded(g) ? g.KernelHeight * FloatPatches.RoundUp(Run(g)) : FloatPatches.RoundUp(g.Depth);

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
        fixed (float* x = source, dy = gradient, acc = sums)
        {
            var work = new Block { Sums = acc, SumsPitch = SumsPitch(g), Outputs = RoundUp(count), Wanted = count, SourcePitch = g.OutChannels, GradientPitch = g.OutChannels, IsFirst = true };
            if (IsBanded(g))
            {
                InBands(g, x, dy, images, outputs.Begin, ref work);
                CloseUp(g, work, count);
            }
            else
            {
                InPatches(g, x, dy, images, outputs.Begin, ref work);
            }
        }
    }

    private static int RoundUp(int outputs) => (outputs + Rows - 1) / Rows * Rows;

    private static int Run(in ConvolutionGeometry g) => g.KernelWidth * g.GroupInChannels;

    /// <summary>Whether runs fill their vectors well enough.</summary>
    private static bool IsBanded(in ConvolutionGeometry g) => new FloatBands(g, BandValues).IsPossible && 4 * Run(g) >= 3 * FloatPatches.RoundUp(Run(g));

    private static void InPatches(in ConvolutionGeometry g, float* source, float* gradient, (int Begin, int End) images, int output, ref Block work)
    {
        int pitch = FloatPatches.Pitch(g);
        int pixels = Math.Clamp(PatchValues / pitch, FewestPixels, MostPixels);
        float* scratch = Scratch.Floats(checked((pixels * pitch) + (work.IsCopied ? pixels * work.Outputs : 0)));
        int image = g.OutDepth * g.OutHeight * g.OutWidth;
        work.Patches = scratch;
        work.Pitch = pitch;
        work.Lines = 1;
        work.Vectors = (g.Depth + TLanes.Count - 1) / TLanes.Count;
        for (int first = images.Begin * image; first < images.End * image; first += pixels)
        {
            work.Count = Math.Min(pixels, (images.End * image) - first);
            FloatPatches.Copy(g, source, output / g.GroupOutChannels, first, work.Count, scratch, pitch);
            work.Take(gradient + ((long)first * g.OutChannels) + output, scratch + ((long)pixels * pitch));
            Tiles(work, 0);
            work.IsFirst = false;
        }
    }

    private static void InBands(in ConvolutionGeometry g, float* source, float* gradient, (int Begin, int End) images, int output, ref Block work)
    {
        var bands = new FloatBands(g, BandValues);
        float* scratch = Scratch.Floats(checked(bands.Length + (work.IsCopied ? bands.Rows * g.OutWidth * work.Outputs : 0)));
        work.Pitch = g.GroupInChannels * g.StrideWidth;
        work.LinePitch = bands.Pitch * g.StrideHeight;
        work.Count = g.OutWidth;
        work.Vectors = (Run(g) + TLanes.Count - 1) / TLanes.Count;
        for (int band = images.Begin * bands.OfImage; band < images.End * bands.OfImage; band++)
        {
            (int Image, int Row, int Count) part = bands.At(g, band);
            bands.Copy(g, source, output / g.GroupOutChannels, part, scratch);
            work.Lines = part.Count;
            work.Take(gradient + (((((long)part.Image * g.OutHeight) + part.Row) * g.OutWidth * g.OutChannels) + output), scratch + bands.Length);
            for (int run = 0; run < g.KernelHeight; run++)
            {
                work.Patches = scratch + ((long)run * g.DilationHeight * bands.Pitch);
                Tiles(work, run * FloatPatches.RoundUp(Run(g)));
            }

            work.IsFirst = false;
        }
    }

    /// <summary>Sums of a run fill whole vectors while they grow; in the end they stand side by side.</summary>
    private static void CloseUp(in ConvolutionGeometry g, in Block work, int outputs)
    {
        int length = Run(g);
        int room = FloatPatches.RoundUp(length);
        for (int o = 0; o < outputs && room != length; o++)
        {
            float* row = work.Sums + (o * work.SumsPitch);
            for (int run = 1; run < g.KernelHeight; run++)
            {
                new ReadOnlySpan<float>(row + (run * room), length).CopyTo(new Span<float>(row + (run * length), length));
            }
        }
    }

    private static void Tiles(in Block work, int place)
    {
        int vector = 0;
        for (; work.Vectors - vector is not (0 or 1 or 2 or 4); vector += 3)
        {
            Column<Three>(work, vector, place);
        }

        for (; work.Vectors - vector >= 2; vector += 2)
        {
            Column<Two>(work, vector, place);
        }

        if (vector < work.Vectors)
        {
            Column<One>(work, vector, place);
        }
    }

    private static void Column<TShape>(in Block work, int vector, int place)
        where TShape : struct, ITileShape
    {
        float* patches = work.Patches + (vector * TLanes.Count);
        for (int o = 0; o < work.Outputs; o += TShape.Outputs)
        {
            float* sums = work.Sums + (o * work.SumsPitch) + place + (vector * TLanes.Count);
            if (work.IsFirst)
            {
                for (int r = 0; r < TShape.Outputs; r++)
                {
                    new Span<float>(sums + (r * work.SumsPitch), TShape.Vectors * TLanes.Count).Clear();
                }
            }

            TShape.Add(work, work.Gradient + o, patches, sums);
        }
    }

    /// <summary>Some pixels: Lines lines of Count, Pitch apart in a line; and the same of the gradient.</summary>
    private ref struct Block
    {
        public float* Patches;
        public nint Pitch;
        public nint LinePitch;
        public float* Gradient;
        public nint SourcePitch;
        public nint GradientPitch;
        public nint GradientLine;
        public float* Sums;
        public nint SumsPitch;
        public int Wanted;
        public int Outputs;
        public int Vectors;
        public int Lines;
        public int Count;
        public bool IsFirst;

        /// <summary>Whether register tiles have more outputs than there are, so that they must not read the gradient itself.</summary>
        public readonly bool IsCopied => Outputs != Wanted;

        /// <summary>Takes the gradient of the pixels, which follow one another there.</summary>
        public void Take(float* gradient, float* copy)
        {
            Gradient = gradient;
            if (IsCopied)
            {
                for (int p = 0; p < Lines * Count; p++)
                {
                    new ReadOnlySpan<float>(gradient + (p * SourcePitch), Wanted).CopyTo(new Span<float>(copy + ((long)p * Outputs), Wanted));
                }

                Gradient = copy;
                GradientPitch = Outputs;
            }

            GradientLine = GradientPitch * Count;
        }
    }
}
