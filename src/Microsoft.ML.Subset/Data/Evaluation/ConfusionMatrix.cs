using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;

namespace Microsoft.ML.Data;

/// <summary>Counts of actual classes (rows) by predicted classes (columns).</summary>
public sealed class ConfusionMatrix
{
    private readonly string[] _names;

    internal ConfusionMatrix(double[][] counts, string[] names)
    {
        _names = names;
        Counts = counts;
        NumberOfClasses = counts.Length;
        PerClassRecall = counts.Select((row, i) => Ratio(row[i], row.Sum())).ToArray();
        PerClassPrecision = counts.Select((row, i) => Ratio(row[i], counts.Sum(r => r[i]))).ToArray();
    }

    public IReadOnlyList<double> PerClassPrecision { get; }

    public IReadOnlyList<double> PerClassRecall { get; }

    public IReadOnlyList<IReadOnlyList<double>> Counts { get; }

    public int NumberOfClasses { get; }

    public double GetCountForClassPair(int predictedClassIndicatorIndex, int actualClassIndicatorIndex)
    {
        CheckIndex(predictedClassIndicatorIndex, nameof(predictedClassIndicatorIndex));
        CheckIndex(actualClassIndicatorIndex, nameof(actualClassIndicatorIndex));
        return Counts[actualClassIndicatorIndex][predictedClassIndicatorIndex];
    }

    public string GetFormattedConfusionTable()
    {
        int label = Math.Max("PREDICTED".Length, _names.Max(n => n.Length));
        int width = Math.Max(6, 1 + Math.Max(_names.Max(n => n.Length), Counts.Max(r => r.Max(c => Count(c).Length))));
        string line = new('=', NumberOfClasses * (width + 2));
        var table = new StringBuilder("\nConfusion table\n");
        Row(table, "".PadRight(label), line);
        Row(table, "PREDICTED".PadRight(label), Cells(_names, width) + " Recall");
        Row(table, "TRUTH".PadRight(label), line);
        for (int i = 0; i < NumberOfClasses; i++)
        {
            Row(table, _names[i].PadLeft(label), Cells(Counts[i].Select(Count), width) + " " + Share(PerClassRecall[i]));
        }

        Row(table, "".PadRight(label), line);
        Row(table, "Precision".PadRight(label), Cells(PerClassPrecision.Select(Share), width));
        return table.ToString();
    }

    private static double Ratio(double part, double whole) => whole > 0 ? part / whole : 0;

    private static void Row(StringBuilder table, string label, string cells) => table.Append(label).Append(" ||").Append(cells).Append('\n');

    private static string Cells(IEnumerable<string> texts, int width) => string.Concat(texts.Select(t => t.PadLeft(width) + " |"));

    private static string Count(double value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static string Share(double value) => value.ToString("F4", CultureInfo.InvariantCulture);

    private void CheckIndex(int index, string name)
    {
        if (index < 0 || index >= NumberOfClasses)
        {
            throw Errors.Mark(new ArgumentOutOfRangeException(name, "Invalid index. Should be non-negative, less than the number of classes."));
        }
    }
}
