using System;
using System.IO;
using System.Linq;
using Microsoft.ML.Data;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Scoring;
using Microsoft.ML.Quantization.Serialization;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport.MLNet;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Tests;

/// <summary>Models with several inputs and outputs, columns mapped by name, and views that are read by several cursors.</summary>
[TestClass]
public sealed class SeveralColumnsTests
{
    private readonly MLContext _ml = Rows.Context();

    [TestMethod]
    public void Inputs_and_outputs_are_mapped_by_name()
    {
        string path = Save(SumAndDifference());
        try
        {
            IDataView data = _ml.Data.LoadFromEnumerable(Pairs(150));
            QuantizedModelEstimator estimator = _ml.Quantization().ApplyModel(new QuantizedModelEstimator.Options
            {
                ModelFile = path,
                Inputs = [new ScoringInput("b", "Second"), new ScoringInput("a", "First")],
                Outputs = [new ScoringOutput("difference", "D"), new ScoringOutput("sum", "S")],
            });
            EstimatorContract.Verify(estimator, data);
            Results[] rows = [.. _ml.Data.CreateEnumerable<Results>(estimator.Fit(data).Transform(data), reuseRowObject: false)];
            foreach ((Pair pair, Results result) in Pairs(150).Zip(rows))
            {
                CollectionAssert.AreEqual(pair.First.Zip(pair.Second, (a, b) => a + b).ToArray(), result.S);
                CollectionAssert.AreEqual(pair.First.Zip(pair.Second, (a, b) => a - b).ToArray(), result.D);
            }
        }
        finally
        {
            File.Delete(path);
        }
    }

    [TestMethod]
    public void Unknown_and_missing_names_are_refused()
    {
        string path = Save(SumAndDifference());
        try
        {
            StringAssert.Contains(Error(path, [new ScoringInput("a", "First"), new ScoringInput("c", "Second")]), "Model input 'c': expected one of 'a', 'b'");
            StringAssert.Contains(Error(path, [new ScoringInput("a", "First")]), "one column for each model input");
            StringAssert.Contains(Error(path, null), "expected each to be named");
        }
        finally
        {
            File.Delete(path);
        }
    }

    [TestMethod]
    public void A_view_of_several_cursors_scores_every_row_once()
    {
        string path = Save(SumAndDifference());
        try
        {
            var data = new BatchedView(_ml.Data.LoadFromEnumerable(Pairs(200)), 16);
            QuantizedModelEstimator estimator = _ml.Quantization().ApplyModel(new QuantizedModelEstimator.Options
            {
                ModelFile = path,
                Inputs = [new ScoringInput("a", "First"), new ScoringInput("b", "Second")],
                Outputs = [new ScoringOutput("sum", "S")],
            });
            EstimatorContract.VerifyTransformer(estimator.Fit(data), data);
            Assert.IsTrue(data.GetRowCursorSet(data.Schema, 3).Length > 1, "the source gives several cursors, or this test shows nothing");
        }
        finally
        {
            File.Delete(path);
        }
    }

    [TestMethod]
    [DataRow(ScoringTask.Regression)]
    [DataRow(ScoringTask.BinaryClassification)]
    public void A_single_number_becomes_a_scalar_that_the_evaluators_take(ScoringTask task)
    {
        string path = Save(Total());
        try
        {
            IDataView data = _ml.Data.LoadFromEnumerable(Pairs(60));
            QuantizedModelEstimator estimator = _ml.Quantization().ApplyModel("Score", "First", path, task);
            EstimatorContract.Verify(estimator, data);
            IDataView scored = estimator.Fit(data).Transform(data);
            if (task == ScoringTask.Regression)
            {
                Assert.AreEqual(0, _ml.Regression.Evaluate(scored, labelColumnName: "Total").MeanAbsoluteError, 1e-6);
            }
            else
            {
                Assert.AreEqual(1, _ml.BinaryClassification.EvaluateNonCalibrated(scored, labelColumnName: "IsPositive").Accuracy);
            }
        }
        finally
        {
            File.Delete(path);
        }
    }

    private string Error(string path, ScoringInput[]? inputs) => Assert.ThrowsException<QuantizationException>(
        () => _ml.Quantization().ApplyModel(new QuantizedModelEstimator.Options { ModelFile = path, Inputs = inputs })).Message;

    private static Pair[] Pairs(int count)
    {
        var random = new Numerics.CounterRandom(3);
        return [.. Enumerable.Range(0, count).Select(r =>
        {
            float[] first = [.. Enumerable.Range(0, 3).Select(i => (float)random.Integer((r * 10) + i, -8, 8))];
            float[] second = [.. Enumerable.Range(0, 3).Select(i => (float)random.Integer((r * 10) + 5 + i, -8, 8))];
            return new Pair { First = first, Second = second, Total = first.Sum(), IsPositive = first.Sum() > 0 };
        })];
    }

    private static Graph SumAndDifference()
    {
        var builder = new GraphBuilder();
        ValueId a = builder.AddInput("a", Graphs.ValueType.Float(Shape.Of(Shape.Free, 3)));
        ValueId b = builder.AddInput("b", Graphs.ValueType.Float(Shape.Of(Shape.Free, 3)));
        builder.AddOutput(builder.Add(new Binary { Operator = BinaryOperator.Add, Inputs = [a, b] }, "sum"));
        builder.AddOutput(builder.Add(new Binary { Operator = BinaryOperator.Subtract, Inputs = [a, b] }, "difference"));
        return builder.Build();
    }

    private static Graph Total()
    {
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", Graphs.ValueType.Float(Shape.Of(Shape.Free, 3)));
        ValueId w = builder.AddConstant("w", Tensor.Create(Shape.Of(1, 3), [1f, 1f, 1f]));
        builder.AddOutput(builder.Add(new Dense { Inputs = [x, w] }, "total"));
        return builder.Build();
    }

    private static string Save(Graph graph)
    {
        string path = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString("N") + ".mlq");
        File.WriteAllBytes(path, ModelWriter.ToBytes(new ModelDocument(graph, ModelSignature.Of(graph), new ModelMetadata())));
        return path;
    }

    private sealed class Pair
    {
        [VectorType(3)]
        public float[] First { get; set; } = [];

        [VectorType(3)]
        public float[] Second { get; set; } = [];

        public float Total { get; set; }

        public bool IsPositive { get; set; }
    }

    private sealed class Results
    {
        [VectorType(3)]
        public float[] S { get; set; } = [];

        [VectorType(3)]
        public float[] D { get; set; } = [];
    }
}
