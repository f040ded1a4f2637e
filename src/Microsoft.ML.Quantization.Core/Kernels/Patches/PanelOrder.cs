namespace Microsoft.ML.Quantization.Kernels.Patches;

/// <summary>
/// Where the weights of a product over patches stand: weight (group, output, tap, channel) at group · GroupStride + output · OutputStride + Taps[tap] + channel · ChannelStride.
/// The same array of weights serves the way forward and, in another order, the way back.
/// </summary>
/// <param name="Groups">Groups.</param>
/// <param name="Outputs">Outputs of a group.</param>
/// <param name="Channels">Input channels of a group.</param>
/// <param name="Taps">Place of each tap, in the patch's order.</param>
/// <param name="GroupStride">Step between groups.</param>
/// <param name="OutputStride">Step between outputs.</param>
/// <param name="ChannelStride">Step between channels.</param>
internal sealed record PanelOrder(int Groups, int Outputs, int Channels, int[] Taps, int GroupStride, int OutputStride, int ChannelStride)
{
    /// <summary>Products of one output.</summary>
    public int Depth => Taps.Length * Channels;

    /// <summary>Weights [Outputs][Channels] of a dense layer, or [Channels][Outputs] where <paramref name="isTurned"/>.</summary>
    public static PanelOrder Dense(int outputs, int channels, bool isTurned)
        => new(1, outputs, channels, [0], 0, isTurned ? 1 : channels, isTurned ? outputs : 1);
}
