using System;
using System.Linq;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Transforms;

/// <summary>Learns the values of columns and makes keys of them.</summary>
public sealed class ValueToKeyMappingEstimator : IEstimator<ValueToKeyMappingTransformer>
{
    private readonly IHost _host;
    private readonly (string Output, string Input)[] _pairs;
    private readonly int _maximum;
    private readonly KeyOrdinality _ordinality;
    private readonly bool _asText;
    private readonly IDataView _keyData;

    internal ValueToKeyMappingEstimator(
        IHostEnvironment env, (string, string)[] pairs, int maximumNumberOfKeys, KeyOrdinality keyOrdinality, bool addKeyValueAnnotationsAsText, IDataView keyData)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maximumNumberOfKeys);
        if (keyData != null && keyData.Schema.Count(c => !c.IsHidden) != 1)
        {
            throw Errors.Mark(new ArgumentOutOfRangeException(nameof(keyData), "keyData must contain exactly one column"));
        }

        _host = env.Register(nameof(ValueToKeyMappingEstimator));
        _pairs = pairs;
        _maximum = maximumNumberOfKeys;
        _ordinality = keyOrdinality;
        _asText = addKeyValueAnnotationsAsText;
        _keyData = keyData;
    }

    /// <summary>The order of the keys.</summary>
    public enum KeyOrdinality : byte
    {
        ByOccurrence = 0,
        ByValue = 1,
    }

    public ValueToKeyMappingTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        GetOutputSchema(SchemaShape.Create(input.Schema));
        IDataView source = _keyData ?? input;
        DataViewSchema.Column[] columns = _pairs.Select(p => _keyData != null ? _keyData.Schema.First(c => !c.IsHidden) : input.Schema[p.Input]).ToArray();
        KeyValues[] values = columns.Select(c => KeyValues.Create((PrimitiveDataViewType)c.Type.ItemType())).ToArray();
        using (DataViewRowCursor cursor = source.GetRowCursor(columns))
        {
            Action[] readers = columns.Select((c, i) => values[i].Reader(cursor, c, _maximum)).ToArray();
            while (cursor.MoveNext())
            {
                Array.ForEach(readers, read => read());
            }
        }

        if (_ordinality == KeyOrdinality.ByValue)
        {
            Array.ForEach(values, v => v.Sort());
        }

        return new ValueToKeyMappingTransformer(_host, _pairs, values, _asText);
    }

    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return inputSchema.With(_pairs.Select(pair =>
        {
            SchemaShape.Column source = inputSchema.Find(pair.Input);
            if (source.IsKey)
            {
                throw Errors.Mismatch(nameof(inputSchema), "input", pair.Input, "values that are not keys", source.TypeString());
            }

            DataViewType item = _asText ? TextDataViewType.Instance : source.ItemType;
            SchemaShape annotations = ShapeAnnotations.Only(source.Annotations, AnnotationKinds.SlotNames).Plus(ShapeAnnotations.KeyValues(item));
            return new SchemaShape.Column(pair.Output, source.Kind, NumberDataViewType.UInt32, true, annotations);
        }).ToArray());
    }
}

/// <summary>Makes keys of values; unknown values become the missing key.</summary>
public sealed class ValueToKeyMappingTransformer : OneToOneTransformerBase
{
    internal const string LoaderSignature = "TermTransform";
    private const string ModelSignature = "TERMTRNS";
    private readonly (string Output, string Input)[] _pairs;
    private readonly KeyValues[] _values;
    private readonly bool _asText;

    internal ValueToKeyMappingTransformer(IHostEnvironment env, (string, string)[] pairs, KeyValues[] values, bool asText)
        : base(env.Register(nameof(ValueToKeyMappingTransformer)), pairs)
    {
        _pairs = pairs;
        _values = values;
        _asText = asText;
    }

    internal static ValueToKeyMappingTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        var reader = ComponentFormat.Begin(ctx, ModelSignature, LoaderSignature);
        bool asText = reader.ReadBoolean();
        (string, string)[] pairs = ComponentFormat.ReadPairs(reader);
        KeyValues[] values = ComponentFormat.ReadArray(reader, () => KeyValues.Read(reader));
        return values.Length == pairs.Length ? new ValueToKeyMappingTransformer(env, pairs, values, asText) : throw Errors.Decode("Corrupt model file: a count.");
    }

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        var writer = ComponentFormat.Begin(ctx, ModelSignature, LoaderSignature);
        writer.Write(_asText);
        ComponentFormat.WritePairs(writer, _pairs);
        ComponentFormat.WriteArray(writer, _values, v => v.Write(writer));
    }

    private protected override MappedColumn Map(int index, string output, DataViewSchema.Column source)
    {
        KeyValues values = _values[index];
        if (!source.Type.ItemType().Equals(values.ItemType))
        {
            throw Errors.Mismatch("inputSchema", "input", source.Name, values.ItemType.ToString(), source.Type.ToString());
        }

        var key = new KeyDataViewType(typeof(uint), Math.Max(1, values.Count));
        DataViewType type = source.Type is VectorDataViewType vector ? new VectorDataViewType(key, vector.Dimensions) : key;
        var annotations = new DataViewSchema.Annotations.Builder();
        annotations.Add(source.Annotations, name => name == AnnotationKinds.SlotNames);
        values.Annotate(annotations, _asText);
        return new MappedColumn(new DataViewSchema.DetachedColumn(output, type, annotations.ToAnnotations()), [source.Index], row => values.MakeGetter(row, source));
    }
}
