using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Transforms;

/// <summary>Makes values of keys by the KeyValues annotation.</summary>
public sealed class KeyToValueMappingEstimator : TrivialEstimator<KeyToValueMappingTransformer>
{
    internal KeyToValueMappingEstimator(IHostEnvironment env, params (string, string)[] pairs)
        : base(env.Register(nameof(KeyToValueMappingEstimator)), new KeyToValueMappingTransformer(env, pairs))
    {
    }

    public override SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return inputSchema.With(Transformer.Pairs.Select(pair =>
        {
            SchemaShape.Column source = inputSchema.Find(pair.Input);
            if (!source.IsKey)
            {
                throw Errors.Mismatch(nameof(inputSchema), "input", pair.Input, "key type", source.TypeString());
            }

            if (!source.Annotations.TryFindColumn(AnnotationKinds.KeyValues, out SchemaShape.Column values))
            {
                throw Errors.Mismatch(nameof(inputSchema), "input", pair.Input, "KeyValues annotation", "none");
            }

            return new SchemaShape.Column(pair.Output, source.Kind, values.ItemType, values.IsKey,
                ShapeAnnotations.Only(source.Annotations, AnnotationKinds.SlotNames));
        }).ToArray());
    }
}

/// <summary>Makes values of keys; the missing key becomes NaN, empty text or default.</summary>
public sealed class KeyToValueMappingTransformer : OneToOneTransformerBase
{
    internal const string LoaderSignature = "KeyToValueTransform";
    private const string ModelSignature = "KEY2VALT";

    internal KeyToValueMappingTransformer(IHostEnvironment env, params (string, string)[] pairs)
        : base(env.Register(nameof(KeyToValueMappingTransformer)), pairs) => Pairs = pairs;

    internal (string Output, string Input)[] Pairs { get; }

    internal static KeyToValueMappingTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
        => new(env, ComponentFormat.ReadPairs(ComponentFormat.Begin(ctx, ModelSignature, LoaderSignature)));

    private protected override void SaveModel(ModelSaveContext ctx)
        => ComponentFormat.WritePairs(ComponentFormat.Begin(ctx, ModelSignature, LoaderSignature), Pairs);

    private protected override MappedColumn Map(int index, string output, DataViewSchema.Column source)
    {
        if (source.Type.ItemType() is not KeyDataViewType key || !source.HasKeyValues())
        {
            throw Errors.Mismatch("inputSchema", "input", source.Name, "key type with KeyValues", source.Type.ToString());
        }

        var values = (VectorDataViewType)source.Annotations.Schema[AnnotationKinds.KeyValues].Type;
        DataViewType type = source.Type is VectorDataViewType vector ? new VectorDataViewType(values.ItemType, vector.Dimensions) : values.ItemType;
        var annotations = new DataViewSchema.Annotations.Builder();
        annotations.Add(source.Annotations, name => name == AnnotationKinds.SlotNames);
        return new MappedColumn(new DataViewSchema.DetachedColumn(output, type, annotations.ToAnnotations()), [source.Index],
            row => (Delegate)TypedCall.Invoke(typeof(KeyToValueMappingTransformer), nameof(MakeGetter), [key.RawType, values.ItemType.RawType], row, source));
    }

    private static Delegate MakeGetter<TKey, TValue>(DataViewRow row, DataViewSchema.Column source)
        where TKey : struct, System.Numerics.IBinaryInteger<TKey>
    {
        VBuffer<TValue> annotation = default;
        source.GetKeyValues(ref annotation);
        TValue[] values = annotation.DenseValues().ToArray();
        if (source.Type is not VectorDataViewType)
        {
            ValueGetter<TKey> getter = row.GetGetter<TKey>(source);
            TKey key = default;
            return (ValueGetter<TValue>)((ref TValue value) =>
            {
                getter(ref key);
                value = Find(values, key);
            });
        }

        ValueGetter<VBuffer<TKey>> vector = row.GetGetter<VBuffer<TKey>>(source);
        VBuffer<TKey> keys = default;
        return (ValueGetter<VBuffer<TValue>>)((ref VBuffer<TValue> value) =>
        {
            vector(ref keys);
            VBufferEditor<TValue> editor = VBufferEditor.Create(ref value, keys.Length);
            foreach (KeyValuePair<int, TKey> item in keys.Items(all: true))
            {
                editor.Values[item.Key] = Find(values, item.Value);
            }

            value = editor.Commit();
        });
    }

    private static TValue Find<TKey, TValue>(TValue[] values, TKey key)
        where TKey : struct, System.Numerics.IBinaryInteger<TKey>
    {
        ulong raw = ulong.CreateTruncating(key);
        return raw > 0 && raw <= (ulong)values.Length ? values[raw - 1] : ItemRules<TValue>.Missing;
    }
}
