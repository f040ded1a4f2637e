using System;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Training;

/// <summary>A random change of a training image [C, H, W]; a pure function of the image and the random numbers of (seed, epoch, row).</summary>
public abstract record Augmentation
{
    /// <summary>Changes an image in place.</summary>
    /// <param name="image">The values.</param>
    /// <param name="shape">[C, H, W].</param>
    /// <param name="random">The random numbers of this image and this augmentation.</param>
    public abstract void Apply(Span<float> image, Shape shape, CounterRandom random);
}

/// <summary>Shifts by up to <paramref name="Pixels"/> in each direction; what comes in is <paramref name="Fill"/>.</summary>
/// <param name="Pixels">Largest shift, from 0.</param>
/// <param name="Fill">The value outside the image.</param>
public sealed record RandomShift(int Pixels, float Fill = 0) : Augmentation
{
    /// <inheritdoc/>
    public override void Apply(Span<float> image, Shape shape, CounterRandom random)
    {
        ArgumentNullException.ThrowIfNull(shape);
        int down = random.Integer(0, -Pixels, Pixels);
        int right = random.Integer(1, -Pixels, Pixels);
        float[] old = image.ToArray();
        image.Fill(Fill);
        int height = shape[1];
        int width = shape[2];
        int first = Math.Max(0, right);
        int count = Math.Max(0, width - Math.Abs(right));
        for (int line = 0; line < shape[0] * height; line++)
        {
            int from = (line % height) - down;
            if ((uint)from < (uint)height)
            {
                old.AsSpan((((line / height * height) + from) * width) + first - right, count).CopyTo(image[((line * width) + first)..]);
            }
        }
    }
}

/// <summary>Mirrors left and right, with probability ½.</summary>
public sealed record RandomFlip : Augmentation
{
    /// <inheritdoc/>
    public override void Apply(Span<float> image, Shape shape, CounterRandom random)
    {
        ArgumentNullException.ThrowIfNull(shape);
        if (random.Uniform(0) < 0.5f)
        {
            return;
        }

        int width = shape[2];
        for (int line = 0; line < image.Length / width; line++)
        {
            image.Slice(line * width, width).Reverse();
        }
    }
}
