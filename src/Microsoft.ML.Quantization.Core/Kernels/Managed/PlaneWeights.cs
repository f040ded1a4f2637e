using System;
using System.Linq;
using System.Numerics;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>
/// Weights in planes, in one layout for every kernel set: [group][panel of 32 outputs]{ constants of all taps int32[32], constants int32[taps][32],
/// Σ value(w) int32[taps][32], words uint32[planes][taps · words of the channels][words of a step][32] }, constants as <see cref="PlanePairing"/> has them. A lane is an
/// output, so no sum over lanes is needed.
/// </summary>
internal static unsafe class PlaneWeights
{
    /// <summary>Outputs of a panel: the bits of one word of output planes.</summary>
    public const int Panel = PlaneLayout.WordBits;

    private static readonly string[] _layouts = [.. Enumerable.Range(0, 2 * 2 * 4 * 2).Select(i => $"planes/{i & 1}{(i >> 1) & 1}/{(i >> 2) & 3}{i >> 4}")];

    /// <summary>The layout's name: the constants depend on the kinds and bits of both operands.</summary>
    public static string Layout(in PlaneGeometry g)
        => _layouts[(int)g.SourceKind | ((g.SourceBits - 1) << 1) | ((int)g.WeightKind << 2) | ((g.WeightBits - 1) << 4)];

    /// <summary>Panels of a group.</summary>
    public static int Panels(in ConvolutionGeometry g) => (g.GroupOutChannels + Panel - 1) / Panel;

    /// <summary>Steps of one plane: words of the channels of a group, of all taps.</summary>
    public static int Steps(in ConvolutionGeometry g) => g.Taps * PlaneLayout.Words(g.GroupInChannels);

    /// <summary>Bytes before the words of a panel.</summary>
    public static int WordsBegin(in ConvolutionGeometry g) => (1 + (2 * g.Taps)) * Panel * sizeof(int);

    /// <summary>Bytes of one step.</summary>
    public static int StepBytes(in PlanePairing pairing) => pairing.WordsOfStep * Panel * sizeof(uint);

    /// <summary>Bytes of one plane of a panel.</summary>
    public static long PlaneBytes(in ConvolutionGeometry g, in PlanePairing pairing) => (long)Steps(g) * StepBytes(pairing);

    /// <summary>Bytes of a panel.</summary>
    public static long PanelBytes(in ConvolutionGeometry g, in PlanePairing pairing) => WordsBegin(g) + (PlaneBytes(g, pairing) * pairing.WeightPlanes);

    /// <summary>Bytes of all panels.</summary>
    public static long ByteLength(in PlaneGeometry g)
        => PanelBytes(g.Convolution, new PlanePairing(g)) * Panels(g.Convolution) * g.Convolution.Groups;

    /// <summary>Packs weight codes [OutChannels][taps][GroupInChannels].</summary>
    public static PackedWeights Pack(in PlaneGeometry geometry, ReadOnlySpan<sbyte> weights)
    {
        PlaneCheck.Geometry(geometry);
        ConvolutionGeometry g = geometry.Convolution;
        PlanePairing pairing = new(geometry);
        KernelCheck.AtLeast(weights.Length, (long)g.OutChannels * g.Depth, nameof(weights));
        weights = weights[..(g.OutChannels * g.Depth)];
        PlaneCheck.Codes(geometry, weights);
        PackedWeights packed = new(ByteLength(geometry), Layout(geometry));
        long panelBytes = PanelBytes(g, pairing);
        for (int channel = 0; channel < g.OutChannels; channel++)
        {
            (int group, int inGroup) = Math.DivRem(channel, g.GroupOutChannels);
            byte* panel = packed.Pointer + ((((long)group * Panels(g)) + (inGroup / Panel)) * panelBytes);
            PackChannel(geometry, pairing, weights.Slice(channel * g.Depth, g.Depth), panel, inGroup % Panel);
        }

        return packed;
    }

    private static void PackChannel(in PlaneGeometry geometry, in PlanePairing pairing, ReadOnlySpan<sbyte> codes, byte* panel, int lane)
    {
        ConvolutionGeometry g = geometry.Convolution;
        int channels = g.GroupInChannels;
        int words = PlaneLayout.Words(channels);
        int* total = (int*)panel + lane;
        int* constants = total + Panel;
        int* sums = constants + (g.Taps * Panel);
        int highValue = geometry.WeightKind is PlaneKind.Signed or PlaneKind.Ternary ? -2 : 2;
        for (int tap = 0; tap < g.Taps; tap++)
        {
            int sum = 0;
            int nonzero = 0;
            for (int word = 0; word < words; word++)
            {
                int first = word * PlaneLayout.WordBits;
                ReadOnlySpan<sbyte> part = codes.Slice((tap * channels) + first, Math.Min(PlaneLayout.WordBits, channels - first));
                (uint low, uint high) = Bits(part);
                nonzero += BitOperations.PopCount(low);
                sum += BitOperations.PopCount(low) + (BitOperations.PopCount(high) * highValue);
                StoreWord(g, pairing, low, high, part.Length, (uint*)(panel + WordsBegin(g) + ((long)((tap * words) + word) * StepBytes(pairing))) + lane);
            }

            constants[tap * Panel] = pairing.Constant(channels, sum, nonzero);
            sums[tap * Panel] = geometry.WeightKind == PlaneKind.MidRise ? (2 * sum) - (((1 << geometry.WeightBits) - 1) * channels) : sum;
            *total += constants[tap * Panel];
        }
    }

    // The planes of bit 0 and of bit 1 of up to 32 codes, the first one lowest; every kind has its words in one of them or in both.
    private static (uint Low, uint High) Bits(ReadOnlySpan<sbyte> codes)
    {
        if (codes.Length == Vector256<sbyte>.Count)
        {
            Vector256<sbyte> all = Vector256.Create(codes);
            return (Vector256.ShiftLeft(all.AsUInt16(), 7).AsByte().ExtractMostSignificantBits(), Vector256.ShiftLeft(all.AsUInt16(), 6).AsByte().ExtractMostSignificantBits());
        }

        (uint low, uint high) = (0, 0);
        for (int i = 0; i < codes.Length; i++)
        {
            low |= ((uint)codes[i] & 1) << i;
            high |= (((uint)codes[i] >> 1) & 1) << i;
        }

        return (low, high);
    }

    private static void StoreWord(in ConvolutionGeometry g, in PlanePairing pairing, uint low, uint high, int count, uint* target)
    {
        uint invert = pairing.WeightKind != PlaneKind.MidRise ? 0 : count == PlaneLayout.WordBits ? uint.MaxValue : (1u << count) - 1;
        target[0] = low ^ invert;
        if (pairing.WordsOfStep == 2)
        {
            target[Panel] = high;
        }
        else if (pairing.WeightPlanes == 2)
        {
            *(uint*)((byte*)target + PlaneBytes(g, pairing)) = high ^ invert;
        }
    }
}
