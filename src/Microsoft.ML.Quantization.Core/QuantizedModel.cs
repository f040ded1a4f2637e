using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Microsoft.ML.Quantization.Execution;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Kernels.Costs;
using Microsoft.ML.Quantization.Packing;
using Microsoft.ML.Quantization.Serialization;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization;

/// <summary>
/// A quantized (or float) network ready to run. Immutable and thread-safe: any number of threads may call <c>Run</c> at once, and every kernel set, thread count and
/// split of a batch gives the same bytes. After the first runs of a batch size, <c>Run</c> with spans allocates nothing; only nodes that have no step of their own (they run
/// through their general operator, as rare float nodes do) may make a few small objects.
/// </summary>
public sealed class QuantizedModel : IDisposable
{
    private const int DefaultRuns = 31;

    private readonly ModelDocument _document;
    private readonly Engine _engine;

    private readonly StoredWeights? _stored;

    private QuantizedModel(ModelDocument document, Engine engine, StoredWeights? stored)
    {
        _document = document;
        _engine = engine;
        _stored = stored;
    }

    /// <summary>What callers give and get.</summary>
    public ModelSignature Signature => _document.Signature;

    /// <summary>What the model says about itself.</summary>
    public ModelMetadata Metadata => _document.Metadata;

    /// <summary>Name of the kernel set in use.</summary>
    public string KernelSetName => _engine.Kernels.Name;

    /// <summary>Threads of one run, the caller included.</summary>
    public int ThreadCount => _engine.ThreadCount;

    /// <summary>The document this model was made of.</summary>
    internal ModelDocument Document => _document;

    /// <summary>Bytes of the packed weights.</summary>
    internal long PackedBytes => _engine.PackedBytes;

    /// <summary>
    /// Loads an .mlq file. Weights live in memory once, packed for this machine; the model keeps the file open, and <see cref="Save"/> reads them from it again. The file may be deleted or
    /// replaced meanwhile; whoever writes over its bytes in place makes a later <see cref="Save"/> fail, and runs are not concerned. On Windows an open file cannot be replaced, so the file's
    /// bytes stay in memory there, as they do for a stream.
    /// </summary>
    /// <exception cref="QuantizationException">The file is no model, is damaged, or cannot run here.</exception>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    public static QuantizedModel Load(string path, QuantizedModelOptions? options = null)
    {
        if (OperatingSystem.IsWindows())
        {
            return FromDocument(ModelReader.Read(path), options);
        }

        ModelFile file = ModelFile.Open(path);
        try
        {
            return Create(file.CheckWeights, file.Read, options);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Loads an .mlq file from a stream, to its end.</summary>
    /// <exception cref="QuantizationException">The stream holds no model, a damaged one, or one that cannot run here.</exception>
    public static QuantizedModel Load(Stream stream, QuantizedModelOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        using var memory = new MemoryStream();
        stream.CopyTo(memory);
        return FromDocument(ModelReader.Read(memory.ToArray()), options);
    }

    /// <summary>Makes a document ready to run.</summary>
    /// <exception cref="QuantizationException">
    /// <see cref="QuantizationErrorCode.AccumulatorNotProved"/>, <see cref="QuantizationErrorCode.KernelSetUnavailable"/>, <see cref="QuantizationErrorCode.InvalidOptions"/> or a signature that does not fit.
    /// </exception>
    public static QuantizedModel FromDocument(ModelDocument document, QuantizedModelOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(document);
        return Create(null, () => (document, null), options);
    }

    private static QuantizedModel Create(Action? check, Func<(ModelDocument Document, StoredWeights? Stored)> read, QuantizedModelOptions? options)
    {
        options ??= new QuantizedModelOptions();
        if (options.ThreadCount < 0 || options.MaximumArenaBytes <= 0)
        {
            throw new QuantizationException(QuantizationErrorCode.InvalidOptions, $"QuantizedModelOptions: expected a thread count from 0 and arena bytes above 0, found {options.ThreadCount} and {options.MaximumArenaBytes}.");
        }

        int threads = options.ThreadCount == 0 ? Environment.ProcessorCount : Math.Min(options.ThreadCount, Environment.ProcessorCount);
        WorkerPool pool = Pools.Create(threads);
        PackedProgram? program = null;
        try
        {
            (ModelDocument document, StoredWeights? stored) = (null!, null);
            void Make()
            {
                (document, stored) = read();
                program = Packer.Pack(document.Graph, document.Signature, Chooser(options.KernelSet), pool: pool);
            }

            ModelOpening.Run(check, Make, pool);
            stored?.Release(program!.Packed);
            return new QuantizedModel(document, new Engine(program!, pool, options.MaximumArenaBytes), stored);
        }
        catch
        {
            program?.Dispose();
            Pools.Release(pool);
            throw;
        }
    }

    /// <summary>Runs a model of one float input and one float output.</summary>
    /// <param name="input">Batch rows, in the signature's layout.</param>
    /// <param name="output">Room for batch rows.</param>
    /// <param name="batch">Number of rows.</param>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InputShapeMismatch"/> or <see cref="QuantizationErrorCode.MemoryLimitExceeded"/>.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public void Run(ReadOnlySpan<float> input, Span<float> output, int batch = 1) => _engine.Run(input, output, batch);

    /// <summary>Runs a model whose input is bytes (pixels) and whose output is float.</summary>
    /// <inheritdoc cref="Run(ReadOnlySpan{float}, Span{float}, int)"/>
    public void Run(ReadOnlySpan<byte> input, Span<float> output, int batch = 1) => _engine.Run(input, output, batch);

    /// <summary>Runs a model of one input and one output of any element type.</summary>
    /// <inheritdoc cref="Run(ReadOnlySpan{float}, Span{float}, int)"/>
    public void Run<TInput, TOutput>(ReadOnlySpan<TInput> input, Span<TOutput> output, int batch = 1)
        where TInput : unmanaged
        where TOutput : unmanaged
        => _engine.Run(input, output, batch);

    /// <summary>Runs a model of any number of inputs and outputs; allocates the outputs.</summary>
    /// <param name="inputs">One tensor an input, in the signature's element type and layout.</param>
    /// <returns>One tensor an output.</returns>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InputShapeMismatch"/> or <see cref="QuantizationErrorCode.MemoryLimitExceeded"/>.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public IReadOnlyList<Tensor> Run(IReadOnlyList<Tensor> inputs)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        return _engine.Run(inputs);
    }

    /// <summary>How each step runs on this machine, with the proof numbers of its accumulators.</summary>
    /// <param name="measure">Whether to run the model on random rows and tell the median time of each step; see <see cref="Measure"/>.</param>
    public ModelReport Explain(bool measure = false)
        => measure ? _engine.Measure(ReferenceRuns.Inputs(Signature, _engine.SmallestBatch, seed: 1), DefaultRuns) : _engine.Explain();

    /// <summary>
    /// <see cref="Explain"/> with times: runs the model on the given rows, in turn as a whole and with a clock between the steps. One warm-up of each kind goes before. The clock stands on the
    /// caller's thread, so a step shared out to threads counts from its start to the end of its last part.
    /// </summary>
    /// <param name="inputs">One tensor an input, in the signature's element type and layout.</param>
    /// <param name="runs">Runs of each kind, from 1.</param>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InputShapeMismatch"/> or <see cref="QuantizationErrorCode.MemoryLimitExceeded"/>.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public ModelReport Measure(IReadOnlyList<Tensor> inputs, int runs = DefaultRuns)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentOutOfRangeException.ThrowIfLessThan(runs, 1);
        return _engine.Measure(inputs, runs);
    }

