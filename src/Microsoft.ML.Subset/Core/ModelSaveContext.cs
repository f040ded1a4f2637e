using System;
using System.IO;
using System.IO.Compression;
using System.Text;

namespace Microsoft.ML;

/// <summary>Where one object of a model is written. An entry grows in a temporary file and is zipped when done.</summary>
public sealed partial class ModelSaveContext : IDisposable
{
    internal const string ModelKey = "Model.key";
    private readonly ZipArchive _archive;
    private readonly string _directory;
    private readonly FileStream _stream;
    private VersionInfo? _version;
    private bool _committed;

    internal readonly BinaryWriter Writer;

    private ModelSaveContext(ZipArchive archive, string directory)
    {
        _archive = archive;
        _directory = directory;
        _stream = new FileStream(
            Path.Combine(Path.GetTempPath(), Path.GetRandomFileName()), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1 << 16, FileOptions.DeleteOnClose);
        Writer = new BinaryWriter(_stream, Encoding.UTF8, leaveOpen: true);
        ModelHeader.Begin(Writer);
    }

    public void Dispose()
    {
        Writer.Dispose();
        _stream.Dispose();
    }

    internal static void SaveModel<T>(ZipArchive archive, T value, string directory)
        where T : class
    {
        if (value is not ICanSaveModel saveable)
        {
            throw new ArgumentException("The object cannot be saved.", nameof(value));
        }

        using var ctx = new ModelSaveContext(archive, directory);
        saveable.Save(ctx);
        ctx.Commit();
    }

    internal void SaveModel<T>(T value, string name)
        where T : class
        => SaveModel(_archive, value, _directory + "/" + name);

    internal void CheckAtModel()
    {
        Writer.Flush();
        if (_committed || _version != null || _stream.Position != ModelHeader.Size)
        {
            throw Errors.Mark(new InvalidOperationException("The context is not at the start of its model."));
        }
    }

    internal void SetVersionInfo(VersionInfo ver) => _version = ver;

    private void Commit()
    {
        if (_version is not { } version)
        {
            throw Errors.Mark(new InvalidOperationException("The object wrote no version into its model."));
        }

        ModelHeader.End(Writer, version);
        _committed = true;
        _stream.Position = 0;
        using Stream entry = _archive.CreateEntry(_directory + "/" + ModelKey).Open();
        _stream.CopyTo(entry);
    }
}
