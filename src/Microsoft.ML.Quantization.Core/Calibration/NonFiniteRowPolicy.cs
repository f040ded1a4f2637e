namespace Microsoft.ML.Quantization.Calibration;

/// <summary>What happens to a calibration row that holds NaN or an infinity.</summary>
public enum NonFiniteRowPolicy
{
    /// <summary>Calibration stops with <see cref="QuantizationErrorCode.NonFiniteInput"/> and the row's index.</summary>
    Fail = 0,

    /// <summary>The row is left out and counted; too many of them are an error all the same.</summary>
    Skip = 1,
}
