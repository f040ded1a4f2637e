namespace Microsoft.ML.Quantization.Numerics;

/// <summary>
/// A row of 32-bit lanes seen as floats or as integers, at one width. Every operation is defined lane by lane and exactly
/// (IEEE single, two's complement), so that one generic function gives the same bits at every width, scalar included.
/// Comparisons give masks (all bits of a lane set or clear).
/// </summary>
internal unsafe interface ILanes<TSelf>
    where TSelf : unmanaged, ILanes<TSelf>
{
    /// <summary>Number of lanes.</summary>
    public static abstract int Count { get; }

    /// <summary>All lanes one float.</summary>
    public static abstract TSelf Create(float value);

    /// <summary>All lanes one integer.</summary>
    public static abstract TSelf CreateInt(int value);

    /// <summary>Reads Count 32-bit values.</summary>
    public static abstract TSelf Load(float* source);

    /// <summary>Writes Count 32-bit values.</summary>
    public static abstract void Store(float* destination, TSelf value);

    /// <summary>Reads Count bytes, each to an integer lane.</summary>
    public static abstract TSelf LoadBytes(byte* source);

    /// <summary>Reads Count signed bytes, each to an integer lane.</summary>
    public static abstract TSelf LoadSignedBytes(sbyte* source);

    /// <summary>Reads Count 16-bit integers, each to an integer lane.</summary>
    public static abstract TSelf LoadShorts(short* source);

    /// <summary>Writes the low byte of each integer lane.</summary>
    public static abstract void StoreBytes(byte* destination, TSelf value);

    /// <summary>Writes the low 16 bits of each integer lane.</summary>
    public static abstract void StoreShorts(short* destination, TSelf value);

    /// <summary>Float sum.</summary>
    public static abstract TSelf operator +(TSelf left, TSelf right);

    /// <summary>Float difference.</summary>
    public static abstract TSelf operator -(TSelf left, TSelf right);

    /// <summary>Float product.</summary>
    public static abstract TSelf operator *(TSelf left, TSelf right);

    /// <summary>Float quotient.</summary>
    public static abstract TSelf operator /(TSelf left, TSelf right);

    /// <summary>Bitwise and.</summary>
    public static abstract TSelf operator &(TSelf left, TSelf right);

    /// <summary>Bitwise or.</summary>
    public static abstract TSelf operator |(TSelf left, TSelf right);

    /// <summary>Bitwise exclusive or.</summary>
    public static abstract TSelf operator ^(TSelf left, TSelf right);

    /// <summary>left · right + addend with one rounding, on every machine.</summary>
    public static abstract TSelf Fma(TSelf left, TSelf right, TSelf addend);

    /// <summary>IEEE square root.</summary>
    public static abstract TSelf Sqrt(TSelf value);

    /// <summary>Nearest integer, ties to even.</summary>
    public static abstract TSelf Round(TSelf value);

    /// <summary>Largest integer not above.</summary>
    public static abstract TSelf Floor(TSelf value);

    /// <summary>Smallest integer not below.</summary>
    public static abstract TSelf Ceiling(TSelf value);

    /// <summary>left &lt; right as floats; false for NaN.</summary>
    public static abstract TSelf Less(TSelf left, TSelf right);

    /// <summary>left == right as floats; false for NaN.</summary>
    public static abstract TSelf Same(TSelf left, TSelf right);

    /// <summary>left &gt; right as integers.</summary>
    public static abstract TSelf GreaterInt(TSelf left, TSelf right);

    /// <summary>mask ? whenSet : whenClear, bit by bit.</summary>
    public static abstract TSelf Select(TSelf mask, TSelf whenSet, TSelf whenClear);

    /// <summary>left &lt; right ? left : right, as one instruction where the machine has it.</summary>
    public static abstract TSelf Lesser(TSelf left, TSelf right);

    /// <summary>left &gt; right ? left : right, as one instruction where the machine has it.</summary>
    public static abstract TSelf Greater(TSelf left, TSelf right);

    /// <summary>left &lt; right ? whenLess : otherwise.</summary>
    public static abstract TSelf SelectLess(TSelf left, TSelf right, TSelf whenLess, TSelf otherwise);

    /// <summary>result, or the quiet NaN where x is NaN.</summary>
    public static abstract TSelf OrNan(TSelf x, TSelf result);

    /// <summary>Integer sum, wrapping.</summary>
    public static abstract TSelf AddInt(TSelf left, TSelf right);

    /// <summary>Integer difference, wrapping.</summary>
    public static abstract TSelf SubtractInt(TSelf left, TSelf right);

    /// <summary>Low 32 bits of the integer product.</summary>
    public static abstract TSelf MultiplyInt(TSelf left, TSelf right);

    /// <summary>Bits shifted up.</summary>
    public static abstract TSelf ShiftLeft(TSelf value, int count);

    /// <summary>Bits shifted down, copies of the sign coming in.</summary>
    public static abstract TSelf ShiftRight(TSelf value, int count);

    /// <summary>Bits shifted down, zeros coming in.</summary>
    public static abstract TSelf ShiftDown(TSelf value, int count);

    /// <summary>table[index] of a table of 16 floats; integer lanes in [0, 15].</summary>
    public static abstract TSelf Lookup(float* table, TSelf index);

    /// <summary>Integer lanes to the nearest float, ties to even.</summary>
    public static abstract TSelf ToFloat(TSelf value);

    /// <summary>Float lanes that hold integers inside int32 to integer lanes; anything else is undefined.</summary>
    public static abstract TSelf ToInt(TSelf value);

    /// <summary>Each lane as two int16: low · low + high · high in int32.</summary>
    public static abstract TSelf DotPairs(TSelf left, TSelf right);

    /// <summary>Each lane as four bytes, unsigned · signed, summed in int32; signed ones beyond ±64 may saturate.</summary>
    public static abstract TSelf DotSmallBytes(TSelf unsigned, TSelf signed);

    /// <summary>Number of bits set in each of a lane's four bytes, in the place of the byte.</summary>
    public static abstract TSelf BitCounts(TSelf value);

    /// <summary>first ^ (second ^ third): the sum of three bits, without what it carries. Where it is two instructions, first, the sum so far, waits for one of them only.</summary>
    public static abstract TSelf Parity(TSelf first, TSelf second, TSelf third);

    /// <summary>Bits set in two or three of three: what their sum carries.</summary>
    public static abstract TSelf Majority(TSelf first, TSelf second, TSelf third);

    /// <summary>The top bit of each lane, lane 0 lowest.</summary>
    public static abstract uint SignBits(TSelf value);
}
