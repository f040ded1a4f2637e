using System;
using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Serialization;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Scoring;

/// <summary>A model with the columns that feed it and those it fills. Immutable; shared by all cursors of a transformer.</summary>
internal sealed class ScoringModel : IDisposable
{
    public ScoringModel(ModelDocument document, ScoringColumns columns, QuantizedModelOptions options)
    {
        Document = document;
        Columns = columns.Resolve(document.Signature);
        Labels = ClassLabels.Of(document.Metadata);
        Engine = QuantizedModel.FromDocument(document, options);
    }

    public ModelDocument Document { get; }

    public ScoringColumns Columns { get; }

    /// <summary>What the classes are called.</summary>
    public ClassLabels Labels { get; }

    public QuantizedModel Engine { get; }

    public ImmutableArray<InputSignature> Inputs => Document.Signature.Inputs;

    public ImmutableArray<OutputSignature> Outputs => Document.Signature.Outputs;

    /// <summary>Elements of one row of a value: everything behind the free batch, or all of it where the network is for one row.</summary>
    public static int RowLength(Shape shape) => shape.IsFree ? shape.CountOf(1, shape.Rank) : shape.FixedCount;

    /// <summary>The dimensions of one row of a value.</summary>
    public static ImmutableArray<int> RowDimensions(Shape shape)
        => shape.Rank > 0 && (shape.IsFree || shape[0] == 1) ? shape.Dimensions[1..] : shape.Dimensions;

    /// <summary>The signature of the input that the given column feeds.</summary>
    public InputSignature InputOf(ScoringInput input) => Inputs.Single(i => i.Name == input.ModelInput);

    public void Dispose() => Engine.Dispose();
}
