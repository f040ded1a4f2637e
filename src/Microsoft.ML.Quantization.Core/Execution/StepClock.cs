using System;
using System.Diagnostics;
using System.Linq;
using Microsoft.ML.Quantization.Packing;

namespace Microsoft.ML.Quantization.Execution;

/// <summary>Times a packed program, in turn as a whole and step by step; medians over the runs, in ms.</summary>
internal sealed class StepClock
{
    // Not GetElapsedTime: its resolution is 100 ns, and small steps take less.
    private static readonly double _milliseconds = 1000.0 / Stopwatch.Frequency;

    private readonly int _runs;
    private readonly double[] _wholes;
    private readonly double[][] _steps;

    public StepClock(int steps, int runs)
    {
        _runs = runs;
        _wholes = new double[runs];
        _steps = [.. Enumerable.Range(0, steps).Select(_ => new double[runs])];
    }

    /// <summary>Median of the whole runs.</summary>
    public double Whole => Median(_wholes);

    /// <summary>Median of each step.</summary>
    public double[] Steps => [.. _steps.Select(Median)];

    /// <summary>Runs on buffers whose inputs and outputs are set; one run of each kind warms up.</summary>
    public void Run(RunBuffers buffers)
    {
        for (int run = -1; run < _runs; run++)
        {
            long start = Stopwatch.GetTimestamp();
            ProgramRunner.Execute(buffers);
            _wholes[Math.Max(run, 0)] = (Stopwatch.GetTimestamp() - start) * _milliseconds;
            RunSteps(buffers, Math.Max(run, 0));
        }
    }

    // One look at the clock between two steps, so that no time is lost between them.
    private void RunSteps(RunBuffers buffers, int run)
    {
        long before = Stopwatch.GetTimestamp();
        for (int i = 0; i < _steps.Length; i++)
        {
            ProgramRunner.Execute(buffers, i);
            long now = Stopwatch.GetTimestamp();
            _steps[i][run] = (now - before) * _milliseconds;
            before = now;
        }
    }

    private static double Median(double[] values) => values.Order().ElementAt(values.Length / 2);
}
