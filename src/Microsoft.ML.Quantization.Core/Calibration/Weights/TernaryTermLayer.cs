using System.Collections.Immutable;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Calibration.Weights;

/// <summary>A layer whose weights become sums of ternary terms.</summary>
/// <param name="Name">Its name, for messages.</param>
/// <param name="Weights">Floats [O, I, ..].</param>
/// <param name="Energy">h: the mean square of its inputs, from 0; 1 where it is not known.</param>
/// <param name="BlockChannels">Input channels of a block; 0 for all of them.</param>
public sealed record TernaryTermLayer(string Name, Tensor Weights, double Energy, int BlockChannels);

/// <summary>The ternary terms of a layer.</summary>
/// <param name="Planes">Term after term: codes of the shape of the weights, with a scale an output channel, or, where its input channels are several blocks, one a block, repeated for the elements of the kernel. A block that has no such term has codes of 0 there.</param>
/// <param name="BlockTerms">How many terms each block has, from 1, the blocks of an output channel side by side.</param>
/// <param name="Error">Σ (w − ŵ)².</param>
/// <param name="Size">Σ w².</param>
public sealed record TernaryTermFit(ImmutableArray<WeightPlane> Planes, ImmutableArray<int> BlockTerms, double Error, double Size);
