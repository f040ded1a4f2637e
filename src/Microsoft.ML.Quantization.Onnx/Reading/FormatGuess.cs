using System;
using System.Text;

namespace Microsoft.ML.Quantization.Onnx.Reading;

/// <summary>What a file that is no ONNX model may be instead, told from its first bytes.</summary>
internal static class FormatGuess
{
    private static readonly (string Start, int Offset, string Guess)[] _signatures =
    [
        ("version https://git-lfs", 0, "a Git LFS pointer; fetch the file itself with 'git lfs pull'"),
        ("<!DOCTYPE", 0, "a web page; the download probably failed"),
        ("<!doctype", 0, "a web page; the download probably failed"),
        ("<html", 0, "a web page; the download probably failed"),
        ("<HTML", 0, "a web page; the download probably failed"),
        ("<?xml", 0, "an XML file"),
        ("PK\u0003\u0004", 0, "a zip archive, as PyTorch's .pt and ML.NET's models are; export the model to ONNX, or unpack it"),
        ("\u0080\u0002", 0, "a Python pickle, as old PyTorch files are; export the model to ONNX"),
        ("\u0080\u0003", 0, "a Python pickle; export the model to ONNX"),
        ("\u0080\u0004", 0, "a Python pickle; export the model to ONNX"),
        ("\u001f\u008b", 0, "a gzip archive; unpack it"),
        ("\u0089HDF", 0, "an HDF5 file, as Keras writes; convert the model to ONNX"),
        ("TFL3", 4, "a TensorFlow Lite model; convert it to ONNX"),
        ("ORTM", 4, "a model in ONNX Runtime's own format; use the ONNX file it was made from"),
        ("GGUF", 0, "a GGUF file"),
        ("{", 0, "a JSON file"),
    ];

    /// <summary>The first bytes in hexadecimal and text, and a guess when there is one.</summary>
    public static string Describe(ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<byte> start = bytes[..Math.Min(bytes.Length, 16)];
        var text = new StringBuilder(start.Length);
        foreach (byte b in start)
        {
            text.Append(b is >= 0x20 and < 0x7F ? (char)b : '.');
        }

        string guess = Guess(bytes) is { } found ? $" It looks like {found}." : string.Empty;
        return $"first bytes {Convert.ToHexString(start)} (\"{text}\").{guess}";
    }

    /// <summary>What the bytes look like, or null.</summary>
    public static string? Guess(ReadOnlySpan<byte> bytes)
    {
        foreach ((string start, int offset, string guess) in _signatures)
        {
            if (bytes.Length >= offset + start.Length && Encoding.Latin1.GetString(bytes.Slice(offset, start.Length)) == start)
            {
                return guess;
            }
        }

        return null;
    }
}
