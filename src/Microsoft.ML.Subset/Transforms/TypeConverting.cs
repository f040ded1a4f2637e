using System;
using System.Linq;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Transforms;

/// <summary>Converts item types.</summary>
public sealed class TypeConvertingEstimator : TrivialEstimator<TypeConvertingTransformer>
{
    internal TypeConvertingEstimator(IHostEnvironment env, (string, string)[] pairs, DataKind outputKind)
        : base(env.Register(nameof(TypeConvertingEstimator)), new TypeConvertingTransformer(env, pairs, outputKind))
    {
    }

    public override SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return inputSchema.With(Transformer.Pairs.Select(pair =>
        {
            SchemaShape.Column source = inputSchema.Find(pair.Input);
            if (!ItemConversion.Exists(source.ItemType, Transformer.OutputType))
            {
                throw Errors.Mismatch(nameof(inputSchema), "input", pair.Input, $"convertible to {Transformer.OutputType}", source.TypeString());
            }

            return new SchemaShape.Column(pair.Output, source.Kind, Transformer.OutputType, false,
                ShapeAnnotations.Only(source.Annotations, AnnotationKinds.SlotNames));
        }).ToArray());
    }
}

/// <summary>Converts item types.</summary>
public sealed class TypeConvertingTransformer : OneToOneTransformerBase
{
    internal const string LoaderSignature = "ConvertTransform";
    private const string ModelSignature = "CONVERTF";
    private readonly DataKind _kind;

    internal TypeConvertingTransformer(IHostEnvironment env, (string, string)[] pairs, DataKind outputKind)
        : base(env.Register(nameof(TypeConvertingTransformer)), pairs)
    {
        Pairs = pairs;
        _kind = outputKind;
        OutputType = DataKinds.ToType(outputKind);
    }

    internal (string Output, string Input)[] Pairs { get; }

    internal PrimitiveDataViewType OutputType { get; }

    internal static TypeConvertingTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        var reader = ComponentFormat.Begin(ctx, ModelSignature, LoaderSignature);
        var kind = (DataKind)reader.ReadByte();
        return new TypeConvertingTransformer(env, ComponentFormat.ReadPairs(reader), kind);
    }

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        var writer = ComponentFormat.Begin(ctx, ModelSignature, LoaderSignature);
        writer.Write((byte)_kind);
        ComponentFormat.WritePairs(writer, Pairs);
    }

    private protected override MappedColumn Map(int index, string output, DataViewSchema.Column source)
    {
        DataViewType item = source.Type.ItemType();
        if (!ItemConversion.Exists(item, OutputType))
        {
            throw Errors.Mismatch("inputSchema", "input", source.Name, $"convertible to {OutputType}", source.Type.ToString());
        }

        DataViewType type = source.Type is VectorDataViewType vector ? new VectorDataViewType(OutputType, vector.Dimensions) : OutputType;
        var annotations = new DataViewSchema.Annotations.Builder();
        annotations.Add(source.Annotations, name => name == AnnotationKinds.SlotNames);
        return new MappedColumn(new DataViewSchema.DetachedColumn(output, type, annotations.ToAnnotations()), [source.Index],
            row => (Delegate)TypedCall.Invoke(
                typeof(ItemConversion), nameof(ItemConversion.MakeGetter), [item.RawType, OutputType.RawType], row, source));
    }
}
