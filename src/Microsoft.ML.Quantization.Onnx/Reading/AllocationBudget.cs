namespace Microsoft.ML.Quantization.Onnx.Reading;

/// <summary>Counts what import allocates beyond the bytes that the file holds, before it is allocated.</summary>
internal sealed class AllocationBudget(long limit)
{
    private long _used;

    /// <summary>Takes bytes from the budget.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.ModelLimitExceeded"/>.</exception>
    public void Reserve(long bytes, string place)
    {
        if (bytes > limit - _used)
        {
            throw new QuantizationException(
                QuantizationErrorCode.ModelLimitExceeded,
                $"'{place}': expected constants of at most {limit} bytes beyond the file's own data, found {_used} and {bytes} more. Raise MaximumTensorBytes if the file is trusted.");
        }

        _used += bytes;
    }
}
