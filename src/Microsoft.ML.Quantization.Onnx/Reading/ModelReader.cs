using System;
using Google.Protobuf;
using Microsoft.ML.Quantization.Onnx.Proto;

namespace Microsoft.ML.Quantization.Onnx.Reading;

/// <summary>Bytes to messages: tags and lengths are checked first, then the parser runs.</summary>
internal static class ModelReader
{
    public static ModelMessage Read(byte[] bytes)
    {
        if (bytes.Length == 0)
        {
            throw new QuantizationException(QuantizationErrorCode.NotAModel, "Model: expected an ONNX file, found an empty one.");
        }

        (WireCheck.Problem problem, long position) = WireCheck.Find(bytes, ModelMessage.Descriptor);
        if (problem != WireCheck.Problem.None)
        {
            throw Damaged(bytes, problem, position, null);
        }

        var model = new ModelMessage();
        var input = new CodedInputStream(bytes);
        try
        {
            model.MergeFrom(input);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw Damaged(bytes, WireCheck.Problem.Damaged, input.Position, e);
        }

        return model.Graph is null || (model.IrVersion <= 0 && model.OperatorSets.Count == 0) ? throw NotAModel(bytes, null) : model;
    }

    private static QuantizationException Damaged(byte[] bytes, WireCheck.Problem problem, long position, Exception? inner)
    {
        if (problem == WireCheck.Problem.TooDeep)
        {
            return new(QuantizationErrorCode.ModelLimitExceeded, $"Model: expected messages nested at most 100 deep, found more near byte {position}.");
        }

        // Every writer begins with the version of the format: field 1, a small number.
        bool begun = bytes.Length > 1 && bytes[0] == 0x08 && bytes[1] is > 0 and < 0x80 && FormatGuess.Guess(bytes) is null;
        return begun
            ? new(QuantizationErrorCode.TruncatedModel, $"Model: expected {bytes.Length} bytes to hold a whole ONNX file, found the end of the data or a damaged field near byte {position}. Get the file again.", inner)
            : NotAModel(bytes, inner);
    }

    private static QuantizationException NotAModel(byte[] bytes, Exception? inner)
        => new(QuantizationErrorCode.NotAModel, $"Model: expected an ONNX file, found {FormatGuess.Describe(bytes)}", inner);
}
