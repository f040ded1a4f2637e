using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Allocation;
using Microsoft.ML.Quantization.Kernels;

namespace Microsoft.ML.Quantization.Packing.Steps;

/// <summary>A step over values in one order that can do some of them by themselves.</summary>
internal interface IRangeStep
{
    /// <summary>Pixels of the whole work, given the channels of one; −1 where they do not divide it.</summary>
    public int PixelsOf(int channels);

    /// <summary>Does <paramref name="count"/> pixels of <paramref name="channels"/> values.</summary>
    public void RunPixels(RunBuffers buffers, int pixel, int count, int channels);
}

/// <summary>
/// A convolution, the max pool that alone reads it and element-wise steps behind the pool, a few rows at a time: what the convolution makes stays in a small memory of the
/// chunk, and later steps find their input in the cache. Rows that two bands read are kept.
/// </summary>
internal sealed unsafe class BandStep : BoundStep
{
    // Half of the second cache of small processors.
    private const int Memory = 128 * 1024;

    private readonly ByteConvolutionStep _convolution;
    private readonly PoolStep _pool;
    private readonly IRangeStep[] _followers;
    private readonly ConvolutionGeometry _geometry;
    private readonly int _band;
    private readonly int _row;
    private readonly int _size;

    public BandStep(BindContext context, ByteConvolutionStep convolution, PoolStep pool, IRangeStep[] followers)
    {
        (_convolution, _pool, _followers) = (convolution, pool, followers);
        _geometry = pool.Geometry;
        _size = convolution.OutputSize;
        _row = _geometry.InWidth * _geometry.InChannels * _size;
        _band = (int)Math.Clamp(Memory / ((long)_row * _geometry.StrideHeight), 1, _geometry.OutHeight);
        ConvolutionGeometry g = convolution.Geometry;
        int bands = _geometry.Batch * ((_geometry.OutHeight + _band - 1) / _band);

        // Chunks begin at any row, so that there are as many for each thread, also where one band holds all.
        int even = (bands + context.Threads - 1) / context.Threads * context.Threads;
        Chunks = context.Chunks(Math.Min(even, _geometry.Batch * _geometry.OutHeight), g.OutLength * g.Depth);
        Work = convolution.Work;
        Also = [pool.Work, .. followers.OfType<BoundStep>().Select(f => f.Work)];
    }

    private int MostRows => Math.Min(((_band - 1) * _geometry.StrideHeight) + ((_geometry.KernelHeight - 1) * _geometry.DilationHeight) + 1, _geometry.InHeight);

    /// <summary>Whether the steps can run so.</summary>
    public static bool Fits(BoundStep convolution, BoundStep pool)
        => convolution is ByteConvolutionStep { HasRows: true } && pool is MaxPoolByteStep or MaxPoolWideStep or MaxPoolFloatStep && Band.Fits(((PoolStep)pool).Geometry);

    /// <summary>Whether a step can follow the pool.</summary>
    public static bool Follows(BoundStep pool, BoundStep step)
        => step is IRangeStep range && pool is PoolStep { Geometry: var g } && range.PixelsOf(g.OutChannels) == g.OutPixels;

    /// <inheritdoc/>
    public override object Prepare(RunBuffers buffers) => new NativeBlock((long)Chunks * MostRows * _row);

    /// <inheritdoc/>
    public override void Run(RunBuffers buffers, int chunk)
    {
        int rows = _geometry.Batch * _geometry.OutHeight;
        int end = Begin(rows, chunk + 1);
        var held = new Span<byte>(((NativeBlock)buffers.State!).Pointer + ((long)chunk * MostRows * _row), MostRows * _row);
        for (int row = Begin(rows, chunk); row < end;)
        {
            (int image, int begin) = Math.DivRem(row, _geometry.OutHeight);
            int stop = Math.Min(_geometry.OutHeight, begin + end - row);
            Run(buffers, image, begin, stop, held);
            row += stop - begin;
        }
    }

