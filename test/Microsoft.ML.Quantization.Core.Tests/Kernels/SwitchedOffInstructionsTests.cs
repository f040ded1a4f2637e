using System;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Managed;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Kernels;

/// <summary>A run with instructions switched off proves something only if they are off: this says what the other tests of the category ran on.</summary>
[TestClass]
[TestCategory("Portable")]
public sealed class SwitchedOffInstructionsTests
{
    /// <summary>The switch that whoever runs the tests has set, without its prefix.</summary>
    private const string Variable = "MLQ_EXPECT_SWITCH";

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    public void The_instructions_named_are_off()
    {
        TestContext.WriteLine($"{KernelRegistry.Active.Name}: {KernelRegistry.Active.Description}");
        string? name = Environment.GetEnvironmentVariable(Variable)?.Replace("DOTNET_", string.Empty, StringComparison.Ordinal);
        switch (name)
        {
            case null or "":
                Assert.Inconclusive($"run by .ci/run, which switches instructions off and says so in {Variable}");
                break;
            case "EnableAVX512":
                Expect(name, ManagedKernels.WidestHardwareBits <= 256 && !Vector512.IsHardwareAccelerated && !Avx512F.IsSupported);
                break;
            case "EnableAVX2":
                Expect(name, ManagedKernels.WidestHardwareBits <= 128 && !Vector256.IsHardwareAccelerated && !Avx2.IsSupported && !Fma.IsSupported);
                break;
            case "EnableHWIntrinsic":
                Expect(name, !Vector128.IsHardwareAccelerated && !Sse2.IsSupported && !Avx2.IsSupported);
                break;
            default:
                Assert.Fail($"{Variable}: expected EnableAVX512, EnableAVX2 or EnableHWIntrinsic, found '{name}'");
                break;
        }
    }

    private static void Expect(string name, bool isOff)
    {
        Assert.IsTrue(isOff, $"DOTNET_{name}=0 is not in force");
        Assert.AreEqual("managed", KernelRegistry.Active.Name, "native kernels choose their instructions themselves");
    }
}
