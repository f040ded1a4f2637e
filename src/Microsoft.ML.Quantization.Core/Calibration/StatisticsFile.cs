using System;
using System.Buffers.Binary;
using System.Globalization;
using System.IO;
using System.Security.Cryptography;

namespace Microsoft.ML.Quantization.Calibration;

/// <summary>
/// The statistics file, little-endian: "MLQSTATS", version (int32), length of the body (int64), SHA-256 of the body, body (<see cref="StatisticsCodec"/>).
/// Equal statistics give equal bytes.
/// </summary>
internal static class StatisticsFile
{
    public const int HeaderLength = 8 + 4 + 8 + 32;
    public const int Version = 1;
    private static ReadOnlySpan<byte> Magic => "MLQSTATS"u8;

    public static byte[] ToBytes(CalibrationResult result)
    {
        byte[] body = StatisticsCodec.Write(result);
        var file = new byte[HeaderLength + body.Length];
        Magic.CopyTo(file);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(8), Version);
        BinaryPrimitives.WriteInt64LittleEndian(file.AsSpan(12), body.Length);
        SHA256.HashData(body, file.AsSpan(20));
        body.CopyTo(file, HeaderLength);
        return file;
    }

    public static CalibrationResult Read(ReadOnlySpan<byte> file)
    {
        if (!file.StartsWith(Magic))
        {
            throw Error(QuantizationErrorCode.NotAModel, $"expected the first bytes MLQSTATS, found {Convert.ToHexString(file[..Math.Min(8, file.Length)])}");
        }

        long length = file.Length < HeaderLength ? -1 : BinaryPrimitives.ReadInt64LittleEndian(file[12..]);
        int version = file.Length < 12 ? Version : BinaryPrimitives.ReadInt32LittleEndian(file[8..]);
        if (version != Version)
        {
            throw Error(QuantizationErrorCode.UnsupportedModelVersion, $"expected version {Version}, found {version}; calibrate anew or use the library version that wrote it");
        }

        if (length < 0 || length != file.Length - HeaderLength)
        {
            throw Error(QuantizationErrorCode.TruncatedModel, $"expected a body of {Math.Max(length, 0)} bytes behind a header of {HeaderLength}, found {file.Length} bytes in all");
        }

        ReadOnlySpan<byte> body = file[HeaderLength..];
        if (!SHA256.HashData(body).AsSpan().SequenceEqual(file.Slice(20, 32)))
        {
            throw Error(QuantizationErrorCode.CorruptModel, $"the checksum of {body.Length} bytes differs; the file is damaged");
        }

        return StatisticsCodec.Read(body);
    }

    public static void Write(CalibrationResult result, string path)
    {
        byte[] bytes = ToBytes(result);
        string temporary = path + "." + Guid.NewGuid().ToString("N") + ".tmp";
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                stream.Write(bytes);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Discard(temporary);
            throw new QuantizationException(QuantizationErrorCode.WriteFailed, $"Statistics file '{path}': expected to write {bytes.Length} bytes, found: {e.Message} The target is untouched.", e);
        }
    }

    private static void Discard(string path)
    {
        if (File.Exists(path))
        {
            File.Delete(path);
        }
    }

    private static QuantizationException Error(QuantizationErrorCode code, FormattableString text)
        => new(code, "Statistics file: " + text.ToString(CultureInfo.InvariantCulture) + ".");
}
