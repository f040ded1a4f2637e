using System;
using System.IO;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Microsoft.ML.Quantization.Onnx.Reading;

/// <summary>How many names a file has. The framework does not tell; Linux and Windows do, elsewhere the answer is 1.</summary>
internal static partial class HardLinks
{
    private const int CurrentFolder = -100;
    private const uint LinkCount = 4;

    public static long CountOf(string path)
    {
        try
        {
            return OperatingSystem.IsLinux() ? OnLinux(path) : OperatingSystem.IsWindows() ? OnWindows(path) : 1;
        }
        catch (EntryPointNotFoundException)
        {
            return 1;
        }
    }

    private static long OnLinux(string path) => Statx(CurrentFolder, path, 0, LinkCount, out FileStatus status) == 0 ? status.Links : 1;

    private static long OnWindows(string path)
    {
        using SafeFileHandle handle = File.OpenHandle(path);
        return GetFileInformationByHandle(handle, out FileInformation information) != 0 ? information.Links : 1;
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Statx(int folder, string path, int flags, uint mask, out FileStatus status);

    [LibraryImport("kernel32", EntryPoint = "GetFileInformationByHandle")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static partial int GetFileInformationByHandle(SafeFileHandle handle, out FileInformation information);

    /// <summary>The kernel's struct statx: 256 bytes on every architecture, the number of links at 16.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct FileStatus
    {
        [FieldOffset(16)]
        public uint Links;
    }

    /// <summary>BY_HANDLE_FILE_INFORMATION: 52 bytes, the number of links at 40.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 52)]
    private struct FileInformation
    {
        [FieldOffset(40)]
        public uint Links;
    }
}
