using System;
using System.IO;
using System.Linq;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Tests;

/// <summary>Calibration statistics that outlive a fit.</summary>
[TestClass]
public sealed class StatisticsFileTests
{
    private readonly MLContext _ml = Rows.Context();
    private readonly string _file = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString("N") + ".stats");

    [TestCleanup]
    public void Clean() => File.Delete(_file);

    [TestMethod]
    public void Two_fits_that_share_statistics_see_what_one_fit_of_all_rows_sees()
    {
        var rows = Rows.Floats(100);
        Fit(rows.Take(60).ToList());
        byte[] half = File.ReadAllBytes(_file);
        Fit(rows.Skip(60).ToList());
        byte[] resumed = File.ReadAllBytes(_file);
        File.Delete(_file);
        Fit(rows);
        CollectionAssert.AreNotEqual(half, resumed);
        CollectionAssert.AreEqual(File.ReadAllBytes(_file), resumed);
    }

    [TestMethod]
    public void Statistics_of_another_network_or_range_method_are_refused_and_kept()
    {
        Fit(Rows.Floats(40));
        byte[] before = File.ReadAllBytes(_file);
        QuantizationException error = Assert.ThrowsException<QuantizationException>(() => Fit(Rows.Floats(40), "fmnist-mlp.onnx", new QuantizationScheme { ActivationRange = RangeSource.MovingAverage(0.01) }));
        Assert.AreEqual(QuantizationErrorCode.StatisticsMismatch, error.Code);
        Assert.AreEqual(QuantizationErrorCode.StatisticsMismatch, Assert.ThrowsException<QuantizationException>(() => Fit(Rows.Floats(40), "fmnist-lenet.onnx")).Code);
        CollectionAssert.AreEqual(before, File.ReadAllBytes(_file));
    }

    private void Fit(System.Collections.Generic.List<PixelRow> rows, string network = "fmnist-mlp.onnx", QuantizationScheme? scheme = null)
    {
        using QuantizedModelTransformer transformer = _ml.Quantization().PostTraining(new PostTrainingQuantizationEstimator.Options
        {
            ModelFile = Rows.Network(network),
            InputColumnName = "Pixels",
            StatisticsFile = _file,
            Scheme = scheme ?? QuantizationScheme.EightBits,
        }).Fit(_ml.Data.LoadFromEnumerable(rows));
    }
}
