using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

/// <summary>
/// Copies referenced assemblies and makes listed types public in the copies, with those of their members that are not private.
/// Only visibility flags in the metadata tables change (ECMA-335, partition II: 22.15, 22.26, 22.37, 24.2). A type that is not
/// there fails the build, so that a new ML.NET without it is noticed here and not by users.
/// </summary>
public sealed class ExposeInternals : Task
{
    /// <summary>The references of the compiler.</summary>
    [Required]
    public ITaskItem[] References { get; set; }

    /// <summary>Full names of types; metadata Assembly is the simple name of the reference.</summary>
    [Required]
    public ITaskItem[] Types { get; set; }

    /// <summary>Where the copies go.</summary>
    [Required]
    public string OutputFolder { get; set; }

    /// <summary>References to leave out.</summary>
    [Output]
    public ITaskItem[] Originals { get; set; }

    /// <summary>References to use instead.</summary>
    [Output]
    public ITaskItem[] Copies { get; set; }

    public override bool Execute()
    {
        var originals = new List<ITaskItem>();
        var copies = new List<ITaskItem>();
        foreach (IGrouping<string, ITaskItem> group in Types.GroupBy(t => t.GetMetadata("Assembly"), StringComparer.OrdinalIgnoreCase))
        {
            ITaskItem reference = References.FirstOrDefault(
                r => string.Equals(Path.GetFileNameWithoutExtension(r.ItemSpec), group.Key, StringComparison.OrdinalIgnoreCase));
            if (reference == null)
            {
                Log.LogError("There is no reference '{0}' to expose types of.", group.Key);
                continue;
            }

            byte[] image = File.ReadAllBytes(reference.ItemSpec);
            string[] missing = new MetadataPatch(image).MakePublic(group.Select(t => t.ItemSpec));
            foreach (string name in missing)
            {
                Log.LogError("'{0}' has no type '{1}'. This version of ML.NET is not supported.", reference.ItemSpec, name);
            }

            string path = Path.Combine(OutputFolder, Path.GetFileName(reference.ItemSpec));
            WriteIfChanged(path, image);
            var copy = new TaskItem(path);
            reference.CopyMetadataTo(copy);
            originals.Add(reference);
            copies.Add(copy);
        }

        Originals = originals.ToArray();
        Copies = copies.ToArray();
        return !Log.HasLoggedErrors;
    }

    // An unchanged file keeps its time, so that incremental builds stay incremental.
    private static void WriteIfChanged(string path, byte[] image)
    {
        if (File.Exists(path) && File.ReadAllBytes(path).SequenceEqual(image))
        {
            return;
        }

        Directory.CreateDirectory(Path.GetDirectoryName(path));
        File.WriteAllBytes(path, image);
    }

    /// <summary>The type, field and method tables of one assembly image.</summary>
    private sealed class MetadataPatch
    {
        private const int Module = 0x00, TypeRef = 0x01, TypeDef = 0x02, Field = 0x04, MethodDef = 0x06, Param = 0x08;
        private const int ModuleRef = 0x1A, TypeSpec = 0x1B, AssemblyRef = 0x23;
        private readonly byte[] _image;
        private readonly int[] _rowCounts = new int[64];
        private int _stringHeap;
        private int _stringIndex, _guidIndex, _blobIndex;
        private int _firstTable;

        public MetadataPatch(byte[] image)
        {
            _image = image;
            ReadLayout();
        }

        private int FieldIndex { get { return TableIndex(Field); } }

        private int MethodIndex { get { return TableIndex(MethodDef); } }

        private int ExtendsIndex { get { return CodedIndex(2, TypeDef, TypeRef, TypeSpec); } }

        private int TypeDefSize { get { return 4 + 2 * _stringIndex + ExtendsIndex + FieldIndex + MethodIndex; } }

        private int FieldSize { get { return 2 + _stringIndex + _blobIndex; } }

        private int MethodSize { get { return 8 + _stringIndex + _blobIndex + TableIndex(Param); } }

        private int TypeDefs
        {
            get
            {
                int moduleSize = 2 + _stringIndex + 3 * _guidIndex;
                int typeRefSize = CodedIndex(2, Module, ModuleRef, AssemblyRef, TypeRef) + 2 * _stringIndex;
                return _firstTable + _rowCounts[Module] * moduleSize + _rowCounts[TypeRef] * typeRefSize;
            }
        }

