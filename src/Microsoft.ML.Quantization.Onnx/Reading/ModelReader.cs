using System;
using Google.Protobuf;
using Microsoft.ML.Quantization.Onnx.Proto;

namespace Microsoft.ML.Quantization.Onnx.Reading;

/// <summary>
/// Bytes to messages. The parser checks each length against what is left and refuses nesting over 100; lengths near 2^31 make it run out of its
/// buffer's indices, which is the same damage.
/// </summary>
internal static class ModelReader
{
    public static ModelMessage Read(byte[] bytes)
    {
        if (bytes.Length == 0)
        {
            throw new QuantizationException(QuantizationErrorCode.NotAModel, "Model: expected an ONNX file, found an empty one.");
        }

        var model = new ModelMessage();
        var input = new CodedInputStream(bytes);
        try
        {
            model.MergeFrom(input);
        }
        catch (Exception e) when (e is InvalidProtocolBufferException or IndexOutOfRangeException or ArgumentException or OverflowException)
        {
            throw Damaged(bytes, model, input.Position, e);
        }

        return model.Graph is null || (model.IrVersion <= 0 && model.OperatorSets.Count == 0) ? throw NotAModel(bytes, null) : model;
    }

    private static QuantizationException Damaged(byte[] bytes, ModelMessage model, long position, Exception e)
    {
        if (e.Message.Contains("nesting", StringComparison.Ordinal))
        {
            return new(QuantizationErrorCode.ModelLimitExceeded, $"Model: expected messages nested at most 100 deep, found more near byte {position}.", e);
        }

        bool begun = model.IrVersion is > 0 and < 1000 && FormatGuess.Guess(bytes) is null;
        return begun
            ? new(QuantizationErrorCode.TruncatedModel, $"Model: expected {bytes.Length} bytes to hold a whole ONNX file, found the end of the data or a damaged field near byte {position}. Get the file again.", e)
            : NotAModel(bytes, e);
    }

    private static QuantizationException NotAModel(byte[] bytes, Exception? inner)
        => new(QuantizationErrorCode.NotAModel, $"Model: expected an ONNX file, found {FormatGuess.Describe(bytes)}", inner);
}
