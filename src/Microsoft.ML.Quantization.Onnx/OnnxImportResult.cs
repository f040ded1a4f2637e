using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;

namespace Microsoft.ML.Quantization.Onnx;

/// <summary>What an ONNX file gave.</summary>
/// <param name="Graph">The network: floats, or with Quantize and Dequantize nodes when the file has them.</param>
/// <param name="OperatorSet">The version of the default operator set that the file asks for.</param>
/// <param name="Producer">The tool that wrote the file, as it calls itself; may be empty.</param>
/// <param name="WidenedTensors">Names of the tensors whose elements (float16, bfloat16, double) became float32.</param>
/// <param name="Warnings">What the caller should know, one sentence each.</param>
public sealed record OnnxImportResult(
    Graph Graph, int OperatorSet, string Producer, ImmutableArray<string> WidenedTensors, ImmutableArray<string> Warnings)
{
    /// <summary>Whether the file quantizes: whoever quantizes models refuses such a one, or asks, before doing it again.</summary>
    public bool IsQuantized { get; } = Graph is not null && Graph.Nodes.Any(n => n is Quantize or Dequantize or FakeQuantize or GroupedDense);
}
