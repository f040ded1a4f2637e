using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Text.Json;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Execution;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.QuantizationAware;
using Microsoft.ML.Quantization.Serialization;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;
using Microsoft.ML.Quantization.Training;

namespace Microsoft.ML.Quantization.Benchmarks.Tables;

/// <summary>
/// Trains the cells of a table one by one. A cell whose file is there is read, not run; an interrupted cell goes on from its last epoch. Stop the command whenever you like and start
/// it again.
/// </summary>
/// <param name="table">The table's name: a folder under results/accuracy/ and under the temporary folder of checkpoints.</param>
/// <param name="training">Training rows.</param>
/// <param name="test">Test rows.</param>
internal sealed class CellRunner(string table, IBatchSource training, IBatchSource test)
{
    private const int Batch = 500;

    private static readonly JsonSerializerOptions _json = new() { WriteIndented = true };

    /// <summary>Where checkpoints and float networks of this table lie.</summary>
    public string Scratch { get; } = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), "mlq-tables", table)).FullName;

    private string Folder { get; } = Directory.CreateDirectory(Machine.TableFolder(table)).FullName;

    /// <summary>The result of a cell, from its file or by running it.</summary>
    public CellResult Run(TableCell cell) => Find(cell.Name) ?? Make(cell);

    /// <summary>The result of a cell, from its file or by running it; null while another process runs it: several may work on one table.</summary>
    public CellResult? TryRun(TableCell cell)
    {
        if (Find(cell.Name) is { } done)
        {
            return done;
        }

        using FileStream? claim = Claim(cell.Name);
        return claim is null ? null : Run(cell);
    }

    /// <summary>The trained float network of a cell, to begin others with: from the scratch folder, or by running the cell.</summary>
    public Graph Network(TableCell cell)
    {
        string file = Path.Combine(Scratch, cell.Name + ".mlq");
        if (!File.Exists(file))
        {
            Make(cell);
        }

        return TrainableConstants.Mark(ModelReader.Read(file).Graph);
    }

    /// <summary>The result of a cell that is done, or null.</summary>
    public CellResult? Find(string name)
    {
        string file = Path.Combine(Folder, name + ".json");
        return File.Exists(file) ? JsonSerializer.Deserialize<CellResult>(File.ReadAllText(file)) : null;
    }

    private FileStream? Claim(string name)
    {
        try
        {
            return new FileStream(Path.Combine(Scratch, name + ".lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            return null;
        }
    }

    private CellResult Make(TableCell cell)
    {
        string checkpoint = Path.Combine(Scratch, cell.Name + ".checkpoint");
        TrainingOptions options = cell.Training with { CheckpointPath = checkpoint };
        var watch = Stopwatch.StartNew();
        (TrainingResult trained, Graph hard, ModelDocument document, string layers) = Train(cell, options);
        double seconds = watch.Elapsed.TotalSeconds;
        CellResult result = Measure(cell, trained, hard, document) with { IntegerLayers = layers, Seconds = Math.Round(seconds, 1) };
        File.WriteAllBytes(Path.Combine(Scratch, cell.Name + ".mlq"), ModelWriter.ToBytes(document));
        string file = Path.Combine(Folder, cell.Name + ".json");
        File.WriteAllText(file + ".tmp", JsonSerializer.Serialize(result, _json) + "\n");
        File.Move(file + ".tmp", file, overwrite: true);
        File.Delete(checkpoint);
        return result;
    }

    private (TrainingResult Trained, Graph Hard, ModelDocument Document, string Layers) Train(TableCell cell, TrainingOptions options)
    {
        var progress = new EpochLines(cell.Name);
        if (cell.Scheme is null)
        {
            TrainingResult floats = new Trainer(KernelRegistry.Active, WorkerPool.Shared).Run(cell.Start, training, options, progress);
            return (floats, floats.Graph, new ModelDocument(floats.Graph, ModelSignature.Of(floats.Graph), new ModelMetadata()), "0");
        }

        var trainer = new QuantizationAwareTrainer(KernelRegistry.Active, WorkerPool.Shared, new EngineRunnerFactory(KernelRegistry.Active));
        QuantizationAwareResult result = trainer.Run(cell.Start, training, new QuantizationAwareOptions { Scheme = cell.Scheme, Training = options }, progress);
        int integer = result.Quantized.Layers.Count(l => l.IsInteger);
        return (result.Training, result.Hardened, result.Quantized.Document, FormattableString.Invariant($"{integer} of {result.Quantized.Layers.Length}"));
    }

    private CellResult Measure(TableCell cell, TrainingResult trained, Graph hard, ModelDocument document)
    {
        using var evaluator = new Evaluator(hard, OperatorTable.Fast(KernelRegistry.Active, WorkerPool.Shared));
        using QuantizedModel engine = QuantizedModel.FromDocument(document);
        (int hardRight, int engineRight, int differing) = (0, 0, 0);
        for (int first = 0; first < test.Count; first += Batch)
        {
            int[] rows = [.. Enumerable.Range(first, Math.Min(Batch, test.Count - first))];
            (Tensor input, float[] labels) = Rows(rows);
            int[] a = Classes(evaluator.Run([input])[0]);
            int[] b = Classes(engine.Run([input])[0]);
            for (int i = 0; i < labels.Length; i++)
            {
                hardRight += a[i] == (int)labels[i] ? 1 : 0;
                engineRight += b[i] == (int)labels[i] ? 1 : 0;
                differing += a[i] == b[i] ? 0 : 1;
            }
        }

        return new CellResult(
            cell.Name, cell.Method, cell.Bits, cell.Training.Seed, trained.History.Length, cell.Scheme?.ToString() ?? "float", (double)hardRight / test.Count, (double)engineRight / test.Count,
            differing, string.Empty, ModelWriter.ToBytes(document).Length, 0, [.. trained.History.Select(h => h.Loss)], trained.Stop.ToString(), Machine.Description, trained.BestEpoch);
    }

    private (Tensor Input, float[] Labels) Rows(int[] rows)
    {
        int length = test.InputShape.Count;
        var values = new float[rows.Length * length];
        var labels = new float[rows.Length];
        for (int i = 0; i < rows.Length; i++)
        {
            test.Read(rows[i], values.AsSpan(i * length, length), labels.AsSpan(i, 1));
        }

        return (Tensor.Create(new Shape([rows.Length, .. test.InputShape.Dimensions]), values), labels);
    }

    private static int[] Classes(Tensor scores)
    {
        int classes = scores.Shape[1];
        float[] values = scores.Values<float>().ToArray();
        return [.. Enumerable.Range(0, scores.Shape[0]).Select(r => values.AsSpan(r * classes, classes).IndexOf(values.AsSpan(r * classes, classes).ToArray().Max()))];
    }

    private sealed class EpochLines(string name) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Finished is { } e)
            {
                Console.WriteLine(FormattableString.Invariant($"{name}: epoch {e.Epoch + 1}, loss {e.Loss:F4}, accuracy {e.Accuracy:F4}"));
            }
        }
    }
}
