using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;

namespace Microsoft.ML.Quantization.Graphs.Rules;

internal static class ImmutableArrayExtensions
{
    public static IEnumerable<string> Types(this ImmutableArray<Value> values) => values.Select(v => v.Type.ToString());
}
