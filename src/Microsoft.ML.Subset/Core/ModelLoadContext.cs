using System;
using System.IO;
using System.IO.Compression;
using System.Reflection;
using System.Text;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>Where one object of a model is read.</summary>
public sealed class ModelLoadContext : IDisposable
{
    private readonly ZipArchive _archive;
    private readonly string _directory;
    private readonly ModelHeader _header;

    internal readonly BinaryReader Reader;

    private ModelLoadContext(ZipArchive archive, ZipArchiveEntry entry, string directory)
    {
        _archive = archive;
        _directory = directory;
        var content = new MemoryStream();
        using (Stream stream = entry.Open())
        {
            stream.CopyTo(content);
        }

        Reader = new BinaryReader(content, Encoding.UTF8);
        _header = ModelHeader.Read(Reader);
    }

    public void Dispose() => Reader.Dispose();

    internal static T LoadModel<T>(IHostEnvironment env, ZipArchive archive, string directory)
        where T : class
    {
        ZipArchiveEntry entry = archive.GetEntry(directory + "/" + ModelSaveContext.ModelKey)
            ?? archive.GetEntry(directory.Replace('/', '\\') + "\\" + ModelSaveContext.ModelKey)
            ?? throw Errors.Decode($"Corrupt model file: '{directory}' is missing.");
        using var ctx = new ModelLoadContext(archive, entry, directory);
        ComponentCatalog catalog = env.ComponentCatalog;
        if (!string.IsNullOrEmpty(ctx._header.LoaderAssemblyName))
        {
            catalog.RegisterAssembly(Assembly.Load(ctx._header.LoaderAssemblyName));
        }

        ComponentCatalog.LoadableClassInfo info = catalog.GetLoadableClassInfo(ctx._header.LoaderSignature, typeof(SignatureLoadModel));
        return info?.CreateInstance(env, ctx) as T ?? throw Errors.Decode($"Couldn't load model: '{directory}'");
    }

    internal T LoadModel<T>(IHostEnvironment env, string name)
        where T : class
        => LoadModel<T>(env, _archive, _directory + "/" + name);

    internal void CheckAtModel(VersionInfo ver)
    {
        if (Reader.BaseStream.Position != ModelHeader.Size)
        {
            throw Errors.Mark(new InvalidOperationException("The context is not at the start of its model."));
        }

        if (_header.ModelSignature != ver.ModelSignature)
        {
            throw Errors.Decode("Unknown file type: the signature of the model is another than expected.");
        }

        if (_header.VerReadable > ver.VerWrittenCur)
        {
            throw Errors.Decode("Cause: ML.NET or the component is too old for this model.");
        }

        if (_header.VerWritten < ver.VerWeCanReadBack)
        {
            throw Errors.Decode("The model is too old for this version of the component.");
        }
    }
}
