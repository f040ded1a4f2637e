using System;
using System.Globalization;
using System.IO;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Onnx;
using Microsoft.ML.Quantization.PostTraining;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Tests.Laws;

/// <summary>Commas as decimal points, a dotless i and another order of letters change nothing: import, fit and save under a culture give the same bytes and messages.</summary>
[TestClass]
public sealed class CultureTests
{
    private const string Network = "fmnist-lenet.bn";

    [TestMethod]
    [DataRow("tr-TR")]
    [DataRow("de-DE")]
    [DataRow("ar-SA")]
    public void A_fit_under_another_culture_gives_the_same_file(string culture)
    {
        string folder = Directory.CreateTempSubdirectory("mlq").FullName;
        try
        {
            byte[] expected = Under("", () => FitAndSave(folder));
            byte[] found = Under(culture, () => FitAndSave(folder));
            CollectionAssert.AreEqual(expected, found);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [TestMethod]
    [DataRow("tr-TR")]
    [DataRow("de-DE")]
    public void Texts_are_the_same_under_another_culture(string culture)
    {
        string expected = Under("", Texts);
        Assert.AreEqual(expected, Under(culture, Texts));
    }

    private static byte[] FitAndSave(string folder)
    {
        Graph graph = OnnxModel.Load(Rows.Network(Network + ".onnx")).Graph;
        QuantizationResult result = Networks.Fit(graph, Networks.Scheme("W4A4"), Networks.Calibration(graph, 40, 8), KernelRegistry.Active);
        string path = Path.Combine(folder, "net.mlq");
        using (QuantizedModel model = QuantizedModel.FromDocument(result.Document))
        {
            model.Save(path);
        }

        return File.ReadAllBytes(path);
    }

    private static string Texts()
    {
        QuantizationResult result = Networks.Fitted(Network, "W4A4");
        QuantizationException error = Assert.ThrowsException<QuantizationException>(() => new QuantizationScheme { WeightBits = -1234 }.Validate());
        using QuantizedModel model = QuantizedModel.FromDocument(result.Document, new QuantizedModelOptions { KernelSet = "managed", ThreadCount = 1 });
        return string.Join('\n', GraphPrinter.Print(result.Integer), error.Message, new QuantizationScheme { ActivationRange = RangeSource.Percentile(0.9995) }, model.Explain());
    }

    private static T Under<T>(string name, Func<T> action)
    {
        CultureInfo culture = Culture(name);
        (CultureInfo before, CultureInfo beforeTexts) = (CultureInfo.CurrentCulture, CultureInfo.CurrentUICulture);
        CultureInfo? threads = CultureInfo.DefaultThreadCurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = CultureInfo.CurrentUICulture = culture;
            CultureInfo.DefaultThreadCurrentCulture = culture;
            return action();
        }
        finally
        {
            (CultureInfo.CurrentCulture, CultureInfo.CurrentUICulture) = (before, beforeTexts);
            CultureInfo.DefaultThreadCurrentCulture = threads;
        }
    }

    private static CultureInfo Culture(string name)
    {
        try
        {
            CultureInfo culture = CultureInfo.GetCultureInfo(name);
            if (name is "de-DE" or "tr-TR" && culture.NumberFormat.NumberDecimalSeparator != ",")
            {
                Assert.Inconclusive($"culture data of {name} are not on this system");
            }

            return culture;
        }
        catch (CultureNotFoundException)
        {
            throw new AssertInconclusiveException($"culture {name} is not on this system");
        }
    }
}
