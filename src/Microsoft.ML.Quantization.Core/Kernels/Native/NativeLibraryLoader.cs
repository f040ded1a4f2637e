using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Runtime.InteropServices;

namespace Microsoft.ML.Quantization.Kernels.Native;

/// <summary>
/// Finds the native library <c>mlq</c> and the sets in it that this machine can run. A missing library is a normal state
/// with a reason that people can read.
/// </summary>
internal static unsafe class NativeLibraryLoader
{
    private const string LibraryName = "mlq";

    private static readonly (string Name, string Instructions)[] _isas =
    [
        ("avx2", "AVX2 and FMA"),
        ("avx512", "AVX-512 F, BW, VL and DQ"),
        ("avx512vnni", "AVX-512 F, BW, VL, DQ and VNNI"),
        ("neon", "NEON with dot products"),
    ];

    /// <summary>
    /// Loads the library from the application's folder, its <c>runtimes/&lt;rid&gt;/native</c> or the assembly's own search path.
    /// </summary>
    /// <returns>The sets this machine can run, the plainest first, and why there are none or which file they came from.</returns>
    public static (IReadOnlyList<NativeKernels> Sets, string Reason) Load() => Load(AppContext.BaseDirectory);

    /// <summary>As <see cref="Load()"/>, with another application folder.</summary>
    internal static (IReadOnlyList<NativeKernels> Sets, string Reason) Load(string folder)
    {
        string file = OperatingSystem.IsWindows() ? "mlq.dll" : OperatingSystem.IsMacOS() ? "libmlq.dylib" : "libmlq.so";
        string[] candidates =
        [
            Path.Combine(folder, file),
            Path.Combine(folder, "runtimes", RuntimeInformation.RuntimeIdentifier, "native", file),
            Path.Combine(folder, "runtimes", PortableIdentifier(), "native", file),
        ];
        foreach (string path in candidates)
        {
            if (File.Exists(path))
            {
                return NativeLibrary.TryLoad(path, out IntPtr handle)
                    ? ReadSets(handle, path)
                    : ([], $"The native library {path} exists but could not be loaded (another processor type, or a missing dependency).");
            }
        }

        bool found = NativeLibrary.TryLoad(LibraryName, typeof(NativeLibraryLoader).Assembly, DllImportSearchPath.AssemblyDirectory, out IntPtr library);
        return found ? ReadSets(library, file) : ([], $"The native library {file} was not found in {folder}.");
    }

    private static string PortableIdentifier()
    {
        string system = OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : "linux";
        string processor = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "arm64" : "x64";
        return $"{system}-{processor}";
    }

    private static (IReadOnlyList<NativeKernels> Sets, string Reason) ReadSets(IntPtr library, string path)
    {
        if (!NativeLibrary.TryGetExport(library, "mlq_available_isas", out IntPtr available)
            || !NativeLibrary.TryGetExport(library, "mlq_get_kernels", out IntPtr get))
        {
            return ([], $"The native library {path} lacks the expected functions; rebuild it from this version's sources.");
        }

        uint mask = ((delegate* unmanaged<uint>)available)();
        List<NativeKernels> sets = [];
        for (int isa = 0; isa < _isas.Length; isa++)
        {
            NativeTable table = new() { StructSize = (uint)sizeof(NativeTable), AbiVersion = NativeTable.ExpectedVersion };
            int status = ((delegate* unmanaged<int, NativeTable*, int>)get)(isa, &table);
            if (status == 1)
            {
                return ([], string.Create(
                    CultureInfo.InvariantCulture,
                    $"The native library {path} has another binary interface than version {NativeTable.ExpectedVersion}; rebuild it from this version's sources."));
            }

            if (status == 0 && (mask >> isa & 1) != 0)
            {
                sets.Add(new NativeKernels(_isas[isa].Name, $"native code for {_isas[isa].Instructions}, from {path}", table));
            }
        }

        return (sets, sets.Count > 0 ? $"native library {path}" : $"The native library {path} has no kernels for this processor.");
    }
}
