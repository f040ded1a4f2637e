using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using Microsoft.ML.Quantization.Onnx.Proto;

namespace Microsoft.ML.Quantization.Onnx.Reading;

/// <summary>
/// Tensor data in files beside the model. Only the keys location, offset and length are looked at; the place must be a relative path that
/// stays in the folder; links are refused unless their target lies in a folder that the caller names.
/// </summary>
internal sealed class ExternalData(string? folder, string? linkFolder)
{
    private readonly Dictionary<string, long> _read = new(StringComparer.Ordinal);

    /// <summary>Reads the bytes of one tensor.</summary>
    public Memory<byte> Read(TensorMessage message, long expected, string place, AllocationBudget budget)
    {
        string location = Key(message, "location") ?? string.Empty;
        string path = Locate(location, place);
        long offset = Number(message, "offset", place) ?? 0;
        long length = Number(message, "length", place) ?? expected;
        if (length != expected)
        {
            throw new QuantizationException(QuantizationErrorCode.TensorLengthMismatch, $"'{place}': expected {expected} bytes of external data, found a length of {length}.");
        }

        using FileStream file = File.OpenRead(path);
        if (offset > file.Length || length > file.Length - offset || length > Array.MaxLength)
        {
            throw Rejected(place, $"bytes inside '{location}' of {file.Length} bytes", $"offset {offset} and length {length}");
        }

        ReserveRepeats(path, file.Length, length, place, budget);
        var bytes = new byte[length];
        file.Position = offset;
        file.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>A file may be read once for free; reading its bytes again and again counts as growth.</summary>
    private void ReserveRepeats(string path, long fileLength, long length, string place, AllocationBudget budget)
    {
        long before = _read.GetValueOrDefault(path);
        _read[path] = before + length;
        budget.Reserve(Math.Max(0, before + length - Math.Max(fileLength, before)), place);
    }

    private string Locate(string location, string place)
    {
        if (folder is null)
        {
            throw new QuantizationException(QuantizationErrorCode.ExternalDataMissing, $"'{place}': expected external data '{location}', found no folder, for the model came from memory. Load it by path or set ExternalDataFolder.");
        }

        string[] parts = location.Split('/', '\\');
        bool plain = location.Length > 0 && !Path.IsPathRooted(location) && !location.Contains(':', StringComparison.Ordinal) && !location.Contains('\0', StringComparison.Ordinal)
            && parts.All(p => p.Length > 0 && p != "..");
        if (!plain)
        {
            throw Rejected(place, "a relative path inside the model's folder", $"'{location}'");
        }

        string root = Path.GetFullPath(folder);
        string path = parts.Aggregate(root, Path.Combine);
        if (!File.Exists(path))
        {
            throw new QuantizationException(QuantizationErrorCode.ExternalDataMissing, $"'{place}': expected external data in '{path}', found no such file. Copy it beside the model.");
        }

        CheckLinks(root, parts, place);
        return path;
    }

    private void CheckLinks(string root, string[] parts, string place)
    {
        string path = root;
        foreach (string part in parts)
        {
            path = Path.Combine(path, part);
            FileSystemInfo info = Directory.Exists(path) ? new DirectoryInfo(path) : new FileInfo(path);
            if (info.LinkTarget is not null && !IsAllowed(info.ResolveLinkTarget(returnFinalTarget: true)?.FullName))
            {
                throw Rejected(place, "a file that is no link", $"the link '{path}'; set AllowLinksWithin to the folder that holds its target");
            }
        }

        if (HardLinks.CountOf(path) > 1 && !IsAllowed(path))
        {
            throw Rejected(place, "a file with one name", $"the hard link '{path}'; set AllowLinksWithin to its folder");
        }
    }

    private bool IsAllowed(string? target)
    {
        if (linkFolder is null || target is null)
        {
            return false;
        }

        string relative = Path.GetRelativePath(Path.GetFullPath(linkFolder), target);
        return !Path.IsPathRooted(relative) && relative != ".." && !relative.StartsWith(".." + Path.DirectorySeparatorChar, StringComparison.Ordinal);
    }

    private static string? Key(TensorMessage message, string key) => message.ExternalData.FirstOrDefault(p => p.Key == key)?.Value;

    private static long? Number(TensorMessage message, string key, string place)
    {
        string? text = Key(message, key);
        if (text is null)
        {
            return null;
        }

        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long value)
            ? value
            : throw Rejected(place, $"a number from 0 as {key}", $"'{text}'");
    }

    private static QuantizationException Rejected(string place, string expected, string found)
        => new(QuantizationErrorCode.ExternalDataRejected, $"External data of '{place}': expected {expected}, found {found}.");
}
