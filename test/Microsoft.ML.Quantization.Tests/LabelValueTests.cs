using System.IO;
using System.Linq;
using Microsoft.ML.Data;
using Microsoft.ML.Quantization.Networks;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport.MLNet;
using Microsoft.ML.Quantization.Training;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Tests;

/// <summary>Labels are what the data call them: keys made of numbers come back as the same numbers.</summary>
[TestClass]
public sealed class LabelValueTests
{
    private readonly MLContext _ml = Rows.Context();

    [TestMethod]
    public void Numbers_that_became_keys_come_back_as_numbers_also_from_a_file()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 48).Select(Row));
        var training = new TrainingOptions { Epochs = 6, BatchSize = 16, Optimizer = new Adam(), Rate = 0.01f };
        QuantizationAwareTrainingEstimator trainer = _ml.Quantization().Trainers.Lsq(SmallNetworks.VggSmall(Shape.Of(1, 8, 8), 4, 4), training: training);
        foreach ((string column, double[] classes) in new[] { ("Digit", new double[] { 3, 7, 11, 15 }), ("Size", [-0.5, 0.1, 0.7, 1.3]) })
        {
            IDataView keyed = _ml.Transforms.Conversion.MapValueToKey("Label", column).Fit(data).Transform(data);
            EstimatorContract.Verify(trainer, keyed);
            using QuantizedModelTransformer model = trainer.Fit(keyed);
            using var stream = new MemoryStream();
            _ml.Model.Save(model, keyed.Schema, stream);
            stream.Position = 0;
            foreach (ITransformer scorer in new[] { model, new MLContext().Model.Load(stream, out _) })
            {
                IDataView scored = _ml.Transforms.Conversion.MapKeyToValue("Answer", "PredictedLabel").Fit(scorer.Transform(keyed)).Transform(scorer.Transform(keyed));
                Assert.AreEqual(data.Schema[column].Type, scored.Schema["Answer"].Type);
                double[] answers = column == "Digit" ? [.. scored.GetColumn<int>("Answer").Select(v => (double)v)] : [.. scored.GetColumn<float>("Answer").Select(v => (double)v)];
                Assert.IsTrue(answers.All(a => classes.Any(c => (float)c == (float)a)), string.Join(" ", answers));
                Assert.IsTrue(answers.Where((a, i) => (float)a == (float)classes[i % 4]).Count() > 40, string.Join(" ", answers));
            }
        }
    }

    private static NumberedBlob Row(int row) => new()
    {
        Features = [.. Enumerable.Range(0, 64).Select(i => (((i / 32 * 2) + (i % 8 / 4)) == row % 4 ? 0.6f : 0) + ((row * 31) + (i * 17)) % 13 / 40f)],
        Digit = 3 + (row % 4 * 4),
        Size = (float)(-0.5 + (row % 4 * 0.6)),
    };
}

/// <summary>An image with numbers for its class.</summary>
public sealed class NumberedBlob
{
    [VectorType(64)]
    public float[] Features { get; set; } = [];

    public int Digit { get; set; }

    public float Size { get; set; }
}
