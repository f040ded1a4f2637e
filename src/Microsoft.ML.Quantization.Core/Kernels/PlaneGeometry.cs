namespace Microsoft.ML.Quantization.Kernels;

/// <summary>
/// A convolution, or a dense layer, over bit planes. With several groups each group's input channels must be a multiple of 32, so that
/// groups begin at words.
/// </summary>
public readonly record struct PlaneGeometry
{
    /// <summary>The value of <see cref="PaddingCode"/> for taps in padding that contribute nothing.</summary>
    public const int NoPaddingCode = -1;

    /// <summary>A layer whose taps in padding contribute nothing.</summary>
    public PlaneGeometry(ConvolutionGeometry convolution, PlaneKind sourceKind, int sourceBits, PlaneKind weightKind, int weightBits)
    {
        Convolution = convolution;
        SourceKind = sourceKind;
        SourceBits = sourceBits;
        WeightKind = weightKind;
        WeightBits = weightBits;
    }

    /// <summary>The sizes.</summary>
    public ConvolutionGeometry Convolution { get; init; }

    /// <summary><see cref="PlaneKind.MidRise"/> or <see cref="PlaneKind.Unsigned"/>.</summary>
    public PlaneKind SourceKind { get; }

    /// <summary>Bits of a source code, 1 or 2.</summary>
    public int SourceBits { get; }

    /// <summary>What weight codes stand for.</summary>
    public PlaneKind WeightKind { get; }

    /// <summary>Bits of a weight code, 1 or 2; 2 for <see cref="PlaneKind.Ternary"/>.</summary>
    public int WeightBits { get; }

    /// <summary>The source code that taps in padding read, or <see cref="NoPaddingCode"/>: they contribute 0.</summary>
    public int PaddingCode { get; init; } = NoPaddingCode;

    /// <summary>Words of the source.</summary>
    public long InWords => PlaneLayout.Length((long)Convolution.Batch * Convolution.InDepth * Convolution.InHeight * Convolution.InWidth, Convolution.InChannels, SourceBits);

    /// <summary>The integer of a code: of a source code as it stands in the planes, of a weight code as the packer takes it.</summary>
    public static int ValueOf(PlaneKind kind, int bits, int code) => kind == PlaneKind.MidRise ? (2 * code) - ((1 << bits) - 1) : code;

    /// <summary>The codes of a kind, both ends included.</summary>
    public static (int Minimum, int Maximum) CodesOf(PlaneKind kind, int bits) => kind switch
    {
        PlaneKind.Signed => (-(1 << (bits - 1)), (1 << (bits - 1)) - 1),
        PlaneKind.Ternary => (-1, 1),
        _ => (0, (1 << bits) - 1),
    };

    /// <summary>Whether groups begin at words, where there are several.</summary>
    public static bool GroupsFit(in ConvolutionGeometry g) => g.Groups == 1 || g.GroupInChannels % PlaneLayout.WordBits == 0;
}
