using System;
using System.IO;
using System.Linq;
using Microsoft.ML.Data;
using Microsoft.ML.Quantization.TestSupport.MLNet;
using Microsoft.ML.Transforms;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Subset.Tests;

[TestClass]
public sealed class CustomMappingTests
{
    private static readonly MLContext _ml = new(1);

    [TestMethod]
    public void AnActionAddsItsColumnsAndIsFoundAgainByItsContract()
        => EstimatorContract.Verify(_ml.Transforms.CustomMapping<Input, Output>(Doubling.Run, Doubling.Contract), Data());

    [TestMethod]
    public void TheActionRunsOnceARowWhateverTheNumberOfColumns()
    {
        int runs = 0;
        IDataView view = _ml.Transforms.CustomMapping<Input, Output>(
            (source, result) =>
            {
                runs++;
                Doubling.Run(source, result);
            },
            null).Fit(Data()).Transform(Data());
        Output[] rows = _ml.Data.CreateEnumerable<Output>(view, reuseRowObject: false).ToArray();
        Assert.AreEqual(rows.Length, runs);
        Assert.AreEqual(4f, rows[1].Double);
        CollectionAssert.AreEqual(new[] { 2f, 2f }, rows[1].Pair);
    }

    [TestMethod]
    public void WithoutAContractNameItCannotBeSaved()
    {
        ITransformer mapping = _ml.Transforms.CustomMapping<Input, Output>(Doubling.Run, null).Fit(Data());
        using var stream = new MemoryStream();
        Assert.ThrowsException<InvalidOperationException>(() => _ml.Model.Save(mapping, null, stream));
    }

    private static IDataView Data() => _ml.Data.LoadFromEnumerable(new Input[] { new() { X = 1 }, new() { X = 2 }, new() { X = 3 } });

    [CustomMappingFactoryAttribute(Contract)]
    private sealed class Doubling : CustomMappingFactory<Input, Output>
    {
        public const string Contract = "Doubling";

        public static void Run(Input source, Output result)
        {
            result.Double = source.X * 2;
            result.Pair = [source.X, source.X];
        }

        public override Action<Input, Output> GetMapping() => Run;
    }

    private sealed class Input
    {
        public float X;
    }

    private sealed class Output
    {
        public float Double;
        [VectorType(2)]
        public float[] Pair = [];
    }
}
