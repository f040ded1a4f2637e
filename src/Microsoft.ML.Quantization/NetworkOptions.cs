using System;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Packing;

namespace Microsoft.ML.Quantization;

// The host's convention: options are public fields.
#pragma warning disable CA1051

/// <summary>Options of estimators that make a model from a network: how its input columns are read.</summary>
public abstract class NetworkOptions : ScoringOptions
{
    /// <summary>Whether the input columns hold bytes (pixels) that enter the network as codes, with no float pass.</summary>
    public bool InputsAreBytes;

    /// <summary>Whether image columns are pixel by pixel with channels together (as images are stored) instead of channel by channel.</summary>
    public bool InputsAreInterleaved;

    /// <summary>Factor of each input element, one number or one a channel; null for 1. Pixels of a network trained on [0, 1] need 1/255.</summary>
    public float[]? InputScale;

    /// <summary>Offset added behind the factor, one number or one a channel; null for 0.</summary>
    public float[]? InputOffset;

    private protected NetworkOptions()
    {
    }

    internal ModelSignature Signature(Graph graph)
    {
        RequireFinite(nameof(InputScale), InputScale);
        RequireFinite(nameof(InputOffset), InputOffset);
        ModelSignature plain = ModelSignature.Of(graph);
        bool isPlain = !InputsAreBytes && !InputsAreInterleaved && InputScale is null && InputOffset is null;
        ModelSignature signature = isPlain ? plain : plain with { Inputs = [.. plain.Inputs.Select(Input)] };
        if (!isPlain && plain.Inputs.All(i => i.Element != Tensors.ElementType.Float32))
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidOptions, $"InputsAreBytes, InputsAreInterleaved, InputScale, InputOffset: expected an input of floats to apply to, found {string.Join(", ", plain.Inputs.Select(i => $"'{i.Name}' of {i.Element}"))}. Leave them out.");
        }

        EntryPacking.Check(graph, signature);
        return signature;
    }

    private static void RequireFinite(string name, float[]? values)
    {
        int index = FiniteNumbers.FirstOther(values);
        if (index >= 0)
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidOptions, FormattableString.Invariant($"{name}: expected finite numbers, found {values![index]} at index {index}."));
        }
    }

    private InputSignature Input(InputSignature plain) => plain.Element != Tensors.ElementType.Float32 ? plain : plain with
    {
        Element = InputsAreBytes ? Tensors.ElementType.UInt8 : plain.Element,
        Layout = InputsAreInterleaved ? RowLayout.Interleaved : RowLayout.Planar,
        Scale = [.. InputScale ?? []],
        Offset = [.. InputOffset ?? []],
    };
}
