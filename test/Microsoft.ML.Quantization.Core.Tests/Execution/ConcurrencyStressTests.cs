using System;
using System.Diagnostics;
using System.Linq;
using System.Threading;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Execution;

/// <summary>Law 11 under load: several models, several threads, models going away and coming back in the middle.</summary>
[TestClass]
public sealed class ConcurrencyStressTests
{
    private const int Threads = 8;
    private const int Milliseconds = 800;
    private const int MostRows = 5;

    private static readonly string[] _cases = ["integer", "residual", "pools"];

    [TestMethod]
    public void Eight_threads_share_three_models_that_are_replaced_under_them()
    {
        Subject[] subjects = [.. _cases.Select((name, i) => new Subject(name, 1 + (i % 2)))];
        Exception? failure = null;
        int runs = 0;
        int refused = 0;
        var watch = Stopwatch.StartNew();
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(t => new Thread(() =>
        {
            try
            {
                for (int i = 0; watch.ElapsedMilliseconds < Milliseconds; i++)
                {
                    Interlocked.Add(ref refused, subjects[(t + i) % subjects.Length].RunOnce(1 + ((t + (3 * i)) % MostRows)) ? 0 : 1);
                    Interlocked.Increment(ref runs);
                }
            }
            catch (Exception e)
            {
                failure = e;
            }
        }))];
        Array.ForEach(threads, t => t.Start());
        while (watch.ElapsedMilliseconds < Milliseconds)
        {
            subjects[1].Replace();
            Thread.Sleep(5);
        }

        Array.ForEach(threads, t => t.Join());
        Assert.IsNull(failure, failure?.ToString());
        Assert.IsTrue(runs > refused, "no run came through");
        Assert.IsTrue(subjects[0].Refused == 0 && subjects[2].Refused == 0, "a model that lives was refused");
        Array.ForEach(subjects, s => s.Dispose());
        Assert.IsTrue(subjects.All(s => !s.RunOnce(1)), "a disposed model ran");
    }

    /// <summary>A model with inputs of several batches and what it gave when it was alone.</summary>
    private sealed class Subject : IDisposable
    {
        private readonly Graph _graph;
        private readonly int _threads;
        private readonly Tensor[][] _inputs;
        private readonly string[] _hashes;
        private QuantizedModel _model;
        private int _refused;

        public Subject(string name, int threads)
        {
            _graph = name == "integer" ? HandmadeGraphs.IntegerNet() : GraphCases.Create(name);
            _threads = threads;
            _inputs = [.. Enumerable.Range(1, MostRows).Select(batch => GraphCases.Inputs(_graph, batch, (ulong)batch))];
            _model = Create();
            _hashes = [.. _inputs.Select(i => ReferenceRuns.Hash(_model.Run(i)))];
        }

        public int Refused => Volatile.Read(ref _refused);

        /// <summary>False where the model was disposed before the run began; a run that began gives its bytes.</summary>
        public bool RunOnce(int batch)
        {
            try
            {
                string hash = ReferenceRuns.Hash(Volatile.Read(ref _model).Run(_inputs[batch - 1]));
                return hash == _hashes[batch - 1] ? true : throw new InvalidOperationException($"batch {batch} gave other bytes");
            }
            catch (ObjectDisposedException)
            {
                Interlocked.Increment(ref _refused);
                return false;
            }
        }

        /// <summary>Puts a new model in the place of the one at work, and disposes that one.</summary>
        public void Replace() => Interlocked.Exchange(ref _model, Create()).Dispose();

        public void Dispose() => _model.Dispose();

        private QuantizedModel Create() => QuantizedModel.FromDocument(HandmadeGraphs.Document(_graph), new QuantizedModelOptions { ThreadCount = _threads });
    }
}
