using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>The data caches of the first processor, smallest first.</summary>
internal static class CacheSizes
{
    private const string Folder = "/sys/devices/system/cpu/cpu0/cache";
    private const long Kibi = 1024;

    /// <summary>Names and bytes; common sizes where the system does not tell.</summary>
    public static IReadOnlyList<(string Name, long Bytes)> All { get; } = Read();

    /// <summary>The smallest cache that holds some bytes.</summary>
    public static string Holding(long bytes) => All.FirstOrDefault(c => c.Bytes >= bytes).Name ?? "memory";

    /// <summary>One line about them.</summary>
    public static string Text => string.Join(", ", All.Select(c => string.Create(CultureInfo.InvariantCulture, $"{c.Name} {c.Bytes / Kibi} KiB")));

    private static List<(string Name, long Bytes)> Read()
    {
        if (!Directory.Exists(Folder))
        {
            return [("L1", 32 * Kibi), ("L2", 1024 * Kibi), ("L3", 32768 * Kibi)];
        }

        return [.. Directory.GetDirectories(Folder, "index*")
            .Where(d => File.ReadAllText(Path.Combine(d, "type")).Trim() != "Instruction")
            .Select(d => ("L" + File.ReadAllText(Path.Combine(d, "level")).Trim(), Bytes(File.ReadAllText(Path.Combine(d, "size")).Trim())))
            .OrderBy(c => c.Item2)];
    }

    private static long Bytes(string size) => long.Parse(size.TrimEnd('K', 'M'), CultureInfo.InvariantCulture) * (size.EndsWith('M') ? Kibi * Kibi : Kibi);
}
