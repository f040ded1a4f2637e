using System;
using System.Linq;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Puts columns of one item type together into a vector.</summary>
public sealed class ColumnConcatenatingTransformer : RowToRowTransformerBase
{
    internal const string LoaderSignature = "ConcatTransform";
    private const string ModelSignature = "CONCATCL";
    private readonly string _output;
    private readonly string[] _inputs;

    internal ColumnConcatenatingTransformer(IHostEnvironment env, string outputColumnName, params string[] inputColumnNames)
        : base(env.Register(nameof(ColumnConcatenatingTransformer)))
    {
        if (inputColumnNames.Length == 0)
        {
            throw new ArgumentException("At least one column is needed.", nameof(inputColumnNames));
        }

        _output = outputColumnName;
        _inputs = inputColumnNames;
    }

    internal static ColumnConcatenatingTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        var reader = ComponentFormat.Begin(ctx, ModelSignature, LoaderSignature);
        return new ColumnConcatenatingTransformer(env, reader.ReadString(), ComponentFormat.ReadArray(reader, reader.ReadString));
    }

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        var writer = ComponentFormat.Begin(ctx, ModelSignature, LoaderSignature);
        writer.Write(_output);
        ComponentFormat.WriteArray(writer, _inputs, writer.Write);
    }

    private protected override RowMapping Bind(DataViewSchema inputSchema)
    {
        DataViewSchema.Column[] sources = _inputs.Select(name => Source(inputSchema, name)).ToArray();
        DataViewType item = sources[0].Type.ItemType();
        foreach (DataViewSchema.Column source in sources)
        {
            if (source.Type.ItemType() is KeyDataViewType || !source.Type.ItemType().Equals(item))
            {
                throw Errors.Mismatch(nameof(inputSchema), "input", source.Name, item.ToString(), source.Type.ToString());
            }
        }

        bool known = sources.All(c => c.Type is not VectorDataViewType { IsKnownSize: false });
        int size = known ? sources.Sum(Size) : 0;
        var type = new VectorDataViewType((PrimitiveDataViewType)item, size);
        var column = new DataViewSchema.DetachedColumn(_output, type, Annotations(sources, size));
        var mapped = new MappedColumn(column, sources.Select(s => s.Index).ToArray(),
            row => (Delegate)TypedCall.Invoke(typeof(Concatenation), nameof(Concatenation.MakeGetter), [item.RawType], row, sources));
        return RowMapping.Adding(inputSchema, [mapped]);
    }

    private static int Size(DataViewSchema.Column column) => column.Type is VectorDataViewType vector ? vector.Size : 1;

    private static DataViewSchema.Annotations Annotations(DataViewSchema.Column[] sources, int size)
    {
        var builder = new DataViewSchema.Annotations.Builder();
        if (size > 0 && sources.Any(s => s.Type is not VectorDataViewType || s.HasSlotNames()))
        {
            var names = new ReadOnlyMemory<char>[size];
            int at = 0;
            foreach (DataViewSchema.Column source in sources)
            {
                VBuffer<ReadOnlyMemory<char>> own = default;
                if (source.Type is not VectorDataViewType)
                {
                    names[at] = source.Name.AsMemory();
                }
                else if (source.HasSlotNames())
                {
                    source.GetSlotNames(ref own);
                    own.CopyTo(names.AsSpan(at, own.Length));
                }

                at += Size(source);
            }

            builder.Add(AnnotationKinds.SlotNames, new VectorDataViewType(TextDataViewType.Instance, size),
                (ref VBuffer<ReadOnlyMemory<char>> value) => VBuffer<ReadOnlyMemory<char>>.Copy(names, 0, ref value, size));
        }

        if (sources.All(s => s.IsNormalized()))
        {
            builder.AddPrimitiveValue(AnnotationKinds.IsNormalized, BooleanDataViewType.Instance, true);
        }

        return builder.ToAnnotations();
    }
}
