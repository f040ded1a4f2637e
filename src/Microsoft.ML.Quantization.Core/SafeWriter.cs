using System;
using System.IO;
using Microsoft.ML.Quantization.Serialization;

namespace Microsoft.ML.Quantization;

/// <summary>Writes a model file so that the target is either the old file or a verified new one.</summary>
internal static class SafeWriter
{
    /// <summary>Writes, reads again, verifies, renames.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.WriteFailed"/> or <see cref="QuantizationErrorCode.VerificationFailed"/>.</exception>
    public static void Write(ModelDocument document, string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string target = Path.GetFullPath(path);
        string temporary = target + "." + Path.GetRandomFileName() + ".tmp";
        try
        {
            using (var file = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                ModelWriter.Write(document, file);
                file.Flush(flushToDisk: true);
            }

            Verify(temporary);
            File.Move(temporary, target, overwrite: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new QuantizationException(QuantizationErrorCode.WriteFailed, $"'{path}': expected a place that can be written, found: {exception.Message} The target is untouched; check the folder, its rights and the free space.", exception);
        }
        finally
        {
            Delete(temporary);
        }
    }

    private static void Verify(string temporary)
    {
        using FileStream file = File.OpenRead(temporary);
        using QuantizedModel model = QuantizedModel.Load(file, new QuantizedModelOptions { ThreadCount = 1 });
        model.Verify();
    }

    private static void Delete(string temporary)
    {
        try
        {
            File.Delete(temporary);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // A temporary file that cannot be removed must not hide the result of the write.
        }
    }
}
