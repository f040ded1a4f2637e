using System.Collections.Generic;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Quantizers.Methods.FewLevels;
using Microsoft.ML.Quantization.Training;

namespace Microsoft.ML.Quantization.QuantizationAware;

/// <summary>What methods ask of a run and do not get, and options of a scheme that change nothing.</summary>
internal static class SchemeWarnings
{
    /// <summary>One sentence each.</summary>
    public static IEnumerable<string> Of(QuantizationAwareScheme scheme, TrainingOptions training) => [.. OfRun(scheme, training), .. OfPlaces(scheme)];

    private static IEnumerable<string> OfRun(QuantizationAwareScheme scheme, TrainingOptions training)
    {
        if (scheme.Weights is { NeedsAdam: true } weights && !IsAdam(weights, training.Optimizer))
        {
            yield return $"{weights.Name} expects the steps of {nameof(Adam)}; with {training.Optimizer.GetType().Name} it is another method. {nameof(TrainingDefaults)}.{nameof(TrainingDefaults.For)} has what it needs.";
        }

        if (scheme is { Weights.OutrunsStatistics: true } or { Activations.OutrunsStatistics: true } && training.ReestimationBatches == 0)
        {
            yield return $"The quantizers train with noise, soft levels or codes that change until the end, so statistics of normalization are not those of the exported network; {nameof(TrainingOptions.ReestimationBatches)} above 0 measures them anew.";
        }
    }

    private static IEnumerable<string> OfPlaces(QuantizationAwareScheme scheme)
    {
        if (scheme.EdgeLayers == EdgeLayers.SameBits && (scheme.DownsamplingAsEdges || !scheme.TreatAsEdges.IsEmpty))
        {
            yield return $"{nameof(scheme.DownsamplingAsEdges)} and {nameof(scheme.TreatAsEdges)} change nothing: first and last layer have the bits of all others.";
        }

        if (scheme.InputBits > 0 && scheme.Activations is null && scheme.EdgeLayers != EdgeLayers.EightBits)
        {
            yield return $"{nameof(scheme.InputBits)} change nothing: no layer's input is quantized.";
        }

        if (scheme.Padding != SignPadding.Zero && scheme.Activations is not SignMethod { Signed: true, Bits: 1 })
        {
            yield return $"{nameof(scheme.Padding)} changes nothing: only convolutions over the signs -1 and 1 look at it.";
        }
    }

    /// <summary>Kin of Adam will do where the length of steps alone matters; loss-aware weights read its second moments.</summary>
    private static bool IsAdam(QuantizationMethod weights, Optimizer optimizer)
        => optimizer is Adam || (optimizer is AdaMax or ShiftAdaMax && weights is not (LossAware or LossAwareTwo));
}
