using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using Microsoft.ML.Quantization.Calibration;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using ValueType = Microsoft.ML.Quantization.Graphs.ValueType;

namespace Microsoft.ML.Quantization.Core.Tests.Calibration;

[TestClass]
public sealed class CalibratorTests
{
    private const int Width = 6;
    private static readonly Graph _graph = SmallNetwork(1);

    [TestMethod]
    public void Shards_of_any_size_merge_to_the_bytes_of_one_run()
    {
        float[] data = Data(300);
        byte[] whole = StatisticsFile.ToBytes(Run(data, 300));
        foreach (int rows in new[] { 1, 7, 128 })
        {
            CollectionAssert.AreEqual(whole, StatisticsFile.ToBytes(Run(data, rows)), "batches");
            List<CalibrationResult> shards = [.. Chunks(data, rows).Select((chunk, i) => Run(chunk, 5, new CalibrationOptions { FirstRow = (long)i * rows }))];
            shards.Reverse();
            CollectionAssert.AreEqual(whole, StatisticsFile.ToBytes(CalibrationResult.Merge(shards)), "shards");
        }
    }

    [TestMethod]
    public void Every_float_value_is_observed_and_solved()
    {
        CalibrationResult result = Run(Data(64), 16);
        Assert.AreEqual("hidden x y", string.Join(" ", result.Values.Keys));
        Assert.AreEqual(64, result["x"].Rows);
        Assert.AreEqual(64 * Width, result["x"].Histogram.Count);
        Assert.AreEqual(0, result.Solve("hidden", RangeSource.Automatic, RangeTarget.Unsigned(4)).Range.Low);
        var site = new ActivationSite("hidden", new(new(4), false), new(0, 15), false);
        Assert.AreEqual(result.Solve(site, RangeSource.MinMax).Parameters, site.Quantizer(result.Solve(site, RangeSource.MinMax).Range).Single);
        Assert.AreEqual(QuantizationErrorCode.UnknownLayer, Code(() => result["other"]));
    }

    [TestMethod]
    public void Saving_and_resuming_is_the_same_as_not_stopping()
    {
        float[] data = Data(100);
        string path = NewPath();
        Run(data[..(40 * Width)], 8).Save(path);
        QuantizationCalibrator resumed = Calibrator();
        resumed.Resume(CalibrationResult.Load(path));
        CalibrationResult result = resumed.Run(Batches(data[(40 * Width)..], 9));
        CollectionAssert.AreEqual(StatisticsFile.ToBytes(Run(data, 100)), StatisticsFile.ToBytes(result));
        Assert.AreEqual(Run(data, 7).Fingerprint, result.Fingerprint);
        Assert.AreEqual(1, Directory.GetFiles(Path.GetDirectoryName(path)!).Length);
    }

    [TestMethod]
    public void A_saved_moving_average_resumes_and_refuses_to_merge()
    {
        float[] data = Data(40);
        CalibrationOptions options = CalibrationOptions.For(RangeSource.MovingAverage());
        CalibrationResult first = StatisticsFile.Read(StatisticsFile.ToBytes(Run(data[..(20 * Width)], 10, options)));
        QuantizationCalibrator resumed = Calibrator(options);
        resumed.Resume(first);
        CalibrationResult result = resumed.Run(Batches(data[(20 * Width)..], 10));
        Assert.AreEqual(Run(data, 10, options)["y"].Average, result["y"].Average);
        QuantizationException e = Assert.ThrowsException<QuantizationException>(() => CalibrationResult.Merge([first, first]));
        Assert.AreEqual(QuantizationErrorCode.StatisticsMismatch, e.Code);
        StringAssert.Contains(e.Message, "moving average", StringComparison.Ordinal);
    }

    [TestMethod]
    public void Statistics_of_another_model_or_other_options_are_refused()
    {
        CalibrationResult result = Run(Data(40), 10);
        QuantizationCalibrator otherModel = new(SmallNetwork(2), Walk(SmallNetwork(2)));
        Assert.AreEqual(QuantizationErrorCode.StatisticsMismatch, Code(() => otherModel.Resume(result)));
        CalibrationResult otherOptions = Run(Data(40), 10, new CalibrationOptions { BinCount = 512 });
        Assert.AreEqual(QuantizationErrorCode.StatisticsMismatch, Code(() => CalibrationResult.Merge([result, otherOptions])));
        Assert.AreEqual(QuantizationErrorCode.EmptyCalibrationData, Code(() => CalibrationResult.Merge([])));
    }

