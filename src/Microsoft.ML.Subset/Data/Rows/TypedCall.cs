using System;
using System.Linq;
using System.Reflection;

namespace Microsoft.ML.Data;

/// <summary>Calls generic methods with types known at run time only.</summary>
internal static class TypedCall
{
    private const BindingFlags Any = BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DoNotWrapExceptions;

    /// <summary>Calls the static generic method of <paramref name="owner"/> with the type arguments.</summary>
    public static object Invoke(Type owner, string method, Type[] types, params object[] args)
    {
        MethodInfo generic = owner.GetMethods(Any).Single(m => m.Name == method && m.IsGenericMethodDefinition);
        return generic.MakeGenericMethod(types).Invoke(null, Any, null, args, null);
    }

    /// <summary>The getter of a column whose type is not known when compiling.</summary>
    public static Delegate Getter(DataViewRow row, DataViewSchema.Column column)
        => (Delegate)Invoke(typeof(TypedCall), nameof(GetterCore), [column.Type.RawType], row, column);

    private static Delegate GetterCore<T>(DataViewRow row, DataViewSchema.Column column) => row.GetGetter<T>(column);
}
