using System;
using System.IO;
using System.Reflection;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Quantization.Hosting;

/// <summary>
/// The only file that touches internals of the host: begins writing and reading a transformer inside the host's model file. Those members are
/// found by name, once; a host that lacks one gets a <see cref="NotSupportedException"/> that names it.
/// </summary>
internal static class ModelIO
{
    private const uint Version = 0x00010001;
    private const BindingFlags Any = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;
    private static readonly Assembly _core = typeof(ITransformer).Assembly;

    /// <summary>Writes the header of a model and gives the writer of its body.</summary>
    /// <param name="context">The host's context.</param>
    /// <param name="modelSignature">Exactly eight characters.</param>
    /// <param name="loaderSignature">At most 24 ASCII characters.</param>
    public static BinaryWriter BeginWrite(ModelSaveContext context, string modelSignature, string loaderSignature)
    {
        ArgumentNullException.ThrowIfNull(context);
        Type type = typeof(ModelSaveContext);
        Invoke(Member(type.GetMethod("CheckAtModel", Any, []), type, "CheckAtModel()"), context);
        Invoke(Member(type.GetMethod("SetVersionInfo", Any), type, "SetVersionInfo"), context, VersionInfo(modelSignature, loaderSignature));
        object? writer = type.GetProperty("Writer", Any)?.GetValue(context) ?? type.GetField("Writer", Any)?.GetValue(context);
        return writer as BinaryWriter ?? throw Missing(type, "Writer");
    }

    /// <summary>Checks the header of a model and gives the reader of its body.</summary>
    public static BinaryReader BeginRead(object context, string modelSignature, string loaderSignature)
    {
        ArgumentNullException.ThrowIfNull(context);
        Type type = context.GetType();
        Type info = VersionType();
        Invoke(Member(type.GetMethod("CheckAtModel", Any, [info]), type, "CheckAtModel(VersionInfo)"), context, VersionInfo(modelSignature, loaderSignature));
        object? reader = type.GetProperty("Reader", Any)?.GetValue(context) ?? type.GetField("Reader", Any)?.GetValue(context);
        return reader as BinaryReader ?? throw Missing(type, "Reader");
    }

    /// <summary>Makes the loader known to a context whose automatic registration did not work.</summary>
    public static void Register(IHostEnvironment environment, string loaderSignature, Type instance, Type loader)
    {
        // The public way first: it reads this assembly's attribute, and the later automatic registration will not collide with ours.
        ComponentCatalog catalog = environment.ComponentCatalog;
        catalog.RegisterAssembly(loader.Assembly);
        Type signature = _core.GetType("Microsoft.ML.SignatureLoadModel") ?? throw Missing(_core, "SignatureLoadModel");
        Type type = typeof(ComponentCatalog);
        MethodInfo find = Member(type.GetMethod("GetLoadableClassInfo", Any, [typeof(string), typeof(Type)]), type, "GetLoadableClassInfo(string, Type)");
        if (Invoke(find, catalog, loaderSignature, signature) is null)
        {
            Add(catalog, loaderSignature, instance, loader, signature);
        }
    }

    /// <summary>The members that <see cref="BeginWrite"/> and <see cref="BeginRead"/> need and this host lacks; empty when all are there.</summary>
    public static string[] MissingMembers()
    {
        Type save = typeof(ModelSaveContext);
        Type? load = _core.GetType("Microsoft.ML.ModelLoadContext");
        Type? info = _core.GetType("Microsoft.ML.VersionInfo");
        (string Name, bool Found)[] members =
        [
            ("ModelSaveContext.CheckAtModel()", save.GetMethod("CheckAtModel", Any, []) is not null),
            ("ModelSaveContext.SetVersionInfo", save.GetMethod("SetVersionInfo", Any) is not null),
            ("ModelSaveContext.Writer", save.GetProperty("Writer", Any) is not null || save.GetField("Writer", Any) is not null),
            ("VersionInfo", info is not null),
            ("ModelLoadContext.CheckAtModel(VersionInfo)", info is not null && load?.GetMethod("CheckAtModel", Any, [info]) is not null),
            ("ModelLoadContext.Reader", load?.GetProperty("Reader", Any) is not null || load?.GetField("Reader", Any) is not null),
        ];
        return [.. System.Linq.Enumerable.Select(System.Linq.Enumerable.Where(members, m => !m.Found), m => m.Name)];
    }

    private static void Add(ComponentCatalog catalog, string loaderSignature, Type instance, Type loader, Type signature)
    {
        Type attributeType = _core.GetType("Microsoft.ML.LoadableClassAttribute") ?? throw Missing(_core, "LoadableClassAttribute");
        Type infoType = typeof(ComponentCatalog).GetNestedType("LoadableClassInfo", BindingFlags.Public | BindingFlags.NonPublic) ?? throw Missing(typeof(ComponentCatalog), "LoadableClassInfo");
        MethodInfo create = Member(loader.GetMethod("Create", BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic), loader, "Create");
        string[] names = [loaderSignature];
        object? attribute = Activator.CreateInstance(attributeType, Any, null, ["Quantized network.", instance, loader, null, signature, loaderSignature, names], null);
        object? info = Activator.CreateInstance(infoType, Any, null, [attribute, null, null, create, true], null);
        Invoke(Member(typeof(ComponentCatalog).GetMethod("AddClass", Any), typeof(ComponentCatalog), "AddClass"), catalog, info, names, true);
    }

    private static Type VersionType() => _core.GetType("Microsoft.ML.VersionInfo") ?? throw Missing(_core, "VersionInfo");

    // The simple assembly name: a full name would refuse a lower version than the one that saved.
    private static object VersionInfo(string modelSignature, string loaderSignature)
    {
        Type type = VersionType();
        object?[] arguments = [modelSignature, Version, Version, Version, typeof(ModelIO).Assembly.GetName().Name, loaderSignature, null];
        return Activator.CreateInstance(type, Any, null, arguments, null) ?? throw Missing(type, "constructor");
    }

    private static object? Invoke(MethodInfo method, object target, params object?[] arguments)
        => method.Invoke(target, BindingFlags.DoNotWrapExceptions, null, arguments, null);

    private static MethodInfo Member(MethodInfo? method, Type type, string name) => method ?? throw Missing(type, name);

    private static NotSupportedException Missing(object owner, string name)
        => new($"{owner} of {_core.GetName().Name} {_core.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion}: expected a member '{name}', found none. This version of the host cannot save or load quantized transformers.");
}