        /// <summary>Returns the names that were not found.</summary>
        public string[] MakePublic(IEnumerable<string> names)
        {
            var wanted = new HashSet<string>(names, StringComparer.Ordinal);
            int fields = TypeDefs + _rowCounts[TypeDef] * TypeDefSize;
            int methods = fields + _rowCounts[Field] * FieldSize;
            for (int i = 0; i < _rowCounts[TypeDef]; i++)
            {
                int row = TypeDefs + i * TypeDefSize;
                string name = Text(row + 4), space = Text(row + 4 + _stringIndex);
                if (!wanted.Remove(space.Length == 0 ? name : space + "." + name))
                {
                    continue;
                }

                // 1 is public, 2 is nested public; 0 is the only other value of a type that is not nested.
                _image[row] = (byte)((_image[row] & ~7) | ((_image[row] & 7) <= 1 ? 1 : 2));
                int list = row + 4 + 2 * _stringIndex + ExtendsIndex;
                bool last = i == _rowCounts[TypeDef] - 1;
                Members(fields, FieldSize, 0, Index(list, FieldIndex), last ? _rowCounts[Field] + 1 : Index(list + TypeDefSize, FieldIndex));
                list += FieldIndex;
                Members(methods, MethodSize, 6, Index(list, MethodIndex), last ? _rowCounts[MethodDef] + 1 : Index(list + TypeDefSize, MethodIndex));
            }

            return wanted.ToArray();
        }

        private void Members(int table, int size, int flagsAt, int from, int to)
        {
            for (int i = from; i < to; i++)
            {
                int at = table + (i - 1) * size + flagsAt;
                if ((_image[at] & 7) > 1)
                {
                    _image[at] = (byte)((_image[at] & ~7) | 6);
                }
            }
        }

        private void ReadLayout()
        {
            int pe = Int(0x3C), optional = pe + 24;
            int directories = optional + (UShort(optional) == 0x20B ? 112 : 96);
            int metadata = Offset(pe, Int(Offset(pe, Int(directories + 14 * 8)) + 8));
            int at = metadata + 16 + Int(metadata + 12) + 2;
            int streams = UShort(at), tables = 0;
            at += 2;
            for (int i = 0; i < streams; i++)
            {
                int end = Array.IndexOf(_image, (byte)0, at + 8);
                string name = Encoding.ASCII.GetString(_image, at + 8, end - at - 8);
                if (name == "#Strings")
                {
                    _stringHeap = metadata + Int(at);
                }
                else if (name == "#~")
                {
                    tables = metadata + Int(at);
                }

                at += 8 + (name.Length + 4) / 4 * 4;
            }

            ReadTables(tables);
        }

        private void ReadTables(int tables)
        {
            byte heaps = _image[tables + 6];
            _stringIndex = (heaps & 1) != 0 ? 4 : 2;
            _guidIndex = (heaps & 2) != 0 ? 4 : 2;
            _blobIndex = (heaps & 4) != 0 ? 4 : 2;
            ulong present = BitConverter.ToUInt64(_image, tables + 8);
            _firstTable = tables + 24;
            for (int i = 0; i < 64; i++)
            {
                if ((present >> i & 1) != 0)
                {
                    _rowCounts[i] = Int(_firstTable);
                    _firstTable += 4;
                }
            }

            if (_rowCounts[0x03] + _rowCounts[0x05] != 0)
            {
                throw new BadImageFormatException("Assemblies with indirect field or method lists are not supported.");
            }
        }

        private int Offset(int pe, int address)
        {
            int section = pe + 24 + UShort(pe + 20);
            for (int i = 0; i < UShort(pe + 6); i++, section += 40)
            {
                int start = Int(section + 12);
                if (address >= start && address < start + Math.Max(Int(section + 8), Int(section + 16)))
                {
                    return address - start + Int(section + 20);
                }
            }

            throw new BadImageFormatException("An address lies in no section.");
        }

        private int TableIndex(int table) { return _rowCounts[table] < 1 << 16 ? 2 : 4; }

        private int CodedIndex(int bits, params int[] tables) { return tables.Max(t => _rowCounts[t]) < 1 << (16 - bits) ? 2 : 4; }

        private int Index(int at, int size) { return size == 2 ? UShort(at) : Int(at); }

        private string Text(int at)
        {
            int start = _stringHeap + Index(at, _stringIndex);
            return Encoding.UTF8.GetString(_image, start, Array.IndexOf(_image, (byte)0, start) - start);
        }

        private int Int(int at) { return BitConverter.ToInt32(_image, at); }

        private int UShort(int at) { return BitConverter.ToUInt16(_image, at); }
    }
}
