using System.Collections.Generic;
using System.IO.Compression;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>What a chain of any last type gives to another chain.</summary>
internal interface ITransformerChain
{
    public IReadOnlyList<ITransformer> Transformers { get; }

    public IReadOnlyList<TransformerScope> Scopes { get; }
}

/// <summary>Reads chains.</summary>
internal static class TransformerChain
{
    internal const string LoaderSignature = "TransformerChain";
    private const int MaximumLength = 1 << 16;

    internal static VersionInfo Version => new("XF CHAIN", 0x00010001, 0x00010001, 0x00010001,
        typeof(TransformerChain).Assembly.GetName().Name, LoaderSignature);

    /// <summary>The name under which the transformer of an index lies in the model.</summary>
    internal static string EntryName(int index) => $"Transform_{index:000}";

    /// <summary>Whichever transformer a model holds.</summary>
    internal static ITransformer Load(IHostEnvironment env, ZipArchive archive, string directory)
        => ModelLoadContext.LoadModel<ITransformer>(env, archive, directory);

    internal static TransformerChain<ITransformer> Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        ctx.CheckAtModel(Version);
        int length = ctx.Reader.ReadInt32();
        if (length is < 0 or > MaximumLength)
        {
            throw Errors.Decode("Corrupt model file: length of a chain.");
        }

        var transformers = new ITransformer[length];
        var scopes = new TransformerScope[length];
        for (int i = 0; i < length; i++)
        {
            scopes[i] = (TransformerScope)ctx.Reader.ReadInt32();
            transformers[i] = ctx.LoadModel<ITransformer>(env, EntryName(i));
        }

        return new TransformerChain<ITransformer>(transformers, scopes);
    }
}
