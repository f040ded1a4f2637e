using System.IO;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using QuickStart;

namespace Microsoft.ML.Quantization.Tests;

[TestClass]
public sealed class QuickStartTests
{
    [TestMethod]
    public void The_sample_runs_and_its_accuracies_hold()
    {
        using var output = new StringWriter();
        QuickStartResult result = Program.Run(output);
        Assert.AreEqual(0.9269, result.FloatAccuracy, 0.00005, "the float network's known accuracy");
        Assert.AreEqual(result.FloatAccuracy, result.Int8Accuracy, 0.0020, "8 bits: within 0.2 points of float");
        Assert.AreEqual(result.FloatAccuracy, result.Int4Accuracy, 0.0080, "4-bit weights: within 0.8 points of float");
        Assert.AreEqual(9u, result.FirstPrediction);
        StringAssert.Contains(output.ToString(), "Confusion table");
    }
}
