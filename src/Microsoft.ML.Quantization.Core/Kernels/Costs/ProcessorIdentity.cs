using System;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using System.Text;

namespace Microsoft.ML.Quantization.Kernels.Costs;

/// <summary>Which processor this is, as far as speed is concerned: vendor, family and model on x86, implementer and part on Arm.</summary>
internal static class ProcessorIdentity
{
    /// <summary>For example <c>AuthenticAMD-26-2</c>; <c>unknown</c> where the system does not tell.</summary>
    public static string Current { get; } = X86Base.IsSupported ? OfX86() : OfArm();

    private static string OfX86()
    {
        (_, int b, int c, int d) = X86Base.CpuId(0, 0);
        var vendor = new StringBuilder();
        foreach (int word in (int[])[b, d, c])
        {
            for (int shift = 0; shift < 32; shift += 8)
            {
                vendor.Append((char)((word >> shift) & 0xFF));
            }
        }

        (int signature, _, _, _) = X86Base.CpuId(1, 0);
        int family = (signature >> 8) & 0xF;
        int model = (signature >> 4) & 0xF;
        model |= family is 6 or 15 ? (signature >> 12) & 0xF0 : 0;
        family += family == 15 ? (signature >> 20) & 0xFF : 0;
        return string.Create(CultureInfo.InvariantCulture, $"{vendor}-{family}-{model}");
    }

    private static string OfArm()
    {
        const string Info = "/proc/cpuinfo";
        if (!OperatingSystem.IsLinux() || !File.Exists(Info))
        {
            return "unknown";
        }

        string[] lines = File.ReadAllLines(Info);
        string Field(string name) => lines.FirstOrDefault(l => l.StartsWith(name, StringComparison.Ordinal))?.Split(':')[^1].Trim() ?? string.Empty;
        string part = Field("CPU part");
        return part.Length == 0 ? "unknown" : $"{RuntimeInformation.ProcessArchitecture}-{Field("CPU implementer")}-{part}";
    }
}
