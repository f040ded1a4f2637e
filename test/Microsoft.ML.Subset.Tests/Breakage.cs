namespace Microsoft.ML.Subset.Tests;

/// <summary>The one rule that a <see cref="BrokenEstimator"/> breaks.</summary>
public enum Breakage
{
    None,
    PromisedColumnMissing,
    PromisedWithoutAnnotations,
    InvalidShapeAccepted,
    InvalidFitAccepted,
    InvalidTransformAccepted,
    OutputSchemaDiffersFromView,
    TransformOpensCursor,
    LoadedModelDiffers,
    MapperInputSchemaCopied,
    MapperSchemaDiffers,
    DependenciesForeign,
    MapperRowSchemaCopied,
    MapperRowPositionFixed,
    CursorSchemaCopied,
    RequestedColumnInactive,
    InactiveGetterGiven,
    WrongGetterGiven,
    CursorSetDropsRows,
    CursorSetSharesBatch,
    CursorSetTooLarge,
    RowIdsChange,
    RowCountWrong,
    PositionBeforeStart,
}
