using System;
using System.Linq;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Transforms;

/// <summary>Learns a scale and an offset for each slot.</summary>
public sealed class NormalizingEstimator : IEstimator<NormalizingTransformer>
{
    private readonly IHost _host;
    private readonly (string Output, string Input)[] _pairs;
    private readonly long _maximumExampleCount;
    private readonly Func<SlotStatistics, (double Scale, double Offset)> _rule;

    internal NormalizingEstimator(
        IHostEnvironment env, (string, string)[] pairs, long maximumExampleCount, Func<SlotStatistics, (double Scale, double Offset)> rule)
    {
        if (maximumExampleCount < 1)
        {
            throw new ArgumentOutOfRangeException(nameof(maximumExampleCount), "maximumExampleCount must be greater than 1");
        }

        _host = env.Register(nameof(NormalizingEstimator));
        _pairs = pairs;
        _maximumExampleCount = maximumExampleCount;
        _rule = rule;
    }

    public NormalizingTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        GetOutputSchema(SchemaShape.Create(input.Schema));
        DataViewSchema.Column[] columns = _pairs.Select(p => input.Schema[p.Input]).ToArray();
        SlotStatistics[][] statistics = columns.Select(c => SlotStatistics.Create(c.Type is VectorDataViewType v ? v.Size : 1)).ToArray();
        using (DataViewRowCursor cursor = input.GetRowCursor(columns))
        {
            Action[] readers = columns.Select((c, i) => SlotStatistics.Reader(cursor, c, statistics[i])).ToArray();
            for (long row = 0; row < _maximumExampleCount && cursor.MoveNext(); row++)
            {
                Array.ForEach(readers, read => read());
            }
        }

        return new NormalizingTransformer(_host, _pairs, statistics.Select(s => s.Select(_rule).ToArray()).ToArray());
    }

    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return inputSchema.With(_pairs.Select(pair =>
        {
            SchemaShape.Column source = inputSchema.Find(pair.Input);
            bool number = !source.IsKey && (source.ItemType == NumberDataViewType.Single || source.ItemType == NumberDataViewType.Double);
            if (!number || source.Kind == SchemaShape.Column.VectorKind.VariableVector)
            {
                throw Errors.Mismatch(nameof(inputSchema), "input", pair.Input, "known-size vector or scalar of Single or Double", source.TypeString());
            }

            return new SchemaShape.Column(pair.Output, source.Kind, source.ItemType, false,
                ShapeAnnotations.Only(source.Annotations, AnnotationKinds.SlotNames).Plus(ShapeAnnotations.IsNormalized));
        }).ToArray());
    }
}

/// <summary>y = (x - offset) · scale for each slot.</summary>
public sealed class NormalizingTransformer : OneToOneTransformerBase
{
    internal const string LoaderSignature = "Normalizer";
    private const string ModelSignature = "NORMALZR";
    private readonly (string Output, string Input)[] _pairs;
    private readonly (double Scale, double Offset)[][] _maps;

    internal NormalizingTransformer(IHostEnvironment env, (string, string)[] pairs, (double Scale, double Offset)[][] maps)
        : base(env.Register(nameof(NormalizingTransformer)), pairs)
    {
        _pairs = pairs;
        _maps = maps;
    }

    internal static NormalizingTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        var reader = ComponentFormat.Begin(ctx, ModelSignature, LoaderSignature);
        (string, string)[] pairs = ComponentFormat.ReadPairs(reader);
        var maps = ComponentFormat.ReadArray(reader, () => ComponentFormat.ReadArray(reader, () => (reader.ReadDouble(), reader.ReadDouble())));
        return maps.Length == pairs.Length ? new NormalizingTransformer(env, pairs, maps) : throw Errors.Decode("Corrupt model file: a count.");
    }

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        var writer = ComponentFormat.Begin(ctx, ModelSignature, LoaderSignature);
        ComponentFormat.WritePairs(writer, _pairs);
        ComponentFormat.WriteArray(writer, _maps, map => ComponentFormat.WriteArray(writer, map, slot =>
        {
            writer.Write(slot.Scale);
            writer.Write(slot.Offset);
        }));
    }

    private protected override MappedColumn Map(int index, string output, DataViewSchema.Column source)
    {
        (double Scale, double Offset)[] map = _maps[index];
        bool isVector = source.Type is VectorDataViewType;
        int size = source.Type is VectorDataViewType v ? v.Size : 1;
        if ((source.Type.ItemType() != NumberDataViewType.Single && source.Type.ItemType() != NumberDataViewType.Double) || size != map.Length)
        {
            string expected = isVector ? $"Vector<Single or Double, {map.Length}>" : "Single or Double";
            throw Errors.Mismatch("inputSchema", "input", source.Name, expected, source.Type.ToString());
        }

        var annotations = new DataViewSchema.Annotations.Builder();
        annotations.Add(source.Annotations, name => name == AnnotationKinds.SlotNames);
        annotations.AddPrimitiveValue(AnnotationKinds.IsNormalized, BooleanDataViewType.Instance, true);
        return new MappedColumn(new DataViewSchema.DetachedColumn(output, source.Type, annotations.ToAnnotations()), [source.Index],
            row => SlotMap.MakeGetter(row, source, map));
    }
}
