using System;
using Microsoft.ML.Quantization;
using Microsoft.ML.Quantization.Hosting;

// The host's convention: catalog methods are found without another using line.
#pragma warning disable IDE0130
namespace Microsoft.ML;
#pragma warning restore IDE0130

/// <summary>Entry to quantization from an <see cref="MLContext"/>.</summary>
public static class QuantizationExtensionsCatalog
{
    /// <summary>The catalog of quantization: estimators that quantize a network or apply a quantized one.</summary>
    public static QuantizationCatalog Quantization(this MLContext mlContext)
    {
        ArgumentNullException.ThrowIfNull(mlContext);
        return new QuantizationCatalog(mlContext);
    }

    /// <summary>
    /// Makes saved quantized transformers known to this context. Needed only where a runtime does not do so by itself, which shows as
    /// <c>Couldn't load model</c> from <c>mlContext.Model.Load</c>; harmless otherwise and when repeated.
    /// </summary>
    public static MLContext RegisterQuantization(this MLContext mlContext)
    {
        ArgumentNullException.ThrowIfNull(mlContext);
        ModelIO.Register(mlContext, QuantizedModelTransformer.LoaderSignature, typeof(QuantizedModelTransformer), typeof(QuantizedModelLoader));
        return mlContext;
    }
}
