using System;

namespace Microsoft.ML.Quantization.Onnx.Tests.Fuzzing;

/// <summary>Damages a file without knowing its structure.</summary>
internal static class ByteMutator
{
    private static readonly byte[][] _numbers = [[0], [0x7F], [0xFF], [0x80, 0x01], [0xFF, 0xFF, 0xFF, 0xFF, 0x07], [0xFF, 0xFF, 0xFF, 0xFF, 0x0F], [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]];

    /// <summary>One to four changes.</summary>
    public static byte[] Mutate(byte[] source, Random random)
    {
        byte[] bytes = [.. source];
        int changes = random.Next(1, 5);
        for (int i = 0; i < changes && bytes.Length > 0; i++)
        {
            bytes = Change(bytes, random);
        }

        return bytes;
    }

    private static byte[] Change(byte[] bytes, Random random)
    {
        int at = random.Next(bytes.Length);
        int length = Math.Min(random.Next(1, 16), bytes.Length - at);
        switch (random.Next(6))
        {
            case 0:
                bytes[at] ^= (byte)(1 << random.Next(8));
                return bytes;
            case 1:
                bytes[at] = (byte)random.Next(256);
                return bytes;
            case 2:
                return [.. bytes[..at], .. bytes[(at + length)..]];
            case 3:
                return [.. bytes[..(at + length)], .. bytes[at..]];
            case 4:
                return [.. bytes[..at], .. _numbers[random.Next(_numbers.Length)], .. bytes[(at + 1)..]];
            default:
                return random.Next(8) == 0 ? bytes[..at] : [.. bytes[..at], .. bytes[random.Next(bytes.Length)..]];
        }
    }
}
