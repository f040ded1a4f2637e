using System;
using System.Collections.Generic;
using System.Linq;

namespace Microsoft.ML.Data;

/// <summary>How the members of a row type map to columns.</summary>
public sealed class SchemaDefinition : List<SchemaDefinition.Column>
{
    /// <summary>Whether members are to be read, written, or both.</summary>
    [Flags]
    public enum Direction
    {
        Read = 1,
        Write = 2,
        Both = Read | Write,
    }

    public Column this[string columnName]
    {
        get
        {
            ArgumentNullException.ThrowIfNull(columnName);
            return this.FirstOrDefault(c => c.ColumnName == columnName)
                ?? throw new ArgumentOutOfRangeException(nameof(columnName), $"Column '{columnName}' not found");
        }

        set
        {
            ArgumentNullException.ThrowIfNull(value);
            value.ColumnName = columnName;
            int at = FindIndex(c => c.ColumnName == columnName);
            if (at >= 0)
            {
                this[at] = value;
            }
            else
            {
                Add(value);
            }
        }
    }

    public static SchemaDefinition Create(Type userType, Direction direction = Direction.Both)
    {
        ArgumentNullException.ThrowIfNull(userType);
        var definition = new SchemaDefinition();
        foreach (RowMember member in RowMember.Of(userType, direction))
        {
            if (definition.Any(c => c.ColumnName == member.ColumnName))
            {
                throw new ArgumentOutOfRangeException(nameof(userType), $"Duplicate column name '{member.ColumnName}' detected");
            }

            definition.Add(new Column(member.Name, member.Type, member.ColumnName));
        }

        return definition;
    }

    /// <summary>One member and its column.</summary>
    public sealed class Column
    {
        private DataViewSchema.Annotations.Builder _builder;
        private DataViewSchema.Annotations _annotations;

        public Column(string memberName, DataViewType columnType, string columnName = null)
        {
            ArgumentException.ThrowIfNullOrEmpty(memberName);
            ArgumentNullException.ThrowIfNull(columnType);
            MemberName = memberName;
            ColumnType = columnType;
            ColumnName = columnName ?? memberName;
        }

        public string MemberName { get; set; }

        public string ColumnName { get; set; }

        public DataViewType ColumnType { get; set; }

        public DataViewSchema.Annotations Annotations => _annotations ??= _builder?.ToAnnotations() ?? DataViewSchema.Annotations.Empty;

        public void AddAnnotation<T>(string kind, T value, DataViewType annotationType)
        {
            AddAnnotation(kind, annotationType, (ValueGetter<T>)((ref T destination) => destination = value));
        }

        internal void AddAnnotations(DataViewSchema.Annotations annotations)
        {
            foreach (DataViewSchema.Column kind in annotations.Schema)
            {
                AddAnnotation(kind.Name, kind.Type, annotations.GetterDelegate(kind.Index));
            }
        }

        private void AddAnnotation(string kind, DataViewType type, Delegate getter)
        {
            _builder ??= new DataViewSchema.Annotations.Builder();
            _builder.Add(kind, type, getter);
            _annotations = null;
        }
    }
}
