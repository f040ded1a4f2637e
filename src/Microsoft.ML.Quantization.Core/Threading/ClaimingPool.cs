using System;
using System.Diagnostics;
using System.Runtime.ExceptionServices;
using System.Threading;

namespace Microsoft.ML.Quantization.Threading;

/// <summary>
/// Threads that claim chunks. One 64-bit word holds the run's generation, the chunks not yet claimed and those that workers took; a thread
/// takes a chunk by compare-and-swap, so a worker that wakes late costs nothing and the caller never waits for a chunk nobody has
/// begun. The caller takes the first chunk left and workers the last one, so that from layer to layer and run to run a thread meets much of the data that its caches have. Waits pause about 200 times, then yield the processor. A worker without work stays awake for 0.3 ms, the time between two layers,
/// and then blocks. One caller is served at a time; a caller that finds the pool busy, a body that calls the pool again included, or that has 2^24 chunks or more, runs
/// its chunks alone on its own thread. Nothing is allocated by a run after a thread's first one with the same state type.
/// </summary>
public sealed class ClaimingPool : WorkerPool, IDisposable
{
    private const int Pauses = 200;

    // The claim: generation, chunks taken from the end, chunks left.
    private const int CountBits = 24;
    private const int Most = (1 << CountBits) - 1;
    private const long Taken = 1L << CountBits;
    private const int GenerationShift = 2 * CountBits;
    private static readonly TimeSpan _awake = TimeSpan.FromMilliseconds(0.3);

    private readonly Thread[] _workers;
    private readonly SemaphoreSlim _wake = new(0);
    private long _claim;
    private int _count;
    private int _unfinished;
    private int _sleepers;
    private int _busy;
    private ClaimedWork? _work;
    private Exception? _failure;
    private volatile bool _disposed;
    private int _closed;

    /// <summary>Starts <paramref name="threadCount"/> − 1 background threads; the caller is the remaining one.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Fewer than one thread.</exception>
    public ClaimingPool(int threadCount)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threadCount, 1);
        ThreadCount = threadCount;
        _workers = new Thread[threadCount - 1];
        for (int i = 0; i < _workers.Length; i++)
        {
            _workers[i] = new Thread(Serve) { IsBackground = true, Name = "Quantization worker" };
            _workers[i].Start();
        }
    }

    /// <inheritdoc/>
    public override int ThreadCount { get; }

    /// <inheritdoc/>
    /// <remarks>An exception of a body reaches the caller when all begun chunks have ended; chunks not begun are left out.</remarks>
    public override void Run<TState>(int count, TState state, Action<TState, int> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (count is <= 1 or > Most || _workers.Length == 0 || Interlocked.CompareExchange(ref _busy, 1, 0) != 0)
        {
            Single.Run(count, state, body);
            return;
        }

        ClaimedWork<TState> work = ClaimedWork<TState>.Rent(state, body);
        try
        {
            Share(count, work);
        }
        finally
        {
            work.Return();
            _work = null;
            Volatile.Write(ref _busy, 0);
        }
    }

    /// <summary>Waits for the run in progress and ends the threads. Not to be called from a body.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _closed, 1) != 0)
        {
            return;
        }

        _disposed = true;
        SpinWait spin = default;
        while (Interlocked.CompareExchange(ref _busy, 1, 0) != 0)
        {
            spin.SpinOnce();
        }

        if (_workers.Length > 0)
        {
            _wake.Release(_workers.Length);
        }

        foreach (Thread worker in _workers)
        {
            worker.Join();
        }

        _wake.Dispose();
    }

    private void Share(int count, ClaimedWork work)
    {
        _work = work;
        _failure = null;
        _count = count;
        Volatile.Write(ref _unfinished, count);
        long generation = (_claim >>> GenerationShift) + 1;
        Interlocked.Exchange(ref _claim, (generation << GenerationShift) | (uint)count);
        WakeWorkers();
        while (TryClaim(fromEnd: false, out int chunk))
        {
            Execute(chunk);
        }

        int pauses = 0;
        while (Volatile.Read(ref _unfinished) != 0)
        {
            Pause(ref pauses);
        }

        if (_failure is { } failure)
        {
            _failure = null;
            ExceptionDispatchInfo.Throw(failure);
        }
    }

    private void WakeWorkers()
    {
        if (Volatile.Read(ref _sleepers) != 0)
        {
            int sleepers = Interlocked.Exchange(ref _sleepers, 0);
            if (sleepers > 0)
            {
                _wake.Release(sleepers);
            }
        }
    }

    /// <summary>Takes the first chunk left of the current generation, or the last. Chunks left are counted down, so a finished word never looks open.</summary>
    private bool TryClaim(bool fromEnd, out int chunk)
    {
        long claim = Volatile.Read(ref _claim);
        while (Left(claim) != 0)
        {
            long seen = Interlocked.CompareExchange(ref _claim, claim - 1 + (fromEnd ? Taken : 0), claim);
            if (seen == claim)
            {
                int taken = (int)(claim >> CountBits) & Most;
                chunk = fromEnd ? _count - 1 - taken : _count - taken - Left(claim);
                return true;
            }

            claim = seen;
        }

        chunk = -1;
        return false;
    }

    private static int Left(long claim) => (int)claim & Most;

    private void Execute(int chunk)
    {
        try
        {
            if (Volatile.Read(ref _failure) is null)
            {
                _work!.Execute(chunk);
            }
        }
#pragma warning disable CA1031 // The exception is handed to the caller of Run; a worker must not end the process.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            Interlocked.CompareExchange(ref _failure, failure, null);
        }
        finally
        {
            Interlocked.Decrement(ref _unfinished);
        }
    }

    private void Serve()
    {
        while (!_disposed)
        {
            long begin = Stopwatch.GetTimestamp();
            int pauses = 0;
            while (!_disposed)
            {
                if (TryClaim(fromEnd: true, out int chunk))
                {
                    Execute(chunk);
                    begin = Stopwatch.GetTimestamp();
                    pauses = 0;
                }
                else if (Stopwatch.GetElapsedTime(begin) < _awake)
                {
                    Pause(ref pauses);
                }
                else
                {
                    break;
                }
            }

            Sleep();
        }
    }

    /// <summary>Blocks until woken, unless work came in between. Whoever takes a sleeper off the count owes it one release.</summary>
    private void Sleep()
    {
        Interlocked.Increment(ref _sleepers);
        if (Left(Volatile.Read(ref _claim)) != 0 || _disposed)
        {
            int sleepers = Volatile.Read(ref _sleepers);
            while (sleepers > 0)
            {
                int seen = Interlocked.CompareExchange(ref _sleepers, sleepers - 1, sleepers);
                if (seen == sleepers)
                {
                    return;
                }

                sleepers = seen;
            }
        }

        _wake.Wait();
    }

    private static void Pause(ref int pauses)
    {
        if (++pauses < Pauses)
        {
            Thread.SpinWait(1);
        }
        else
        {
            Thread.Yield();
        }
    }
}
