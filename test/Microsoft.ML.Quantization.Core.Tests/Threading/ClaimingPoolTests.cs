using System;
using System.Linq;
using System.Threading;
using Microsoft.ML.Quantization.Threading;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Threading;

/// <summary>Laws of the pool: every chunk once, whoever runs it; one caller at a time; failures reach the caller.</summary>
[TestClass]
public sealed class ClaimingPoolTests
{
    [TestMethod]
    [DataRow(1)]
    [DataRow(2)]
    [DataRow(5)]
    public void EveryChunkRunsOnce(int threads)
    {
        using ClaimingPool pool = new(threads);
        Assert.AreEqual(threads, pool.ThreadCount);
        foreach (int count in new[] { 0, 1, 2, 3, 17, 1000 })
        {
            for (int repeat = 0; repeat < 50; repeat++)
            {
                int[] seen = new int[count];
                pool.Run(count, seen, static (s, i) => Interlocked.Increment(ref s[i]));
                Assert.IsTrue(seen.All(static n => n == 1), $"{count} chunks, {threads} threads");
            }
        }
    }

    [TestMethod]
    public void WorkersComeBackAfterSleeping()
    {
        using ClaimingPool pool = new(3);
        for (int repeat = 0; repeat < 30; repeat++)
        {
            Thread.Sleep(2);
            int[] seen = new int[40];
            pool.Run(seen.Length, seen, static (s, i) => s[i] = i);
            CollectionAssert.AreEqual(Enumerable.Range(0, 40).ToArray(), seen);
        }
    }

    [TestMethod]
    public void TwoThreadsMayDisposeOfAPoolAtOnce()
    {
        for (int repeat = 0; repeat < 20; repeat++)
        {
            ClaimingPool pool = new(2);
            Thread[] both = [new Thread(pool.Dispose) { IsBackground = true }, new Thread(pool.Dispose) { IsBackground = true }];
            Array.ForEach(both, static t => t.Start());
            Assert.IsTrue(both.All(static t => t.Join(TimeSpan.FromSeconds(10))), "disposing ends");
        }
    }

    [TestMethod]
    public void BusyPoolLetsACallerRunAlone()
    {
        using ClaimingPool pool = new(2);
        int[] threadOfInner = new int[8];
        pool.Run(8, (pool, threadOfInner), static (s, i) =>
        {
            int self = Environment.CurrentManagedThreadId;
            s.threadOfInner[i] = self;
            s.pool.Run(20, (s.threadOfInner, self), static (t, _) => Assert.AreEqual(t.self, Environment.CurrentManagedThreadId));
        });
        Assert.IsTrue(threadOfInner.All(static id => id != 0));
    }

    [TestMethod]
    public void ManyCallersAtOnceAllFinish()
    {
        using ClaimingPool pool = new(3);
        long[] totals = new long[4];
        Thread[] callers = [.. Enumerable.Range(0, totals.Length).Select(c => new Thread(() =>
        {
            for (int repeat = 0; repeat < 300; repeat++)
            {
                long[] parts = new long[9];
                pool.Run(parts.Length, parts, static (p, i) => p[i] = i * i);
                totals[c] += parts.Sum();
            }
        }))];
        Array.ForEach(callers, static t => t.Start());
        Array.ForEach(callers, static t => t.Join());
        Assert.IsTrue(totals.All(static t => t == 300 * 204));
    }

    [TestMethod]
    [DataRow(1)]
    [DataRow(4)]
    public void ExceptionOfABodyReachesTheCaller(int threads)
    {
        using ClaimingPool pool = new(threads);
        for (int repeat = 0; repeat < 20; repeat++)
        {
            InvalidOperationException error = Assert.ThrowsException<InvalidOperationException>(
                () => pool.Run(30, 7, static (s, i) => _ = i == 11 ? throw new InvalidOperationException("chunk 11") : s));
            Assert.AreEqual("chunk 11", error.Message);
        }

        int[] seen = new int[30];
        pool.Run(30, seen, static (s, i) => s[i] = 1);
        Assert.AreEqual(30, seen.Sum());
    }

    [TestMethod]
    public void DisposedPoolRefusesAndDisposesTwice()
    {
        ClaimingPool pool = new(3);
        pool.Run(5, 0, static (_, _) => { });
        pool.Dispose();
        pool.Dispose();
        Assert.ThrowsException<ObjectDisposedException>(() => pool.Run(5, 0, static (_, _) => { }));
        Assert.ThrowsException<ArgumentOutOfRangeException>(() => new ClaimingPool(0));
    }

    [TestMethod]
    public void RunAllocatesNothingAfterTheFirst()
    {
        using ClaimingPool pool = new(2);
        int[] state = new int[4];
        Action<int[], int> body = static (s, i) => s[i]++;
        pool.Run(4, state, body);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            pool.Run(4, state, body);
        }

        Assert.AreEqual(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [TestMethod]
    public void SharedPoolHasOneThreadAProcessor()
    {
        Assert.AreEqual(Environment.ProcessorCount, WorkerPool.Shared.ThreadCount);
        Assert.AreSame(WorkerPool.Shared, WorkerPool.Shared);
    }
}
