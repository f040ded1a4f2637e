using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>Panels side by side as SVG: measured points and the straight line fitted to them.</summary>
internal static class ScalingPicture
{
    private const int Width = 300;
    private const int Height = 200;
    private const int Margin = 60;

    private static readonly string[] _colours = ["#1f77b4", "#d62728"];

    /// <summary>The picture; the lines of a panel share its axes, which begin at 0.</summary>
    public static string Draw(IReadOnlyList<(string Title, string Axis, IReadOnlyList<ScalingLine> Lines)> panels)
    {
        var svg = new StringBuilder();
        int total = (panels.Count * (Width + Margin)) + Margin;
        svg.Append(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{total}\" height=\"{Height + (2 * Margin)}\" font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n");
        for (int i = 0; i < panels.Count; i++)
        {
            svg.Append(CultureInfo.InvariantCulture, $"<g transform=\"translate({Margin + (i * (Width + Margin))},{Margin})\">");
            Panel(svg, panels[i].Title, panels[i].Axis, panels[i].Lines);
            svg.Append("</g>\n");
        }

        return svg.Append("</svg>\n").ToString();
    }

    private static void Panel(StringBuilder svg, string title, string axis, IReadOnlyList<ScalingLine> lines)
    {
        double right = lines.Max(l => l.Points.Max(p => p.X)), top = lines.Max(l => l.Points.Max(p => p.Milliseconds)) * 1.05;
        string At(double x, double y) => FormattableString.Invariant($"{x / right * Width:F1},{(1 - (y / top)) * Height:F1}");
        svg.Append(CultureInfo.InvariantCulture, $"<rect width=\"{Width}\" height=\"{Height}\" fill=\"none\" stroke=\"#888\"/><text x=\"0\" y=\"-24\">{title}</text><text x=\"-4\" y=\"10\" text-anchor=\"end\">{top:G3}</text>");
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"-4\" y=\"{Height}\" text-anchor=\"end\">0 ms</text><text x=\"{Width}\" y=\"{Height + 16}\" text-anchor=\"end\">{axis}, to {right:G6}</text>");
        for (int i = 0; i < lines.Count; i++)
        {
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{i * 100}\" y=\"-8\" fill=\"{_colours[i]}\">{lines[i].Name}</text>");
            svg.Append(CultureInfo.InvariantCulture, $"<polyline fill=\"none\" stroke=\"{_colours[i]}\" stroke-dasharray=\"4\" points=\"{At(0, Math.Max(lines[i].Start, 0))} {At(right, lines[i].Start + (lines[i].Slope * right))}\"/>");
            svg.Append(CultureInfo.InvariantCulture, $"<polyline fill=\"none\" stroke=\"{_colours[i]}\" stroke-width=\"2\" points=\"{string.Join(' ', lines[i].Points.Select(p => At(p.X, p.Milliseconds)))}\"/>");
        }
    }
}
