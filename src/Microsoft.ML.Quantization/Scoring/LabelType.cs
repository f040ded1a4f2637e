using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using Microsoft.ML.Data;

namespace Microsoft.ML.Quantization.Scoring;

/// <summary>A type that values of label keys may have: read as texts, which a model file holds, and given back in their own type.</summary>
internal abstract class LabelType
{
    private static readonly LabelType[] _all =
    [
        new Of<ReadOnlyMemory<char>>(TextDataViewType.Instance, v => v.ToString(), v => v.AsMemory()),
        new Of<bool>(BooleanDataViewType.Instance, v => v.ToString(CultureInfo.InvariantCulture), bool.Parse),
        Number<float>(NumberDataViewType.Single),
        Number<double>(NumberDataViewType.Double),
        Number<sbyte>(NumberDataViewType.SByte),
        Number<byte>(NumberDataViewType.Byte),
        Number<short>(NumberDataViewType.Int16),
        Number<ushort>(NumberDataViewType.UInt16),
        Number<int>(NumberDataViewType.Int32),
        Number<uint>(NumberDataViewType.UInt32),
        Number<long>(NumberDataViewType.Int64),
        Number<ulong>(NumberDataViewType.UInt64),
    ];

    private LabelType(PrimitiveDataViewType type) => Type = type;

    /// <summary>Texts.</summary>
    public static LabelType Text => _all[0];

    /// <summary>The host's type.</summary>
    public PrimitiveDataViewType Type { get; }

    /// <summary>The name under which a model file knows the type.</summary>
    public string Name => Type.RawType.Name;

    /// <summary>The host's type's, or null.</summary>
    public static LabelType? Find(DataViewType type) => Array.Find(_all, t => t.Type.Equals(type));

    /// <summary>The type of that <see cref="Name"/>, or null.</summary>
    public static LabelType? Find(string name) => Array.Find(_all, t => t.Name == name);

    /// <summary>The values of a key column, as texts.</summary>
    public abstract ImmutableArray<string> Texts(DataViewSchema.Column label);

    /// <summary>Whether each text is a value of this type.</summary>
    public abstract bool Fits(IEnumerable<string> texts);

    /// <summary>Adds the values as an annotation.</summary>
    public abstract void Add(DataViewSchema.Annotations.Builder annotations, string kind, ImmutableArray<string> texts);

    private static Of<T> Number<T>(NumberDataViewType type)
        where T : ISpanParsable<T>, IFormattable
        => new(type, v => v.ToString(null, CultureInfo.InvariantCulture), v => T.Parse(v, CultureInfo.InvariantCulture));

    private sealed class Of<T>(PrimitiveDataViewType type, Func<T, string> write, Func<string, T> read) : LabelType(type)
    {
        public override ImmutableArray<string> Texts(DataViewSchema.Column label)
        {
            VBuffer<T> values = default;
            label.GetKeyValues(ref values);
            return [.. values.DenseValues().Select(write)];
        }

        public override bool Fits(IEnumerable<string> texts)
        {
            try
            {
                foreach (string text in texts)
                {
                    _ = read(text);
                }

                return true;
            }
            catch (Exception exception) when (exception is FormatException or OverflowException)
            {
                return false;
            }
        }

        public override void Add(DataViewSchema.Annotations.Builder annotations, string kind, ImmutableArray<string> texts)
            => annotations.Add<VBuffer<T>>(kind, new VectorDataViewType(Type, texts.Length), (ref VBuffer<T> value) =>
            {
                VBufferEditor<T> editor = VBufferEditor.Create(ref value, texts.Length);
                for (int i = 0; i < texts.Length; i++)
                {
                    editor.Values[i] = read(texts[i]);
                }

                value = editor.Commit();
            });
    }
}
