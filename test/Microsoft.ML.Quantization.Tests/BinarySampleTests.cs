extern alias binary;
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using binary::BinaryNetworksSample;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Tests;

[TestClass]
public sealed class BinarySampleTests
{
    [TestMethod]
    public void The_binary_sample_runs_and_its_one_bit_network_is_small_and_learns()
    {
        using var output = new StringWriter();
        IReadOnlyList<Outcome> outcomes = Program.Run(output, epochs: 2, width: 32, testImages: 300);
        Outcome floats = outcomes.Single(o => o.Name == "float");
        Outcome bits = outcomes.Single(o => o.Name == "1 bit");
        Assert.IsTrue(bits.FileBytes * 8 < floats.FileBytes, output.ToString());
        Assert.IsTrue(bits.Accuracy > 0.3, output.ToString());
        StringAssert.Contains(output.ToString(), "popcount");
        Assert.IsTrue(bits.Model.Metadata.Facts.Keys.Any(k => k.StartsWith("levels.", StringComparison.Ordinal)));
    }
}
