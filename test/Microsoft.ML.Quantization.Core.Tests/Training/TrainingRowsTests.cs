using System;
using System.Globalization;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Networks;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.ML.Quantization.Threading;
using Microsoft.ML.Quantization.Training;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training;

/// <summary>Rows that training cannot use are refused with their reason, wherever in a run they come up; batches of one row teach statistics nothing.</summary>
[TestClass]
public sealed class TrainingRowsTests
{
    private const int Count = 10;

    private static readonly Shape _input = Shape.Of(4);

    [TestMethod]
    [DataRow(7f)]
    [DataRow(-1f)]
    [DataRow(1.5f)]
    [DataRow(float.NaN)]
    public void A_wrong_class_is_refused_in_rows_held_back_too(float wrong)
    {
        for (int row = 0; row < Count; row++)
        {
            float[] labels = [.. Enumerable.Range(0, Count).Select(i => i == row ? wrong : i % 3)];
            Assert.AreEqual(QuantizationErrorCode.InconsistentData, Refused(Rows(labels), Options() with { ValidationShare = 0.5f }), $"row {row}");
        }
    }

    [TestMethod]
    [DataRow(float.NaN)]
    [DataRow(float.PositiveInfinity)]
    public void Targets_that_are_no_numbers_are_refused_and_no_divergence(float wrong)
    {
        for (int row = 0; row < Count; row += 3)
        {
            float[] targets = [.. Enumerable.Range(0, Count * 3).Select(i => i == row * 3 ? wrong : i % 2)];
            Assert.AreEqual(QuantizationErrorCode.InconsistentData, Refused(Rows(targets), Options() with { Loss = TrainingLoss.MeanSquaredError, ValidationShare = 0.3f }), $"row {row}");
        }
    }

    [TestMethod]
    [Timeout(20000)]
    public void A_source_without_rows_is_refused() => Assert.AreEqual(QuantizationErrorCode.InconsistentData, Refused(new RowsOf(Rows(new float[Count]), []), Options()));

    [TestMethod]
    public void Changes_of_images_are_refused_for_rows_that_are_none()
    {
        Assert.AreEqual(QuantizationErrorCode.InputShapeMismatch, Refused(Rows(new float[Count]), Options() with { Augmentations = [new RandomShift(1)] }));
        Assert.AreEqual(QuantizationErrorCode.InputShapeMismatch, Refused(Rows(new float[Count]), Options() with { Augmentations = [new RandomFlip()] }));
    }

    [TestMethod]
    public void Numbers_of_groups_and_optimizers_out_of_range_are_refused()
    {
        MemoryBatchSource rows = Rows(new float[Count]);
        foreach (ParameterGroup wrong in (ParameterGroup[])[new(".*", -1), new(".*", float.NaN), new(".*", 1, -0.1f), new(".*", 1, float.PositiveInfinity)])
        {
            Assert.AreEqual(QuantizationErrorCode.InvalidOptions, Refused(rows, Options() with { Groups = [wrong] }), $"{wrong}");
        }

        foreach (Optimizer wrong in (Optimizer[])[new Sgd(1), new Sgd(float.NaN), new Adam(Beta1: 1), new Adam(Epsilon: 0), new AdaMax(Beta2: -0.1f), new ShiftAdaMax(Beta1: 2)])
        {
            Assert.AreEqual(QuantizationErrorCode.InvalidOptions, Refused(rows, Options() with { Optimizer = wrong }), $"{wrong}");
        }
    }

    [TestMethod]
    public void A_last_batch_of_one_row_leaves_the_statistics_of_dense_layers_alone()
    {
        var layers = new LayerBuilder(3);
        Graph graph = layers.Build(layers.Dense("scores", layers.Normalize("bn", layers.PlainDense("dense", layers.Input(_input), 5)), 3));
        MemoryBatchSource rows = Rows([.. Enumerable.Range(0, 9).Select(i => (float)(i % 3))]);
        TrainingOptions options = Options() with { BatchSize = 8, Groups = [new ParameterGroup(".*", 0)] };
        Graph trained = new Trainer(KernelRegistry.Active, WorkerPool.Single).Run(graph, rows, options).Graph;
        (Tensor first, _) = Batches.Read(rows, Batches.Permutation(9, options.Seed, 0).AsSpan(0, 8));
        var reverse = new ReverseMode(graph, graph.Outputs[0], KernelRegistry.Active, WorkerPool.Single);
        float[] seen = [.. reverse.Forward([first], new TrainingState(graph, 0).Constants, training: true)["dense"].Values<float>()];
        for (int c = 0; c < 5; c++)
        {
            double[] values = [.. Enumerable.Range(0, 8).Select(r => (double)seen[(r * 5) + c])];
            double mean = values.Average();
            Assert.AreEqual(0.1 * mean, Constant(trained, "bn.mean")[c], 1e-5);
            Assert.AreEqual(1 + (0.1 * ((values.Sum(v => (v - mean) * (v - mean)) / 7) - 1)), Constant(trained, "bn.variance")[c], 1e-5);
        }
    }

    [TestMethod]
    public void The_description_of_a_run_is_the_same_in_every_culture()
    {
        TrainingOptions options = Options() with
        {
            Decay = 1.5e-4f,
            Optimizer = new Adam(0.85f),
            Pruning = [new MagnitudePruning(".*", 0.5) { Begin = 0.1 }],
            Groups = [new ParameterGroup(".*", 0.5f)],
            Augmentations = [new RandomShift(1, 0.5f)],
            Schedule = new StepSchedule([2], 0.3),
        };
        string expected = options.Describe();
        CultureInfo before = CultureInfo.CurrentCulture;
        try
        {
            var comma = (CultureInfo)CultureInfo.InvariantCulture.Clone();
            comma.NumberFormat.NumberDecimalSeparator = ",";
            comma.NumberFormat.NegativeSign = "~";
            CultureInfo.CurrentCulture = comma;
            Assert.AreEqual(expected, options.Describe());
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    private static TrainingOptions Options() => new() { Epochs = 1, BatchSize = 4, Rate = 0.05f };

    private static MemoryBatchSource Rows(float[] targets)
    {
        int count = targets.Length % Count == 0 ? Count : targets.Length;
        return new MemoryBatchSource(_input, RandomTensors.Floats(Shape.Of(count, 4), 3).Values<float>().ToArray(), targets);
    }

    private static float[] Constant(Graph graph, string name) => graph.TryFind(name, out ValueId id) ? graph.ConstantOf(id).Values<float>().ToArray() : throw new AssertFailedException(name);

    private static QuantizationErrorCode Refused(IBatchSource rows, TrainingOptions options)
        => Assert.ThrowsException<QuantizationException>(() => new Trainer(KernelRegistry.Active, WorkerPool.Single).Run(SmallNetworks.Mlp(_input, [5], 3), rows, options)).Code;
}
