using System.Collections.Generic;
using Microsoft.ML.Quantization.Graphs;

namespace Microsoft.ML.Quantization.TestSupport;

/// <summary>What <see cref="DoubleOracle"/> found.</summary>
/// <param name="Values">The reals of every value.</param>
/// <param name="Unrounded">For each FakeQuantize output, x/s + z clamped to the range but not rounded: a right code is within ½ of it.</param>
public sealed record DoubleOracleResult(IReadOnlyDictionary<ValueId, double[]> Values, IReadOnlyDictionary<ValueId, double[]> Unrounded);
