using Microsoft.ML.Quantization.Scoring;

namespace Microsoft.ML.Quantization.Rows;

/// <summary>The scores of the row at hand, computed when first asked for at a position.</summary>
internal sealed class LiveScore
{
    private readonly DataViewRow _input;
    // Also a row that was not moved yet is read, so that its source can say so.
    private long _position = long.MinValue;

    public LiveScore(ScoreMapping mapping, DataViewRow input)
    {
        _input = input;
        Batch = new ScoreBatch(mapping.Model, 1);
        Batch.Attach(input, mapping.InputSchema);
    }

    /// <summary>A batch of one.</summary>
    public ScoreBatch Batch { get; }

    /// <summary>Scores if the position changed; always slot 0.</summary>
    public int Slot()
    {
        if (_position != _input.Position)
        {
            Batch.Read(0);
            Batch.Run(1);
            _position = _input.Position;
        }

        return 0;
    }
}
