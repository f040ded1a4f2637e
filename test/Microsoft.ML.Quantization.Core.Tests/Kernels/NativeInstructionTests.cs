using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Kernels;

/// <summary>
/// Law: an object file holds no instruction beyond its set's, and the library's dispatch none that some processor lacks. Read
/// from the disassembly, so that a compiler flag or an inlined function in the wrong place is seen.
/// </summary>
[TestClass]
public sealed partial class NativeInstructionTests
{
    private const string Beyond512 = @"vpdp(bus|wss)ds?|vpopcnt|vpshufbitqmb|vpermb|vpcompress[bw]|vpexpand[bw]|vpermi2b|vpermt2b|vpmultishift|vpmadd52|vdpbf16|vcvtne|vgf2p8|vp2intersect|%tmm|vaddph|vmulph";

    [TestMethod]
    public void DispatchUsesNoVectors()
        => NoneMatches("CMakeFiles/mlq.dir", VectorRegister());

    [TestMethod]
    public void Avx2UsesNothingOfAvx512()
        => NoneMatches("CMakeFiles/mlq_avx2.dir", new Regex(@"%zmm|%[xy]mm(1[6-9]|2\d|3[01])|%k[0-7]|\{z\}|" + Beyond512));

    [TestMethod]
    public void Avx512UsesNoVnniAndNothingLater()
        => NoneMatches("CMakeFiles/mlq_avx512.dir", new Regex(Beyond512));

    [TestMethod]
    public void VnniUsesNothingLater()
        => NoneMatches("CMakeFiles/mlq_avx512vnni.dir", new Regex(Beyond512.Replace(@"vpdp(bus|wss)ds?|", string.Empty, StringComparison.Ordinal)));

    [TestMethod]
    public void CountingBitsUsesNothingElseBeyond()
        => NoneMatches("CMakeFiles/mlq_avx512popcnt.dir", new Regex(Beyond512.Replace("vpopcnt|", "vpopcnt[bwq]|", StringComparison.Ordinal)));

    [TestMethod]
    public void EachSetUsesWhatItIsFor()
    {
        Assert.IsTrue(Lines("CMakeFiles/mlq_avx2.dir").Any(l => l.Contains("vfmadd231ps", StringComparison.Ordinal) && l.Contains("%ymm", StringComparison.Ordinal)));
        Assert.IsTrue(Lines("CMakeFiles/mlq_avx512.dir").Any(l => l.Contains("vfmadd231ps", StringComparison.Ordinal) && l.Contains("%zmm", StringComparison.Ordinal)));
        Assert.IsTrue(Lines("CMakeFiles/mlq_avx512vnni.dir").Any(l => l.Contains("vpdpbusd", StringComparison.Ordinal)));
        Assert.IsTrue(Lines("CMakeFiles/mlq_avx512popcnt.dir").Any(l => l.Contains("vpopcntd", StringComparison.Ordinal)));
    }

    [TestMethod]
    public void OnlyTheTwoFunctionsLeaveTheLibrary()
    {
        (int exit, string output) = NativeTools.Run(NativeTools.Tool("objdump"), "-T", NativeTools.Built("linux-x64", "libmlq.so"));
        Assert.AreEqual(0, exit);
        string[] exported = [.. output.Split('\n').Where(l => l.Contains(" DF .text", StringComparison.Ordinal)).Select(l => l.Split(' ')[^1]).Order(StringComparer.Ordinal)];
        Assert.AreEqual("mlq_available_isas mlq_get_kernels", string.Join(' ', exported));
    }

    private static void NoneMatches(string folder, Regex forbidden)
    {
        string[] found = [.. Lines(folder).Where(l => forbidden.IsMatch(l)).Take(5)];
        Assert.AreEqual(0, found.Length, string.Join(Environment.NewLine, found));
    }

    /// <summary>The instructions of all objects below a folder of the build.</summary>
    private static List<string> Lines(string folder)
    {
        string tool = NativeTools.Tool("objdump");
        List<string> lines = [];
        foreach (string file in Directory.EnumerateFiles(NativeTools.Built("linux-x64", folder), "*.o", SearchOption.AllDirectories))
        {
            (int exit, string output) = NativeTools.Run(tool, "-d", "--no-show-raw-insn", file);
            Assert.AreEqual(0, exit, file);
            lines.AddRange(output.Split('\n').Where(l => Instruction().IsMatch(l)).Select(l => $"{Path.GetFileName(file)}: {l}"));
        }

        Assert.IsTrue(lines.Count > 0, $"No instructions below {folder}.");
        return lines;
    }

    [GeneratedRegex(@"^\s+[0-9a-f]+:\s")]
    private static partial Regex Instruction();

    [GeneratedRegex("%[yz]mm|%xmm(1[6-9]|2[0-9]|3[01])")]
    private static partial Regex VectorRegister();
}
