using System.Collections.Immutable;

namespace Microsoft.ML.Quantization.Benchmarks.Tables;

/// <summary>What one cell of a table of trained networks gave; one file each, so that a table can be made in several sittings.</summary>
/// <param name="Name">The cell's name, also of its file.</param>
/// <param name="Method">The method or recipe.</param>
/// <param name="Bits">Weights and activations, for example 4/4.</param>
/// <param name="Seed">Seed of the run.</param>
/// <param name="Epochs">Passes.</param>
/// <param name="Scheme">The scheme with all its numbers; float for none.</param>
/// <param name="HardAccuracy">Accuracy on the test images of the hard network evaluated in float.</param>
/// <param name="EngineAccuracy">Accuracy of the integer network on the shipping engine.</param>
/// <param name="Differing">Test images on which the two predict different classes.</param>
/// <param name="IntegerLayers">Layers that run as integers, of all.</param>
/// <param name="FileBytes">Bytes of the model file.</param>
/// <param name="Seconds">Time of training.</param>
/// <param name="Losses">Mean training loss of each epoch.</param>
/// <param name="Stop">Why training ended.</param>
/// <param name="Machine">The machine.</param>
/// <param name="BestEpoch">The epoch whose network counts, from 0; −1 where none is chosen.</param>
internal sealed record CellResult(
    string Name,
    string Method,
    string Bits,
    ulong Seed,
    int Epochs,
    string Scheme,
    double HardAccuracy,
    double EngineAccuracy,
    int Differing,
    string IntegerLayers,
    long FileBytes,
    double Seconds,
    ImmutableArray<float> Losses,
    string Stop,
    string Machine,
    int BestEpoch = -1);
