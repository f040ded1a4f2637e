using System;
using System.IO;
using System.Text;

namespace Microsoft.ML;

/// <summary>The 256 bytes before each object of a model, its tail, and the name of the assembly that loads it.</summary>
internal sealed class ModelHeader
{
    internal const int Size = 256;
    internal const int LoaderSignatureSize = 24;
    private const ulong Magic = 0x4C45444F4D004C4D;
    private const ulong Tail = 0x4D4C004D4F44454C;
    private const uint Version = 0x00010002;

    public ulong ModelSignature { get; private set; }

    public uint VerWritten { get; private set; }

    public uint VerReadable { get; private set; }

    public string LoaderSignature { get; private set; }

    public string LoaderAssemblyName { get; private set; }

    /// <summary>Leaves room for the header; the body follows.</summary>
    public static void Begin(BinaryWriter writer) => writer.Write(new byte[Size]);

    /// <summary>Writes what follows the body, then the header.</summary>
    public static void End(BinaryWriter writer, in VersionInfo version)
    {
        writer.Flush();
        long bodyEnd = writer.BaseStream.Position;
        byte[] name = Encoding.Unicode.GetBytes(version.LoaderAssemblyName ?? "");
        writer.Write(name);
        writer.Write(Tail);
        writer.Flush();

        var header = new byte[Size];
        using (var memory = new MemoryStream(header))
        using (var h = new BinaryWriter(memory))
        {
            h.Write(Magic);
            h.Write(Version);
            h.Write(Version);
            h.Write((long)Size);
            h.Write(bodyEnd - Size);
            memory.Position = 0x40;
            h.Write(version.ModelSignature);
            h.Write(version.VerWrittenCur);
            h.Write(version.VerReadableCur);
            h.Write(Encoding.ASCII.GetBytes(version.LoaderSignature ?? ""));
            memory.Position = 0x68;
            h.Write(Encoding.ASCII.GetBytes(version.LoaderSignatureAlt ?? ""));
            memory.Position = 0x80;
            h.Write(bodyEnd + name.Length);
            h.Write(bodyEnd + name.Length + sizeof(ulong));
            h.Write(name.Length == 0 ? 0L : bodyEnd);
            h.Write((uint)name.Length);
        }

        writer.BaseStream.Position = 0;
        writer.Write(header);
        writer.Flush();
    }

    /// <summary>Reads and checks the header and leaves the reader at the body.</summary>
    public static ModelHeader Read(BinaryReader reader)
    {
        long length = reader.BaseStream.Length;
        Check(length >= Size + sizeof(ulong), "the stream is too short");
        reader.BaseStream.Position = 0;
        byte[] bytes = reader.ReadBytes(Size);
        Check(U8(bytes, 0) == Magic, "wrong magic number");
        if (BitConverter.ToUInt32(bytes, 0x0C) > Version)
        {
            throw Errors.Decode("The model was written by a newer version of ML.NET.");
        }

        long body = (long)U8(bytes, 0x10), bodySize = (long)U8(bytes, 0x18), tail = (long)U8(bytes, 0x80), end = (long)U8(bytes, 0x88);
        Check(body == Size && bodySize >= 0 && bodySize <= length - Size, "wrong position of the body");
        Check(tail >= Size && end == tail + sizeof(ulong) && end <= length, "wrong position of the tail");
        reader.BaseStream.Position = tail;
        Check(reader.ReadUInt64() == Tail, "wrong tail");
        var header = new ModelHeader
        {
            ModelSignature = U8(bytes, 0x40),
            VerWritten = BitConverter.ToUInt32(bytes, 0x48),
            VerReadable = BitConverter.ToUInt32(bytes, 0x4C),
            LoaderSignature = Encoding.ASCII.GetString(bytes, 0x50, LoaderSignatureSize).TrimEnd('\0'),
            LoaderAssemblyName = AssemblyName(reader, (long)U8(bytes, 0x90), BitConverter.ToUInt32(bytes, 0x98), length),
        };
        reader.BaseStream.Position = body;
        return header;
    }

    private static string AssemblyName(BinaryReader reader, long position, uint size, long length)
    {
        if (size == 0)
        {
            return null;
        }

        Check(position >= Size && size % 2 == 0 && size < 1 << 16 && position + size <= length, "wrong position of the assembly name");
        reader.BaseStream.Position = position;
        return Encoding.Unicode.GetString(reader.ReadBytes((int)size));
    }

    private static ulong U8(byte[] bytes, int at) => BitConverter.ToUInt64(bytes, at);

    private static void Check(bool ok, string what)
    {
        if (!ok)
        {
            throw Errors.Decode($"Corrupt model file: {what}.");
        }
    }
}