    [TestMethod]
    public void A_damaged_file_is_refused_wherever_the_damage_is()
    {
        byte[] bytes = StatisticsFile.ToBytes(Run(Data(40), 10));
        for (int i = 0; i < bytes.Length; i += i < 60 ? 1 : 97)
        {
            byte[] damaged = (byte[])bytes.Clone();
            damaged[i] ^= 0x41;
            Assert.ThrowsException<QuantizationException>(() => StatisticsFile.Read(damaged), $"byte {i}");
            Assert.ThrowsException<QuantizationException>(() => StatisticsFile.Read(bytes.AsSpan(0, i)), $"length {i}");
        }

        Assert.AreEqual(QuantizationErrorCode.NotAModel, Code(() => StatisticsFile.Read("<html>"u8)));
        Assert.AreEqual(QuantizationErrorCode.TruncatedModel, Code(() => StatisticsFile.Read(bytes.AsSpan(0, bytes.Length - 1))));
        bytes[8]++;
        Assert.AreEqual(QuantizationErrorCode.UnsupportedModelVersion, Code(() => StatisticsFile.Read(bytes)));
        bytes[8]--;
        bytes[^1]++;
        Assert.AreEqual(QuantizationErrorCode.CorruptModel, Code(() => StatisticsFile.Read(bytes)));
    }

    [TestMethod]
    public void A_body_that_lies_is_refused_although_its_checksum_is_right()
    {
        byte[] body = StatisticsCodec.Write(Run(Data(40), 10));
        for (int i = 0; i < 400; i++)
        {
            byte[] lying = (byte[])body.Clone();
            lying[(i * 7) + 136 < lying.Length ? (i * 7) + 136 : i] ^= 0x80;
            try
            {
                StatisticsCodec.Read(lying);
            }
            catch (QuantizationException e)
            {
                Assert.AreEqual(QuantizationErrorCode.CorruptModel, e.Code);
            }
        }
    }

    [TestMethod]
    public void A_failed_write_leaves_the_target_untouched()
    {
        CalibrationResult result = Run(Data(40), 10);
        string path = NewPath();
        File.WriteAllText(path, "old");
        Assert.AreEqual(QuantizationErrorCode.WriteFailed, Code(() => result.Save(Path.Combine(path, "below", "a", "file"))));
        Assert.AreEqual("old", File.ReadAllText(path));
    }

    [TestMethod]
    public void No_data_and_no_rows_are_different_errors()
    {
        Assert.AreEqual(QuantizationErrorCode.MissingCalibrationData, Code(() => Calibrator().Run(null)));
        Assert.AreEqual(QuantizationErrorCode.EmptyCalibrationData, Code(() => Calibrator().Run([])));
    }

    [TestMethod]
    [DataRow(float.NaN)]
    [DataRow(float.NegativeInfinity)]
    public void A_row_that_is_not_finite_is_named(float bad)
    {
        float[] data = Data(50);
        data[(33 * Width) + 2] = bad;
        QuantizationException e = Assert.ThrowsException<QuantizationException>(() => Run(data, 8, new CalibrationOptions { FirstRow = 1000 }));
        Assert.AreEqual(QuantizationErrorCode.NonFiniteInput, e.Code);
        StringAssert.Contains(e.Message, "row 1033", StringComparison.Ordinal);
    }

    [TestMethod]
    public void Skipped_rows_leave_the_statistics_of_the_others_and_are_listed()
    {
        float[] data = Data(50);
        float[] clean = [.. data[..(33 * Width)], .. data[(34 * Width)..(49 * Width)]];
        data[(33 * Width) + 2] = float.NaN;
        data[49 * Width] = float.PositiveInfinity;
        var options = new CalibrationOptions { NonFiniteRows = NonFiniteRowPolicy.Skip, MaximumSkippedShare = 0.04 };
        foreach (int rows in new[] { 1, 8, 50 })
        {
            CalibrationResult result = Run(data, rows, options);
            Assert.AreEqual((48L, 2L), (result.Rows, result.Skipped.Count));
            CollectionAssert.AreEqual(new long[] { 33, 49 }, result.Skipped.Rows.ToArray());
            HistogramTests.AssertSame(Run(clean, 48)["y"].Histogram, result["y"].Histogram);
        }

        Assert.AreEqual(QuantizationErrorCode.NonFiniteInput, Code(() => Run(data, 8, options with { MaximumSkippedShare = 0.03 })));
    }

    [TestMethod]
    public void Cancelling_keeps_whole_batches()
    {
        float[] data = Data(100);
        using var source = new CancellationTokenSource();
        var reports = new List<QuantizationProgress>();
        var progress = new DirectProgress<QuantizationProgress>(p =>
        {
            reports.Add(p);
            if (p.Done == 30)
            {
                source.Cancel();
            }
        });
        QuantizationCalibrator calibrator = Calibrator();
        Assert.ThrowsException<OperationCanceledException>(() => calibrator.Run(Batches(data, 10), progress, source.Token));
        CollectionAssert.AreEqual(StatisticsFile.ToBytes(Run(data[..(30 * Width)], 30)), StatisticsFile.ToBytes(calibrator.ToResult()));
        CollectionAssert.AreEqual(new long[] { 10, 20, 30 }, reports.Select(r => r.Done).ToArray());
    }

    [TestMethod]
    public void A_run_that_fails_inside_a_batch_is_not_taken_for_whole()
    {
        var calibrator = new QuantizationCalibrator(_graph, (_, _, _) => throw new TimeoutException());
        Assert.ThrowsException<TimeoutException>(() => calibrator.Run(Batches(Data(4), 4)));
        Assert.ThrowsException<InvalidOperationException>(calibrator.ToResult);
    }

