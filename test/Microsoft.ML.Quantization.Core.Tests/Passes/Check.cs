using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Passes;

/// <summary>Assertions with the expectation written as a plain list.</summary>
internal static class Check
{
    public static void Sequence<T>(T[] found, params T[] expected) => CollectionAssert.AreEqual(expected, found, $"found {string.Join(", ", found)}");
}
