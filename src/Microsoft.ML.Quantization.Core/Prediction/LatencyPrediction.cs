using System.Collections.Immutable;

namespace Microsoft.ML.Quantization.Prediction;

/// <summary>The expected time of one step.</summary>
/// <param name="Layer">Name of the step.</param>
/// <param name="Operation">What it does.</param>
/// <param name="KernelSet">The set that would do it.</param>
/// <param name="Milliseconds">Expected time, all threads together.</param>
/// <param name="IsMeasured">Whether it comes from measurements on this processor; otherwise from counted instructions.</param>
public sealed record StepPrediction(string Layer, string Operation, string KernelSet, double Milliseconds, bool IsMeasured);

/// <summary>The expected time of a network on this machine.</summary>
/// <param name="Milliseconds">Expected time of one run.</param>
/// <param name="MeasuredShare">Share of that time that rests on measurements of this processor, 0 to 1.</param>
/// <param name="Batch">Rows of the run.</param>
/// <param name="Threads">Threads of the run.</param>
/// <param name="Steps">The parts, in order.</param>
public sealed record LatencyPrediction(double Milliseconds, double MeasuredShare, int Batch, int Threads, ImmutableArray<StepPrediction> Steps);