    [TestMethod]
    public void Batches_that_do_not_fit_are_refused_whole()
    {
        QuantizationCalibrator calibrator = Calibrator();
        Assert.AreEqual(QuantizationErrorCode.InputShapeMismatch, Code(() => calibrator.Add([])));
        Assert.AreEqual(QuantizationErrorCode.InputShapeMismatch, Code(() => calibrator.Add([Tensor.Create(Shape.Of(2, Width + 1), new float[2 * (Width + 1)])])));
        Assert.AreEqual(QuantizationErrorCode.InputShapeMismatch, Code(() => calibrator.Add([Tensor.Create(Shape.Of(2, Width), new int[2 * Width])])));
        calibrator.Add([Tensor.Create(Shape.Of(0, Width), Array.Empty<float>())]);
        Assert.AreEqual(0, calibrator.Rows);
        Assert.AreEqual(0, calibrator.SkippedRowCount);
    }

    [TestMethod]
    public void Impossible_options_are_refused_before_any_row()
    {
        Assert.AreEqual(QuantizationErrorCode.UnknownLayer, Code(() => Calibrator(new CalibrationOptions { Values = ["nothing"] })));
        Assert.AreEqual(QuantizationErrorCode.UnsupportedElementType, Code(() => Calibrator(new CalibrationOptions { Values = ["w1"] })));
        Assert.AreEqual(QuantizationErrorCode.MemoryLimitExceeded, Code(() => Calibrator(new CalibrationOptions { MemoryLimit = 40000 })));
        CalibrationOptions[] wrong =
        [
            new() { BinCount = 3 }, new() { MovingAverage = 1.5 }, new() { MaximumSkippedShare = -1 }, new() { MemoryLimit = 0 },
            new() { FirstRow = -1 }, new() { Values = ["x", "x"] }, new() { NonFiniteRows = (NonFiniteRowPolicy)7 },
        ];
        foreach (CalibrationOptions options in wrong)
        {
            Assert.AreEqual(QuantizationErrorCode.InvalidOptions, Code(() => Calibrator(options)), options.ToString());
        }
    }

    [TestMethod]
    [DoNotParallelize]
    public void Memory_does_not_grow_with_the_rows()
    {
        // The walk makes its activations anew for each batch; what must not grow is what stays.
        QuantizationCalibrator calibrator = Calibrator();
        Tensor batch = Tensor.Create(Shape.Of(100, Width), Data(100));
        IEnumerable<IReadOnlyList<Tensor>> Endless(int count) => Enumerable.Range(0, count).Select(_ => (IReadOnlyList<Tensor>)[batch]);
        calibrator.Run(Endless(10));
        long before = GC.GetTotalMemory(forceFullCollection: true);
        calibrator.Run(Endless(2000));
        long after = GC.GetTotalMemory(forceFullCollection: true);
        Assert.AreEqual(201_000, calibrator.Rows);
        Assert.IsTrue(after - before < 1 << 20, $"{after - before} bytes more after 200 000 rows");
        Assert.IsTrue(new Observer(Histogram.MaximumBinCount).ByteCount * 64 <= 64L << 20);
    }

    internal static Graph SmallNetwork(ulong seed)
    {
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", ValueType.Float(Shape.Of(Shape.Free, Width)));
        ValueId w1 = builder.AddConstant("w1", Tensor.Create(Shape.Of(8, Width), HistogramTests.Samples(8 * Width, seed)));
        ValueId w2 = builder.AddConstant("w2", Tensor.Create(Shape.Of(3, 8), HistogramTests.Samples(24, seed + 1)));
        ValueId hidden = builder.Add(new Dense { Name = "dense1", Inputs = [x, w1], Activation = Activation.Relu }, "hidden");
        builder.AddOutput(builder.Add(new Dense { Name = "dense2", Inputs = [hidden, w2] }, "y"));
        return builder.Build();
    }

    internal static ObservedRun Walk(Graph graph) => new Evaluator(graph, OperatorTable.Reference).Run;

    internal static IEnumerable<IReadOnlyList<Tensor>> Batches(float[] data, int rows)
        => Chunks(data, rows).Select(c => (IReadOnlyList<Tensor>)[Tensor.Create(Shape.Of(c.Length / Width, Width), c)]);

    internal static float[] Data(int rows) => HistogramTests.Samples(rows * Width, 77);

    private static IEnumerable<float[]> Chunks(float[] data, int rows) => data.Chunk(rows * Width);

    private static QuantizationCalibrator Calibrator(CalibrationOptions? options = null) => new(_graph, Walk(_graph), options);

    private static CalibrationResult Run(float[] data, int rows, CalibrationOptions? options = null) => Calibrator(options).Run(Batches(data, rows));

    private static QuantizationErrorCode Code(Action action) => Assert.ThrowsException<QuantizationException>(action).Code;

    private static QuantizationErrorCode Code(Func<object> action) => Assert.ThrowsException<QuantizationException>(action).Code;

    private static string NewPath()
    {
        string folder = Path.Combine(AppContext.BaseDirectory, "calibration", Guid.NewGuid().ToString("N"));
        Directory.CreateDirectory(folder);
        return Path.Combine(folder, "statistics.bin");
    }
}
