using System;
using System.IO;
using System.Reflection;
using System.Runtime.CompilerServices;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Subset.Tests;

[assembly: IgnoresAccessChecksTo("Microsoft.ML.Core")]
[assembly: LoadableClass("Passes columns through and keeps a number.", typeof(ThirdPartyTransformer), typeof(ThirdPartyLoader), null,
    typeof(SignatureLoadModel), "Third party", ThirdPartyTransformer.LoaderSignature)]

namespace Microsoft.ML.Subset.Tests;

/// <summary>Called when a model holds a <see cref="ThirdPartyTransformer"/>; object stands for the context type, which is not public.</summary>
internal static class ThirdPartyLoader
{
    internal static ThirdPartyTransformer Create(IHostEnvironment env, object ctx)
    {
        ThirdPartyTransformer.Call(ctx, "CheckAtModel", ThirdPartyTransformer.Version());
        var reader = (BinaryReader)ThirdPartyTransformer.Field(ctx, "Reader");
        int number = reader.ReadInt32();
        return number >= 0 ? new ThirdPartyTransformer(number) : throw env.Process(new FormatException("Corrupt model: a negative number."));
    }
}

/// <summary>A component of a library that can use the public API and reflection only.</summary>
internal sealed class ThirdPartyTransformer(int number) : ITransformer
{
    internal const string LoaderSignature = "ThirdPartyPass";
    private const BindingFlags Any = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DoNotWrapExceptions;

    public int Number => number;

    public bool IsRowToRowMapper => false;

    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => inputSchema;

    public IDataView Transform(IDataView input) => input;

    public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) => throw new InvalidOperationException("Not a mapper.");

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        Call(ctx, "CheckAtModel");
        Call(ctx, "SetVersionInfo", Version());
        ((BinaryWriter)Field(ctx, "Writer")).Write(number);
    }

    internal static object Version() => Activator.CreateInstance(
        typeof(ITransformer).Assembly.GetType("Microsoft.ML.VersionInfo", throwOnError: true)!, Any, null,
        ["3RDPARTY", 0x00010001u, 0x00010001u, 0x00010001u, typeof(ThirdPartyTransformer).Assembly.GetName().Name, LoaderSignature, null], null)!;

    internal static object Field(object target, string name) => target.GetType().GetField(name, Any)!.GetValue(target)!;

    internal static void Call(object target, string name, params object[] args)
        => target.GetType().GetMethod(name, Any, Array.ConvertAll(args, a => a.GetType()))!.Invoke(target, Any, null, args, null);
}
