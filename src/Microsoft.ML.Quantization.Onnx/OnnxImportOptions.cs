using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Onnx;

/// <summary>How <see cref="OnnxModel"/> reads a file.</summary>
public sealed record OnnxImportOptions
{
    /// <summary>Sizes for named free dimensions (ONNX's dim_param) other than the batch; a size given for the batch binds it.</summary>
    public ImmutableDictionary<string, int> Dimensions { get; init; } = ImmutableDictionary.Create<string, int>(StringComparer.Ordinal);

    /// <summary>Values for graph inputs that are to become constants, for example a shape or a scale that the file leaves to the caller.</summary>
    public ImmutableDictionary<string, Tensor> Constants { get; init; } = ImmutableDictionary.Create<string, Tensor>(StringComparer.Ordinal);

    /// <summary>
    /// The most bytes that constants made at import may take beyond the data that the file holds (ConstantOfShape, folded nodes, widened
    /// types). 1 GiB unless set; a small number suits files of unknown origin.
    /// </summary>
    public long MaximumTensorBytes { get; init; } = 1L << 30;

    /// <summary>The folder that external data lie in; the model's own folder when null. A model read from memory has none.</summary>
    public string? ExternalDataFolder { get; init; }

    /// <summary>
    /// A folder within which links to external data are followed. Null: a data file that is a symbolic or hard link is refused, for a model
    /// could otherwise read any file of its reader.
    /// </summary>
    public string? AllowLinksWithin { get; init; }
}
