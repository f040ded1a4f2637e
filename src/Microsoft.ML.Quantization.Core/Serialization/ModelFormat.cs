namespace Microsoft.ML.Quantization.Serialization;

/// <summary>
/// The file <c>.mlq</c>, little-endian:
/// <code>
/// header, 64 bytes:  "MLQMODEL" | u16 major | u16 minor | u16 lowest reader major | u16 0 | u32 sections | u32 0 | u64 file length | checksum of the section table, 32 bytes
/// section table:     per section 64 bytes: u32 kind | u32 flags (bit 0: a reader must know it) | u64 offset | u64 length | checksum of the section | u64 0
/// sections:          each begins at a multiple of 64
/// </code>
/// A reader skips unknown sections unless their flag says it must know them. Constants lie in the weight section, each at a multiple of
/// 64; codes of fewer than 8 bits are packed at their true width, least significant bit first, each row (index of the first axis) from a new byte.
/// Checksums are <see cref="ModelChecksum.Sha256"/> where the lowest reader is 1, <see cref="ModelChecksum.Crc32C"/> where it is 2.
/// Versions: 1.0; 1.1 adds mid-rise codes (a fifth number in their attribute), Staircase, Thresholds, CombineAccumulators and IntegerMatMul; 1.2 adds codebooks (codes, and once their levels: "books" = [entries, channels a book] and "levels", bytes or floats); 2.0 to 2.2 are the same with checksums of the second kind, which is what is written. A file bears the lowest minor version that has all it uses, and an older reader refuses what it does not know.
/// </summary>
internal static class ModelFormat
{
    public const ulong Magic = 0x4C45444F4D514C4D; // "MLQMODEL"
    public const ushort Major = 2;
    public const ushort Minor = 2;
    public const ushort LowestReader = 2;
    public const int HeaderLength = 64;
    public const int EntryLength = 64;
    public const int Alignment = 64;
    public const uint RequiredFlag = 1;
    public const int MaximumSections = 64;
    public const int MaximumText = 1 << 16;

    public const uint GraphSection = 1;
    public const uint WeightSection = 2;
    public const uint MetadataSection = 3;

    public static long Align(long offset) => (offset + Alignment - 1) & ~(Alignment - 1L);
}
