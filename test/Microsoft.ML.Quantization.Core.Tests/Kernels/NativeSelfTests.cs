using System.IO;
using System.Runtime.InteropServices;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Kernels;

/// <summary>
/// Law: every native set equals plain loops, on this processor and on emulated ones whose instruction sets this machine does not
/// have alone: a Haswell (AVX2 and no AVX-512) and an Arm processor.
/// </summary>
[TestClass]
public sealed class NativeSelfTests
{
    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    public void OnThisProcessor()
    {
        string system = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "linux-arm64" : "linux-x64";
        Passes(NativeTools.Built(system, "mlq_selftest"));
    }

    [TestMethod]
    public void OnAHaswellOnlyAvx2IsFoundAndRight()
        => Passes(NativeTools.Tool("qemu-x86_64"), "-cpu", "Haswell", NativeTools.Built("linux-x64", "mlq_selftest"), "avx2");

    [TestMethod]
    public void OnAProcessorWithoutAvxNothingIsFound()
        => Passes(NativeTools.Tool("qemu-x86_64"), "-cpu", "Nehalem", NativeTools.Built("linux-x64", "mlq_selftest"), "none");

    [TestMethod]
    public void OnArmNeonIsRight()
    {
        string emulator = NativeTools.Tool("qemu-aarch64");
        string compiler = NativeTools.Tool("aarch64-linux-gnu-g++");
        string source = Path.Combine(NativeTools.Repository(), "src", "Native");
        string build = Path.Combine(NativeTools.Repository(), "artifacts", "native", "linux-arm64-cross");
        string cmake = NativeTools.Tool("cmake");
        (int configured, string log) = NativeTools.Run(
            cmake, "-S", source, "-B", build, "-DMLQ_SELFTEST=ON", $"-DCMAKE_TOOLCHAIN_FILE={source}/cmake/aarch64-linux-gnu.cmake");
        Assert.AreEqual(0, configured, $"{compiler}: {log}");
        (int built, log) = NativeTools.Run(cmake, "--build", build);
        Assert.AreEqual(0, built, log);
        Passes(emulator, "-L", "/usr/aarch64-linux-gnu", Path.Combine(build, "mlq_selftest"), "neon");
    }

    private void Passes(string program, params string[] arguments)
    {
        (int exit, string output) = NativeTools.Run(program, arguments);
        TestContext.WriteLine(output);
        Assert.AreEqual(0, exit, output);
    }
}