    /// <summary>
    /// Writes the model safely: a temporary file beside the target is written, flushed, read again and run against the stored reference hashes with the engine; only then
    /// it takes the target's name.
    /// </summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.WriteFailed"/> or <see cref="QuantizationErrorCode.VerificationFailed"/>; the target is untouched.</exception>
    public void Save(string path) => SafeWriter.Write(_document, path);

    /// <summary>Runs the engine against the stored reference runs.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.VerificationFailed"/>.</exception>
    public void Verify()
    {
        foreach (ReferenceRun run in Metadata.ReferenceRuns)
        {
            Tensor[] inputs = ReferenceRuns.Inputs(Signature, run.Batch, run.Seed);
            string inputHash = ReferenceRuns.Hash(inputs);
            string outputHash = ReferenceRuns.Hash(_engine.Run(inputs));
            if (inputHash != run.InputHash || outputHash != run.OutputHash)
            {
                throw new QuantizationException(
                    QuantizationErrorCode.VerificationFailed,
                    $"Reference run of batch {run.Batch}, kernel set {KernelSetName}: expected inputs {run.InputHash} and outputs {run.OutputHash}, found {inputHash} and {outputHash}. The model or this machine's kernels are damaged; nothing was written.");
            }
        }
    }

    /// <summary>Waits for the runs at work and frees everything; later calls throw <see cref="ObjectDisposedException"/>.</summary>
    public void Dispose()
    {
        _engine.Dispose();
        _stored?.Dispose();
    }

    /// <summary>The named kernel set alone; the active one if it is forced; or all of them, by their cost.</summary>
    internal static KernelChooser Chooser(string? name)
        => name is null && !KernelRegistry.IsForced ? KernelChooser.Automatic : KernelChooser.Only(FindKernels(name));

    /// <summary>The named kernel set, or the active one.</summary>
    internal static KernelSet FindKernels(string? name)
    {
        if (name is null)
        {
            return KernelRegistry.Active;
        }

        return KernelRegistry.Available.FirstOrDefault(k => k.Name == name) ?? throw new QuantizationException(
            QuantizationErrorCode.KernelSetUnavailable,
            $"QuantizedModelOptions.KernelSet: expected one of {string.Join(", ", KernelRegistry.Available.Select(k => k.Name))}, found '{name}', which is unknown or cannot run on this machine.");
    }
}
