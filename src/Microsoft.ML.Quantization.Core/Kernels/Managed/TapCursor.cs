using System.Runtime.CompilerServices;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>Steps through <see cref="TapRuns"/> in the order (kd, kh, kw).</summary>
internal ref struct TapCursor
{
    private int _depth;
    private int _height;
    private int _width;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TapCursor(in TapRuns runs)
    {
        _depth = runs.Heights > 0 && runs.Widths > 0 ? 0 : runs.Depths;
        _height = 0;
        _width = 0;
    }

    /// <summary>Offset of the run from the first tap, in input values.</summary>
    public long SourceOffset { get; private set; }

    /// <summary>Offset of the run from the panel's begin.</summary>
    public long WeightOffset { get; private set; }

    /// <summary>Goes to the next run; false behind the last.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Next(in TapRuns runs)
    {
        if (_depth >= runs.Depths)
        {
            return false;
        }

        SourceOffset = (_depth * runs.SourceDepth) + (_height * runs.SourceHeight) + (_width * runs.SourceWidth);
        WeightOffset = runs.WeightBegin + (_depth * runs.WeightDepth) + (_height * runs.WeightHeight) + (_width * runs.WeightWidth);
        if (++_width == runs.Widths)
        {
            _width = 0;
            if (++_height == runs.Heights)
            {
                _height = 0;
                _depth++;
            }
        }

        return true;
    }
}
