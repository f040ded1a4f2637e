using System;
using System.Diagnostics;
using Microsoft.ML.Quantization;

namespace QuickStart;

/// <summary>Times a model outside the pipeline.</summary>
public static class Latency
{
    /// <summary>Median of 30 runs after 5 to warm up.</summary>
    public static double MedianMilliseconds(QuantizedModel model, int batch)
    {
        ArgumentNullException.ThrowIfNull(model);
        var input = new float[batch * 784];
        var output = new float[batch * 10];
        var times = new double[30];
        for (int i = -5; i < times.Length; i++)
        {
            long start = Stopwatch.GetTimestamp();
            model.Run(input, output, batch);
            times[Math.Max(i, 0)] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }

        Array.Sort(times);
        return times[times.Length / 2];
    }
}
