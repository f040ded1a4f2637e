extern alias training;
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Xml.Linq;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using training::QuantizationAwareTraining;

namespace Microsoft.ML.Quantization.Tests;

[TestClass]
public sealed class TrainingSampleTests
{
    [TestMethod]
    public void The_training_sample_runs_and_training_helps_where_it_must()
    {
        string picture = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString("N") + ".svg");
        try
        {
            using var output = new StringWriter();
            IReadOnlyList<Outcome> outcomes = Program.Run(output, epochs: 2, picture, testImages: 500);
            Outcome two = outcomes.Single(o => o.Name == "2-bit");
            Assert.IsTrue(two.Trained > two.AfterTraining + 0.2, output.ToString());
            Assert.IsTrue(outcomes.All(o => o.Course.Losses.Count == 2 && o.Course.Steps.All(s => s > 0)));
            Assert.AreEqual(9, XDocument.Load(picture).Descendants().Count(e => e.Name.LocalName == "polyline"));
        }
        finally
        {
            File.Delete(picture);
        }
    }
}
