using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Data;

namespace Microsoft.ML;

/// <summary>What is known of a schema before data: names, kinds and item types.</summary>
public sealed class SchemaShape : IReadOnlyList<SchemaShape.Column>
{
    private readonly Column[] _columns;

    public SchemaShape(IEnumerable<Column> columns)
    {
        ArgumentNullException.ThrowIfNull(columns);
        _columns = columns.ToArray();
    }

    public int Count => _columns.Length;

    public Column this[int index] => _columns[index];

    public IEnumerator<Column> GetEnumerator() => ((IEnumerable<Column>)_columns).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    internal static SchemaShape Create(DataViewSchema schema)
        => new(schema.Where(c => !c.IsHidden).Select(c => FromType(c.Name, c.Type, Create(c.Annotations.Schema))));

    internal static Column FromType(string name, DataViewType type, SchemaShape annotations = null)
    {
        Column.VectorKind kind = type is not VectorDataViewType vector ? Column.VectorKind.Scalar
            : vector.IsKnownSize ? Column.VectorKind.Vector : Column.VectorKind.VariableVector;
        DataViewType item = type.ItemType();
        bool isKey = item is KeyDataViewType;
        return new Column(name, kind, isKey ? DataKinds.FromRawType(item.RawType) : item, isKey, annotations);
    }

    internal bool TryFindColumn(string name, out Column column)
    {
        foreach (Column c in _columns)
        {
            if (c.Name == name)
            {
                column = c;
                return true;
            }
        }

        column = default;
        return false;
    }

    internal Column Find(string name)
        => TryFindColumn(name, out Column column) ? column : throw Errors.MissingColumn("inputSchema", "input", name);

    /// <summary>This shape with columns added, or in the place of those of the same name.</summary>
    internal SchemaShape With(params Column[] added)
    {
        var columns = new List<Column>(_columns);
        foreach (Column c in added)
        {
            int at = columns.FindIndex(old => old.Name == c.Name);
            if (at >= 0)
            {
                columns[at] = c;
            }
            else
            {
                columns.Add(c);
            }
        }

        return new SchemaShape(columns);
    }

    /// <summary>One column of a shape.</summary>
    public struct Column
    {
        public readonly string Name;
        public readonly VectorKind Kind;
        public readonly DataViewType ItemType;
        public readonly bool IsKey;
        public readonly SchemaShape Annotations;

        internal Column(string name, VectorKind vecKind, DataViewType itemType, bool isKey, SchemaShape annotations = null)
        {
            Name = name;
            Kind = vecKind;
            ItemType = itemType;
            IsKey = isKey;
            Annotations = annotations ?? new SchemaShape([]);
        }

        /// <summary>Scalar, vector of known size, vector of any size.</summary>
        public enum VectorKind
        {
            Scalar,
            Vector,
            VariableVector,
        }

        internal Column Renamed(string name) => new(name, Kind, ItemType, IsKey, Annotations);

        internal string TypeString()
        {
            string item = IsKey ? $"Key<{ItemType}>" : ItemType.ToString();
            return Kind switch
            {
                VectorKind.Vector => $"Vector<{item}>",
                VectorKind.VariableVector => $"VarVector<{item}>",
                _ => item,
            };
        }
    }
}
