using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;

namespace QuantizationAwareTraining;

/// <summary>Curves over the epochs as SVG: one panel each for loss, accuracy and a learned step, one line a training.</summary>
public static class Picture
{
    private const int Width = 300;
    private const int Height = 200;
    private const int Margin = 50;

    private static readonly string[] _colours = ["#1f77b4", "#d62728", "#2ca02c", "#9467bd"];

    public static void Write(string path, IReadOnlyList<Course> courses)
    {
        ArgumentNullException.ThrowIfNull(courses);
        var svg = new StringBuilder();
        int total = (3 * (Width + Margin)) + Margin;
        svg.Append(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{total}\" height=\"{Height + (3 * Margin)}\" font-family=\"sans-serif\" font-size=\"12\">\n");
        svg.Append("<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n");
        Panel(svg, 0, "loss", [.. courses.Select(c => c.Losses)]);
        Panel(svg, 1, "accuracy on the training images", [.. courses.Select(c => c.Accuracies)]);
        Panel(svg, 2, "a learned step, times its first value", [.. courses.Select(c => c.Steps.ConvertAll(s => s / c.Steps[0]))]);
        for (int i = 0; i < courses.Count; i++)
        {
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Margin + (i * 150)}\" y=\"{Height + (2.4 * Margin)}\" fill=\"{_colours[i]}\">{courses[i].Name}</text>\n");
        }

        File.WriteAllText(path, svg.Append("</svg>\n").ToString());
    }

    private static void Panel(StringBuilder svg, int index, string title, IReadOnlyList<List<double>> lines)
    {
        double low = lines.Min(l => l.Min());
        double high = Math.Max(lines.Max(l => l.Max()), low + 1e-6);
        int left = Margin + (index * (Width + Margin));
        svg.Append(CultureInfo.InvariantCulture, $"<g transform=\"translate({left},{Margin})\"><rect width=\"{Width}\" height=\"{Height}\" fill=\"none\" stroke=\"#888\"/>");
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"0\" y=\"-8\">{title}</text><text x=\"-4\" y=\"10\" text-anchor=\"end\">{high:G3}</text>");
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"-4\" y=\"{Height}\" text-anchor=\"end\">{low:G3}</text><text x=\"{Width}\" y=\"{Height + 16}\" text-anchor=\"end\">epoch {lines[0].Count}</text>");
        for (int i = 0; i < lines.Count; i++)
        {
            IEnumerable<string> points = lines[i].Select((v, e) => FormattableString.Invariant($"{e * Width / Math.Max(1.0, lines[i].Count - 1):F1},{(high - v) / (high - low) * Height:F1}"));
            svg.Append(CultureInfo.InvariantCulture, $"<polyline fill=\"none\" stroke=\"{_colours[i]}\" stroke-width=\"2\" points=\"{string.Join(' ', points)}\"/>");
        }

        svg.Append("</g>\n");
    }
}
