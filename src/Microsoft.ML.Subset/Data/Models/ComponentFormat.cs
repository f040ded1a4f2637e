using System;
using System.IO;

namespace Microsoft.ML.Data;

/// <summary>The frame of the built-in components' model entries.</summary>
internal static class ComponentFormat
{
    private const int MaximumCount = 1 << 20;

    public static BinaryWriter Begin(ModelSaveContext ctx, string modelSignature, string loaderSignature)
    {
        ctx.CheckAtModel();
        ctx.SetVersionInfo(Version(modelSignature, loaderSignature));
        return ctx.Writer;
    }

    public static BinaryReader Begin(ModelLoadContext ctx, string modelSignature, string loaderSignature)
    {
        ctx.CheckAtModel(Version(modelSignature, loaderSignature));
        return ctx.Reader;
    }

    public static void WriteArray<T>(BinaryWriter writer, T[] items, Action<T> write)
    {
        writer.Write(items.Length);
        Array.ForEach(items, write);
    }

    public static T[] ReadArray<T>(BinaryReader reader, Func<T> read)
    {
        int count = reader.ReadInt32();
        if (count is < 0 or > MaximumCount)
        {
            throw Errors.Decode("Corrupt model file: a count.");
        }

        var items = new T[count];
        for (int i = 0; i < count; i++)
        {
            items[i] = read();
        }

        return items;
    }

    public static void WritePairs(BinaryWriter writer, (string Output, string Input)[] pairs)
        => WriteArray(writer, pairs, pair =>
        {
            writer.Write(pair.Output);
            writer.Write(pair.Input);
        });

    public static (string Output, string Input)[] ReadPairs(BinaryReader reader)
        => ReadArray(reader, () => (reader.ReadString(), reader.ReadString()));

    private static VersionInfo Version(string modelSignature, string loaderSignature)
        => new(modelSignature, 0x00010001, 0x00010001, 0x00010001, typeof(ComponentFormat).Assembly.GetName().Name, loaderSignature);
}
