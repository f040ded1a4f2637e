namespace Microsoft.ML.Quantization;

/// <summary>Stable error codes; a number never changes its meaning.</summary>
public enum QuantizationErrorCode
{
    /// <summary>No error; never thrown.</summary>
    None = 0,

    /// <summary>The file is not a model of the expected kind (empty, text, another format).</summary>
    NotAModel = 100,

    /// <summary>The model file ends too early or a length in it exceeds the file.</summary>
    TruncatedModel = 101,

    /// <summary>The model file nests deeper, or holds more, than the limits allow.</summary>
    ModelLimitExceeded = 102,

    /// <summary>A shape is negative, overflows, has too high a rank or does not fit its use.</summary>
    InvalidShape = 110,

    /// <summary>A tensor's data do not have the length that type and shape require.</summary>
    TensorLengthMismatch = 111,

    /// <summary>An attribute is missing, has the wrong arity or an impossible value.</summary>
    InvalidAttribute = 112,

    /// <summary>An element type is not supported at that place.</summary>
    UnsupportedElementType = 113,

    /// <summary>External tensor data are missing.</summary>
    ExternalDataMissing = 120,

    /// <summary>External tensor data lie outside the model's folder or outside their file, or are a link.</summary>
    ExternalDataRejected = 121,

    /// <summary>The operator set version or domain is not supported.</summary>
    UnsupportedOperatorSet = 130,

    /// <summary>Operators are not supported; all of them are listed.</summary>
    UnsupportedOperator = 131,

    /// <summary>Sub-graphs (If, Loop, Scan) are not supported.</summary>
    UnsupportedSubgraph = 132,

    /// <summary>The graph is cyclic, has duplicate names or dangling inputs, or breaks a rule of its nodes.</summary>
    InvalidGraph = 133,

    /// <summary>There is nothing that could be quantized.</summary>
    NothingToQuantize = 134,

    /// <summary>The model is quantized already.</summary>
    AlreadyQuantized = 135,

    /// <summary>A weight is NaN or infinite.</summary>
    NonFiniteWeight = 140,

    /// <summary>A bit width, or a pair of widths, is outside the legal set.</summary>
    InvalidBitWidth = 150,

    /// <summary>Options contradict each other or have a value out of range.</summary>
    InvalidOptions = 151,

    /// <summary>A layer name or pattern matches nothing.</summary>
    UnknownLayer = 152,

    /// <summary>The accumulator of a layer cannot be proved to fit.</summary>
    AccumulatorNotProved = 160,

    /// <summary>The calibration data have no rows.</summary>
    EmptyCalibrationData = 200,

    /// <summary>Calibration data are needed but were not given.</summary>
    MissingCalibrationData = 201,

    /// <summary>A calibration row holds NaN or infinity.</summary>
    NonFiniteInput = 203,

    /// <summary>A data view gave another number of rows in a later pass, or a row of another length.</summary>
    InconsistentData = 210,

    /// <summary>A dimension other than the batch is free, or an input does not fit the signature.</summary>
    InputShapeMismatch = 211,

    /// <summary>The activations would need more memory than allowed.</summary>
    MemoryLimitExceeded = 220,

    /// <summary>A statistics file does not belong to this model or these options.</summary>
    StatisticsMismatch = 230,

    /// <summary>A file could not be written; the target is untouched.</summary>
    WriteFailed = 300,

    /// <summary>A saved state belongs to other data, options or code.</summary>
    FingerprintMismatch = 310,

    /// <summary>The quantized model file is damaged (checksum, structure or limits).</summary>
    CorruptModel = 400,

    /// <summary>The quantized model file was written by a version that this one cannot read.</summary>
    UnsupportedModelVersion = 401,

    /// <summary>The engine and the normative interpreter disagree; nothing was written.</summary>
    VerificationFailed = 410,

    /// <summary>The requested kernel set is unknown or this machine cannot run it.</summary>
    KernelSetUnavailable = 500,
}
