using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.PostTraining;

/// <summary>Keeps the first rows of a stream of batches for later stages, so that the data are read once.</summary>
internal sealed class RowSample(Graph graph)
{
    /// <summary>Rows that are kept.</summary>
    public const int Limit = 128;

    private readonly List<IReadOnlyList<Tensor>> _batches = [];

    /// <summary>Rows kept so far.</summary>
    public int Rows { get; private set; }

    /// <summary>The kept batches.</summary>
    public IReadOnlyList<IReadOnlyList<Tensor>> Batches => _batches;

    /// <summary>The same batches; the first rows are copied on the way. A batch with NaN or infinity is not kept.</summary>
    public IEnumerable<IReadOnlyList<Tensor>> Take(IEnumerable<IReadOnlyList<Tensor>> batches)
    {
        foreach (IReadOnlyList<Tensor> batch in batches)
        {
            yield return batch;

            // The consumer has checked number, types and shapes of the batch by now.
            if (Rows < Limit && batch.All(IsFinite))
            {
                Keep(batch);
            }
        }
    }

    private static bool IsFinite(Tensor tensor)
    {
        if (tensor.Type == ElementType.Float32)
        {
            foreach (float value in tensor.Values<float>())
            {
                if (!float.IsFinite(value))
                {
                    return false;
                }
            }
        }

        return true;
    }

    private void Keep(IReadOnlyList<Tensor> batch)
    {
        int rows = 1;
        var kept = new Tensor[batch.Count];
        for (int i = 0; i < kept.Length; i++)
        {
            Shape shape = batch[i].Shape;
            bool free = graph[graph.Inputs[i]].Type.Shape.IsFree;
            int count = free ? System.Math.Min(shape[0], Limit - Rows) : 1;
            int bytes = free ? batch[i].Bytes.Length / shape[0] * count : batch[i].Bytes.Length;
            kept[i] = new Tensor(batch[i].Type, free ? shape.With(0, count) : shape, batch[i].Bytes[..bytes].ToArray());
            rows = free ? count : rows;
        }

        Rows += rows;
        _batches.Add(kept);
    }
}
