using System;
using System.IO;
using Microsoft.ML.Quantization.Onnx.Import;
using Microsoft.ML.Quantization.Onnx.Proto;
using Microsoft.ML.Quantization.Onnx.Reading;

namespace Microsoft.ML.Quantization.Onnx;

/// <summary>
/// Reads ONNX files of operator set 7 and newer (older ones where their operators already meant the same). Shape arithmetic, constants,
/// and operators that only move shapes fold; a first axis without a size is the free batch. Operators: see <see cref="OnnxOperators"/>.
/// </summary>
public static class OnnxModel
{
    /// <summary>Reads a file; external data are looked for beside it.</summary>
    /// <exception cref="QuantizationException">The file is no ONNX model, is damaged, breaks a limit or needs what is not supported.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static OnnxImportResult Load(string path, OnnxImportOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        options ??= new OnnxImportOptions();
        var file = new FileInfo(path);
        if (file.Exists && file.Length > Array.MaxLength)
        {
            throw new QuantizationException(
                QuantizationErrorCode.ModelLimitExceeded,
                $"Model file '{path}': expected fewer than 2^31 bytes, found {file.Length}. Save the weights as external data.");
        }

        return Load(File.ReadAllBytes(path), options, Path.GetDirectoryName(Path.GetFullPath(path)));
    }

    /// <summary>Reads a stream to its end.</summary>
    /// <exception cref="QuantizationException">As with a path.</exception>
    public static OnnxImportResult Load(Stream stream, OnnxImportOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        using var memory = new MemoryStream();
        stream.CopyTo(memory);
        return Load(memory.ToArray(), options);
    }

    /// <summary>Reads a model from memory.</summary>
    /// <exception cref="QuantizationException">As with a path.</exception>
    public static OnnxImportResult Load(byte[] bytes, OnnxImportOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        return Load(bytes, options ?? new OnnxImportOptions(), null);
    }

    internal static OnnxImportResult Load(ModelMessage model, OnnxImportOptions options, string? folder)
        => new ModelImporter(model, options, new ExternalData(options.ExternalDataFolder ?? folder, options.AllowLinksWithin)).Import();

    private static OnnxImportResult Load(byte[] bytes, OnnxImportOptions options, string? folder) => Load(ModelReader.Read(bytes), options, folder);
}
