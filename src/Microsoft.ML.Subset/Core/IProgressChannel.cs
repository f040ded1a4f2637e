using System;
using System.Collections.Generic;

namespace Microsoft.ML.Runtime;

/// <summary>Opens channels for progress.</summary>
public interface IProgressChannelProvider
{
    public IProgressChannel StartProgressChannel(string name);
}

/// <summary>Reports the progress of one activity.</summary>
public interface IProgressChannel : IProgressChannelProvider, IDisposable
{
    public void SetHeader(ProgressHeader header, Action<IProgressEntry> fillAction);

    public void Checkpoint(params double?[] values);
}

/// <summary>Takes the present state of an activity.</summary>
public interface IProgressEntry
{
    public void SetProgress(int index, double value);

    public void SetProgress(int index, double value, double lim);

    public void SetMetric(int index, double value);
}

/// <summary>The names of what is reported.</summary>
public sealed class ProgressHeader
{
    public readonly IReadOnlyList<string> UnitNames;
    public readonly IReadOnlyList<string> MetricNames;

    public ProgressHeader(string[] metricNames, string[] unitNames)
    {
        MetricNames = metricNames ?? [];
        UnitNames = unitNames ?? [];
    }

    public ProgressHeader(params string[] unitNames)
        : this(null, unitNames)
    {
    }
}
