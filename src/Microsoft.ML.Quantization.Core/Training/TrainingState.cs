using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Training;

/// <summary>Everything that a run carries from one step to the next.</summary>
internal sealed class TrainingState
{
    private readonly int _squares = -1;

    /// <summary>The start of a run.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="optimizer">What it remembers stands beside the constants.</param>
    public TrainingState(Graph graph, Optimizer optimizer)
        : this(graph, optimizer.Slots) => _squares = optimizer.SquaresSlot;

    /// <summary>The start of a run.</summary>
    public TrainingState(Graph graph, int slots)
    {
        HashSet<string> statistics = TrainableConstants.Statistics(graph);
        foreach (Value value in graph.Values.Where(v => v.IsTrainable && v.Constant is not null))
        {
            Constants[value.Name] = Copy(value.Constant!);
            if (!statistics.Contains(value.Name))
            {
                Slots[value.Name] = [.. Enumerable.Range(0, slots).Select(_ => new float[value.Constant!.Shape.Count])];
            }
        }

        Best = Copy(Constants);
    }

    /// <summary>Trained constants and statistics by name, in the graph's order; written in place.</summary>
    public Dictionary<string, Tensor> Constants { get; } = new(StringComparer.Ordinal);

    /// <summary>What the optimizer remembers, by the names of the constants that it steps.</summary>
    public Dictionary<string, float[][]> Slots { get; } = new(StringComparer.Ordinal);

    /// <summary>For pruned constants, 1 for each value that is kept and 0 for each that is gone.</summary>
    public Dictionary<string, float[]> Masks { get; } = new(StringComparer.Ordinal);

    /// <summary>The constants of <see cref="BestEpoch"/>.</summary>
    public Dictionary<string, Tensor> Best { get; set; }

    /// <summary>The best epoch; −1 for the start.</summary>
    public int BestEpoch { get; set; } = -1;

    /// <summary>Epochs done.</summary>
    public int Epoch { get; set; }

    /// <summary>Steps done.</summary>
    public long Step { get; set; }

    /// <summary>Sum of the losses of the rows that the epoch has done.</summary>
    public double Loss { get; set; }

    /// <summary>Rows of the epoch that were right.</summary>
    public int Correct { get; set; }

    /// <summary>Rows that the epoch has done.</summary>
    public int Done { get; set; }

    /// <summary>Epochs since the watched result was at its best.</summary>
    public int Stale { get; set; }

    /// <summary>Share of codes that the last step of an epoch changed, by the name of the weights; that of the last whole epoch.</summary>
    public Dictionary<string, float> Flips { get; set; } = new(StringComparer.Ordinal);

    /// <summary>The same over all weights; NaN for none.</summary>
    public float Flipped { get; set; } = float.NaN;

    /// <summary>The epochs done.</summary>
    public List<EpochReport> History { get; } = [];

    /// <summary>The moving average of a constant's squared gradients; empty where the optimizer keeps none.</summary>
    public ReadOnlyMemory<float> SecondMoments(string name) => _squares >= 0 && Slots.TryGetValue(name, out float[][]? slots) ? slots[_squares] : default;

    /// <summary>The mask of a constant; empty where it is not pruned.</summary>
    public ReadOnlyMemory<float> MaskOf(string name) => Masks.GetValueOrDefault(name);

    /// <summary>A copy of all constants.</summary>
    public static Dictionary<string, Tensor> Copy(Dictionary<string, Tensor> constants)
        => constants.ToDictionary(c => c.Key, c => Copy(c.Value), StringComparer.Ordinal);

    private static Tensor Copy(Tensor tensor) => Tensor.Create(tensor.Shape, tensor.Values<float>());
}
