using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Data;
using Microsoft.ML.Quantization.TestSupport.MLNet;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Subset.Tests;

[TestClass]
public sealed class EstimatorContractTests
{
    private static readonly MLContext _ml = new(1);

    // What the helper has to say of each, so that it fails for the right reason.
    private static readonly Dictionary<Breakage, string> _rules = new()
    {
        [Breakage.PromisedColumnMissing] = "promised [",
        [Breakage.PromisedWithoutAnnotations] = "annotations of 'G'",
        [Breakage.InvalidShapeAccepted] = "GetOutputSchema accepts the shape of invalid data",
        [Breakage.InvalidFitAccepted] = "Fit accepts invalid data",
        [Breakage.InvalidTransformAccepted] = "accepts invalid data",
        [Breakage.OutputSchemaDiffersFromView] = "promised shape",
        [Breakage.TransformOpensCursor] = "lazy",
        [Breakage.LoadedModelDiffers] = "the loaded transformer's schema",
        [Breakage.MapperInputSchemaCopied] = "the mapper's InputSchema",
        [Breakage.MapperSchemaDiffers] = "the mapper's schema",
        [Breakage.DependenciesForeign] = "GetDependencies",
        [Breakage.MapperRowSchemaCopied] = "the row's Schema",
        [Breakage.MapperRowPositionFixed] = "the row's Position",
        [Breakage.CursorSchemaCopied] = "a cursor's schema",
        [Breakage.RequestedColumnInactive] = "was asked for and is not active",
        [Breakage.InactiveGetterGiven] = "a getter of the inactive column",
        [Breakage.WrongGetterGiven] = "a getter of a wrong type",
        [Breakage.CursorSetDropsRows] = "cursor set of",
        [Breakage.CursorSetSharesBatch] = "share the batch",
        [Breakage.CursorSetTooLarge] = "a set of up to",
        [Breakage.RowIdsChange] = "another identity",
        [Breakage.RowCountWrong] = "GetRowCount",
        [Breakage.PositionBeforeStart] = "before the first MoveNext",
    };

    public static IEnumerable<object[]> Breakages => Enum.GetValues<Breakage>().Where(b => b != Breakage.None).Select(b => new object[] { b });

    [TestMethod]
    public void TheHelperAcceptsAGoodEstimator() => EstimatorContract.Verify(new BrokenEstimator(Breakage.None), Named(), invalid: Invalid());

    [TestMethod]
    [DynamicData(nameof(Breakages))]
    public void TheHelperNoticesEachBreakage(Breakage breakage)
    {
        ContractViolationException violation = Assert.ThrowsException<ContractViolationException>(
            () => EstimatorContract.Verify(new BrokenEstimator(breakage), Named(), invalid: Invalid()));
        StringAssert.Contains(violation.Message, _rules[breakage]);
    }

    [TestMethod]
    public void CopyColumnsKeepsTheContract() => EstimatorContract.Verify(_ml.Transforms.CopyColumns("G", "F"), Valid(), invalid: Invalid());

    [TestMethod]
    public void ConcatenateKeepsTheContract()
        => EstimatorContract.Verify(_ml.Transforms.Concatenate("All", "F", "X"), Valid(), alsoValid: Valid(7));

    [TestMethod]
    public void NormalizeMinMaxKeepsTheContract()
    {
        IDataView named = Named();
        EstimatorContract.Verify(_ml.Transforms.NormalizeMinMax("G", "F"), named, invalid: Invalid());
        EstimatorContract.Verify(_ml.Transforms.NormalizeMinMax("X", fixZero: false), Valid());
    }

    [TestMethod]
    public void MapValueToKeyAndBackKeepTheContract()
    {
        Transforms.ValueToKeyMappingEstimator toKey = _ml.Transforms.Conversion.MapValueToKey("K", "T");
        EstimatorContract.Verify(toKey, Valid(), alsoValid: Valid(9), invalid: Without("T"));
        IDataView keys = toKey.Fit(Valid()).Transform(Valid());
        EstimatorContract.Verify(_ml.Transforms.Conversion.MapKeyToValue("V", "K"), keys, invalid: Valid());
        EstimatorContract.Verify(toKey.Append(_ml.Transforms.Conversion.MapKeyToValue("V", "K")), Valid());
    }

    [TestMethod]
    public void ConvertSelectAndDropKeepTheContract()
    {
        EstimatorContract.Verify(_ml.Transforms.Conversion.ConvertType("D", "F", DataKind.Double), Valid());
        EstimatorContract.Verify(_ml.Transforms.SelectColumns("X", "F"), Valid());
        EstimatorContract.Verify(_ml.Transforms.DropColumns("T"), Valid());
    }

    private static IDataView Valid(int rows = 5) => _ml.Data.LoadFromEnumerable(Enumerable.Range(0, rows).Select(i => new Row
    {
        F = [i, -i, 0],
        X = i / 2f,
        Y = 4 - i,
        T = i % 2 == 0 ? "even" : "odd",
    }).ToArray());

    // A vector with slot names, so that annotations are at stake.
    private static IDataView Named() => _ml.Transforms.Concatenate("F", "X", "Y").Fit(Valid()).Transform(Valid());

    private static IDataView Invalid() => Without("F");

    private static IDataView Without(string column) => _ml.Transforms.DropColumns(column).Fit(Valid()).Transform(Valid());

    private sealed class Row
    {
        [VectorType(3)]
        public float[] F = [];
        public float X;
        public float Y;
        public string T = "";
    }
}
