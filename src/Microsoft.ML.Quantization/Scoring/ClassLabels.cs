using System.Collections.Immutable;
using Microsoft.ML.Quantization.Serialization;

namespace Microsoft.ML.Quantization.Scoring;

/// <summary>What the classes are called: their names, and the type that the labels had when the network was trained, in which predicted labels are given back.</summary>
/// <param name="Names">One a class, or none.</param>
/// <param name="Type">The labels' type; texts for names that were given as such.</param>
internal sealed record ClassLabels(ImmutableArray<string> Names, LabelType Type)
{
    private const string TypeFact = "label.type";

    /// <summary>Classes without names.</summary>
    public static ClassLabels None { get; } = new([], LabelType.Text);

    /// <summary>Names given as texts; none for null.</summary>
    public static ClassLabels Of(string[]? names) => new([.. names ?? []], LabelType.Text);

    /// <summary>What a model says of its classes.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.CorruptModel"/>: the names are no values of the type.</exception>
    public static ClassLabels Of(ModelMetadata metadata)
    {
        if (!metadata.Facts.TryGetValue(TypeFact, out string? name))
        {
            return new(metadata.ClassNames, LabelType.Text);
        }

        return LabelType.Find(name) is { } type && type.Fits(metadata.ClassNames)
            ? new(metadata.ClassNames, type)
            : throw new QuantizationException(QuantizationErrorCode.CorruptModel, $"Model: expected names of classes that are values of the type in the fact '{TypeFact}', found '{name}' and '{string.Join("', '", metadata.ClassNames)}'.");
    }

    /// <summary>The model with these names.</summary>
    public ModelDocument In(ModelDocument document) => document with
    {
        Metadata = document.Metadata with
        {
            ClassNames = Names,
            Facts = Type == LabelType.Text ? document.Metadata.Facts.Remove(TypeFact) : document.Metadata.Facts.SetItem(TypeFact, Type.Name),
        },
    };
}
