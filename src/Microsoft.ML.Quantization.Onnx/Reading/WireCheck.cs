using System;
using System.Collections.Generic;
using Google.Protobuf.Reflection;

namespace Microsoft.ML.Quantization.Onnx.Reading;

/// <summary>
/// Walks all tags and lengths of a file before it is parsed, without recursion and without allocating for what the file says: each length must lie
/// inside the message around it. The parser trusts a length near 2^31 too far.
/// </summary>
internal static class WireCheck
{
    private const int MaximumDepth = 100;

    /// <summary>What is wrong with the bytes.</summary>
    internal enum Problem
    {
        None,
        Damaged,
        TooDeep,
    }

    /// <summary>The first problem and where it is.</summary>
    public static (Problem Problem, long Position) Find(ReadOnlySpan<byte> bytes, MessageDescriptor root)
    {
        var open = new Stack<(MessageDescriptor Message, int End)>();
        open.Push((root, bytes.Length));
        int position = 0;
        while (open.TryPeek(out (MessageDescriptor Message, int End) current))
        {
            if (position == current.End)
            {
                open.Pop();
                continue;
            }

            int start = position;
            if (!TryVarint(bytes[..current.End], ref position, out ulong tag) || !TryField(bytes[..current.End], ref position, tag, out int length))
            {
                return (Problem.Damaged, start);
            }

            if (length < 0)
            {
                continue;
            }

            if (current.Message.FindFieldByNumber((int)(tag >> 3)) is { FieldType: FieldType.Message } field)
            {
                open.Push((field.MessageType, position + length));
            }
            else
            {
                position += length;
            }

            if (open.Count > MaximumDepth)
            {
                return (Problem.TooDeep, start);
            }
        }

        return (Problem.None, position);
    }

    /// <summary>Passes a number, or gives the length of what follows (−1 for numbers); false when it does not fit.</summary>
    private static bool TryField(ReadOnlySpan<byte> bytes, ref int position, ulong tag, out int length)
    {
        length = -1;
        if (tag >> 3 is 0 or >= 1 << 29)
        {
            return false;
        }

        switch ((int)(tag & 7))
        {
            case 0:
                return TryVarint(bytes, ref position, out _);
            case 1:
                position += 8;
                return position <= bytes.Length;
            case 2:
                bool fits = TryVarint(bytes, ref position, out ulong size) && size <= (ulong)(bytes.Length - position);
                length = fits ? (int)size : -1;
                return fits;
            case 5:
                position += 4;
                return position <= bytes.Length;
            default:
                return false;
        }
    }

    private static bool TryVarint(ReadOnlySpan<byte> bytes, ref int position, out ulong value)
    {
        value = 0;
        for (int shift = 0; shift < 70 && position < bytes.Length; shift += 7)
        {
            byte next = bytes[position++];
            value |= shift < 64 ? (ulong)(next & 0x7F) << shift : 0;
            if (next < 0x80)
            {
                return true;
            }
        }

        return false;
    }
}