    /// <summary>The rows [begin, end) of one image, band by band.</summary>
    private void Run(RunBuffers buffers, int image, int begin, int end, Span<byte> held)
    {
        (int top, int bottom) = (0, 0);
        for (int row = begin; row < end; row += _band)
        {
            int stop = Math.Min(row + _band, end);
            var band = new Band(_geometry, row, stop);
            int kept = Math.Max(bottom - band.Top, 0);
            held.Slice((bottom - kept - top) * _row, kept * _row).CopyTo(held);
            (top, bottom) = (band.Top, band.Bottom);
            if (top + kept < bottom)
            {
                _convolution.RunRows(buffers, image, top + kept, bottom, held[(kept * _row)..(band.Rows * _row)]);
            }

            int first = ((image * _geometry.OutHeight) + row) * _geometry.OutWidth;
            int pixels = (stop - row) * _geometry.OutWidth;
            int size = _geometry.OutChannels * _size;
            _pool.RunRows(band.Geometry, held[..(band.Rows * _row)], buffers.Bytes(_pool.Destination, _size).Slice(first * size, pixels * size));
            foreach (IRangeStep follower in _followers)
            {
                follower.RunPixels(buffers, first, pixels, _geometry.OutChannels);
            }
        }
    }
}

/// <summary>Finds the steps that make a <see cref="BandStep"/> together.</summary>
/// <remarks>
/// A depthwise convolution and the 1×1 convolution behind it stay two steps: over MobileNetV2 on one AMD EPYC (1 MiB of second cache), rows of both in turns took 4 to 8 % longer with 96 KiB between them, 6 to 14 % with
/// 24 KiB. The kernels lose more by short runs of rows than the cache gives back.
/// </remarks>
internal static class BandFusion
{
    /// <summary>The same program, such steps as one.</summary>
    /// <param name="steps">The steps in order.</param>
    /// <param name="context">A batch of one, to look at bound steps.</param>
    public static PackedStep[] Run(PackedStep[] steps, BindContext context)
    {
        var made = new List<PackedStep>();
        for (int i = 0; i < steps.Length; i++)
        {
            int count = i + 1 < steps.Length ? Length(steps, i, context) : 0;
            made.Add(count == 0 ? steps[i] : Join(steps.AsSpan(i, count).ToArray()));
            i += Math.Max(count - 1, 0);
        }

        return [.. made];
    }

    private static int Length(PackedStep[] steps, int index, BindContext context)
    {
        (PackedStep convolution, PackedStep pool) = (steps[index], steps[index + 1]);
        bool alone = convolution.Writes.Length == 1 && pool.Reads.SequenceEqual(convolution.Writes) && steps.Count(s => s.Reads.Contains(convolution.Writes[0])) == 1;
        if (!alone || !BandStep.Fits(Bind(convolution, context), Bind(pool, context)))
        {
            return 0;
        }

        BoundStep bound = Bind(pool, context);
        int end = index + 2;
        while (end < steps.Length && BandStep.Follows(bound, Bind(steps[end], context)))
        {
            end++;
        }

        return end - index;
    }

    private static PackedStep Join(PackedStep[] steps)
    {
        int[] writes = [.. steps.Skip(1).SelectMany(s => s.Writes)];
        int[] reads = [.. steps.SelectMany(s => s.Reads).Distinct().Except(writes).Except(steps[0].Writes)];
        string[] name = steps[0].Operation.Split('→');
        string operation = $"{name[0]}{string.Concat(steps.Skip(1).Select(s => "+" + s.Operation))}→{name[^1]}";
        return steps[0] with
        {
            Operation = operation,
            Reads = reads,
            Writes = writes,
            Bind = c => new BandStep(c, (ByteConvolutionStep)Bind(steps[0], c), (PoolStep)Bind(steps[1], c), [.. steps.Skip(2).Select(s => (IRangeStep)Bind(s, c))]),
        };
    }

    private static BoundStep Bind(PackedStep step, BindContext context) => step.Bind(context.With(step.Kernels));
}
