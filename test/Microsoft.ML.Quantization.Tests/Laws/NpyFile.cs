using System;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Tests.Laws;

/// <summary>Reads NumPy's files of little-endian floats and 64-bit integers in C order: magic of 6 bytes, version, length of the header, a Python dictionary, the numbers.</summary>
internal static partial class NpyFile
{
    public static Tensor Read(string path)
    {
        byte[] file = File.ReadAllBytes(path);
        bool isShort = file[6] == 1;
        int length = isShort ? BitConverter.ToUInt16(file, 8) : BitConverter.ToInt32(file, 8);
        int start = isShort ? 10 : 12;
        string header = Encoding.ASCII.GetString(file, start, length);
        bool floats = header.Contains("'<f4'", StringComparison.Ordinal);
        if ((!floats && !header.Contains("'<i8'", StringComparison.Ordinal)) || header.Contains("'fortran_order': True", StringComparison.Ordinal))
        {
            throw new InvalidDataException($"'{path}': expected little-endian floats or 64-bit integers in C order, found {header}.");
        }

        int[] shape = [.. Numbers().Matches(ShapePart().Match(header).Groups[1].Value).Select(m => int.Parse(m.Value, System.Globalization.CultureInfo.InvariantCulture))];
        ReadOnlySpan<byte> numbers = file.AsSpan(start + length);
        return floats ? Tensor.Create(Shape.Of(shape), MemoryMarshal.Cast<byte, float>(numbers)) : Tensor.Create(Shape.Of(shape), MemoryMarshal.Cast<byte, long>(numbers));
    }

    [GeneratedRegex(@"'shape':\s*\(([^)]*)\)")]
    private static partial Regex ShapePart();

    [GeneratedRegex("[0-9]+")]
    private static partial Regex Numbers();
}
