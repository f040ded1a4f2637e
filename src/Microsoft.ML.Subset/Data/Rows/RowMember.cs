using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;

namespace Microsoft.ML.Data;

/// <summary>A field or property of a row type.</summary>
internal sealed class RowMember
{
    private readonly MemberInfo _member;

    private RowMember(MemberInfo member)
    {
        _member = member;
        ClrType = member is FieldInfo field ? field.FieldType : ((PropertyInfo)member).PropertyType;
    }

    public string Name => _member.Name;

    public Type ClrType { get; }

    public MemberInfo Info => _member;

    public string ColumnName => _member.GetCustomAttribute<ColumnNameAttribute>()?.Name ?? Name;

    /// <summary>The item type of an array or VBuffer member, or the member's own type.</summary>
    public Type ItemClrType => IsVector ? ClrType.IsArray ? ClrType.GetElementType() : ClrType.GetGenericArguments()[0] : ClrType;

    public bool IsVector => (ClrType.IsArray && ClrType.GetArrayRank() == 1)
        || (ClrType.IsGenericType && ClrType.GetGenericTypeDefinition() == typeof(VBuffer<>));

    /// <summary>The column type that the member's type and attributes say.</summary>
    public DataViewType Type
    {
        get
        {
            PrimitiveDataViewType item = DataKinds.FromRawType(ItemClrType)
                ?? throw new ArgumentOutOfRangeException(Name, $"Could not determine an IDataView type and registered custom types for member {Name}");
            if (_member.GetCustomAttribute<KeyTypeAttribute>() is { } key)
            {
                item = KeyType(key);
            }

            VectorTypeAttribute vector = _member.GetCustomAttribute<VectorTypeAttribute>();
            if (!IsVector)
            {
                return vector == null ? item : throw new ArgumentOutOfRangeException(Name, $"Member {Name} marked with VectorType attribute, but does not appear to be a vector type");
            }

            return vector?.Dims is { Length: > 0 } dims ? new VectorDataViewType(item, dims) : new VectorDataViewType(item);
        }
    }

    /// <summary>Public instance fields in the order of declaration, then properties.</summary>
    public static IEnumerable<RowMember> Of(Type userType, SchemaDefinition.Direction direction)
    {
        const BindingFlags Flags = BindingFlags.Public | BindingFlags.Instance;
        IEnumerable<MemberInfo> fields = userType.GetFields(Flags).Where(f => !f.IsLiteral);
        IEnumerable<MemberInfo> properties = userType.GetProperties(Flags).Where(p => p.GetIndexParameters().Length == 0 && Fits(p, direction));
        return fields.Concat(properties).Where(m => m.GetCustomAttribute<NoColumnAttribute>() == null).Select(m => new RowMember(m));
    }

    public static RowMember Find(Type userType, string memberName)
    {
        const BindingFlags Flags = BindingFlags.Public | BindingFlags.Instance;
        MemberInfo member = (MemberInfo)userType.GetField(memberName, Flags) ?? userType.GetProperty(memberName, Flags);
        return member == null
            ? throw new ArgumentOutOfRangeException(nameof(memberName), $"No field or property with name '{memberName}' found in type '{userType.FullName}'")
            : new RowMember(member);
    }

    private static bool Fits(PropertyInfo property, SchemaDefinition.Direction direction)
        => ((direction & SchemaDefinition.Direction.Read) != 0 && property.GetGetMethod() != null)
            || ((direction & SchemaDefinition.Direction.Write) != 0 && property.GetSetMethod() != null);

    private KeyDataViewType KeyType(KeyTypeAttribute key)
    {
        if (!KeyDataViewType.IsValidDataType(ItemClrType))
        {
            throw new ArgumentOutOfRangeException(Name, $"Member {Name} marked with KeyType attribute, but does not appear to be a valid kind of data for a key type");
        }

        ulong largest = ItemClrType == typeof(byte) ? byte.MaxValue : ItemClrType == typeof(ushort) ? ushort.MaxValue : ItemClrType == typeof(uint) ? uint.MaxValue : ulong.MaxValue;
        return new KeyDataViewType(ItemClrType, key.KeyCount ?? largest);
    }
}
