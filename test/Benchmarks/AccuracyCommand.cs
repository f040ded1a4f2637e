using System;
using System.Globalization;
using System.IO;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Serialization;

namespace Microsoft.ML.Quantization.Benchmarks;

/// <summary>Accuracy of the small networks on the 10,000 test images, by the shipping engine, for several schemes.</summary>
internal static class AccuracyCommand
{
    private const int CalibrationRows = 500;

    private static readonly (string Name, QuantizationScheme Scheme)[] _schemes =
    [
        ("W8A8", new QuantizationScheme()),
        ("W8A8 edges same", new QuantizationScheme { EdgeLayers = EdgeLayers.SameBits }),
        ("W4A8", new QuantizationScheme { WeightBits = 4 }),
        ("W4A8 codebook", QuantizationScheme.FourBitCodebook),
        ("W4A8 codebook a channel", new QuantizationScheme { WeightBits = 4, WeightCodebook = new WeightCodebook { ChannelsPerBook = 1 } }),
        ("W4A4", new QuantizationScheme { WeightBits = 4, ActivationBits = 4 }),
        ("W4A4 codebook", new QuantizationScheme { WeightBits = 4, ActivationBits = 4, WeightCodebook = new WeightCodebook() }),
        ("W3A8", new QuantizationScheme { WeightBits = 3 }),
        ("W3A8 codebook", new QuantizationScheme { WeightBits = 3, WeightCodebook = new WeightCodebook() }),
        ("W2A8", new QuantizationScheme { WeightBits = 2 }),
        ("W2A8 codebook", new QuantizationScheme { WeightBits = 2, WeightCodebook = new WeightCodebook() }),
        ("W2A8 ternary", Ternary(0)),
        ("W2A8 ternary +0.5 terms", Ternary(0.5)),
        ("W2A8 ternary +1 term", Ternary(1)),
        ("W2A8 ternary +2 terms", Ternary(2)),
        ("W2A8 ternary, 2 terms a block", new QuantizationScheme { WeightBits = 2, TernaryTerms = new TernaryTerms { Rule = TernaryTermRule.Tolerance, Tolerance = 0, MostTerms = 2 } }),
        ("W3A3", new QuantizationScheme { WeightBits = 3, ActivationBits = 3 }),
        ("W2A4", new QuantizationScheme { WeightBits = 2, ActivationBits = 4 }),
        ("W2A2", new QuantizationScheme { WeightBits = 2, ActivationBits = 2 }),
    ];

    public static int Run(string[] args)
    {
        string only = args.Length > 1 ? args[1] : string.Empty;
        bool IsWanted(string network, string scheme) => $"{network} {scheme}".Contains(only, StringComparison.Ordinal);
        string data = args.Length > 0 ? args[0] : Path.Combine(Machine.Folder(), "..", "..", "samples", "data");
        FashionMnist test = FashionMnist.Read(data, "t10k");
        FashionMnist calibration = FashionMnist.Read(data, File.Exists(Path.Combine(data, "train-images-idx3-ubyte.gz")) ? "train" : "train-1000");
        var table = new Table("network", "scheme", "accuracy", "difference to float, points", "file, bytes");
        foreach (string name in SmallNetworks.Names.Where(n => _schemes.Any(s => IsWanted(n, s.Name))))
        {
            Graph graph = SmallNetworks.Load(name);
            double reference = Measure(new ModelDocument(graph, ModelSignature.Of(graph), new ModelMetadata()), test, out int floatBytes);
            table.Add(name, "float", Text(reference), "", floatBytes.ToString(CultureInfo.InvariantCulture));
            foreach ((string scheme, QuantizationScheme value) in _schemes.Where(s => IsWanted(name, s.Name)))
            {
                double accuracy = Measure(SmallNetworks.Quantize(graph, value, calibration, CalibrationRows), test, out int bytes);
                table.Add(name, scheme, Text(accuracy), ((accuracy - reference) * 100).ToString("+0.00;-0.00;0.00", CultureInfo.InvariantCulture), bytes.ToString(CultureInfo.InvariantCulture));
            }
        }

        if (only.Length > 0)
        {
            Console.WriteLine(table);
            return 0;
        }

        Machine.WriteTable("accuracy.md", $"""
            # Accuracy of post-training quantization

            `dotnet run -c Release --project test/Benchmarks -- accuracy` on {Machine.Description}.
            Fashion-MNIST, 10,000 test images, {CalibrationRows} calibration images (the first of the training set), default ranges, first and last layer at 8 bits unless said otherwise; the hard integer model, scored by the engine.

            {table}
            """.ReplaceLineEndings("\n"));
        return 0;
    }

    private static QuantizationScheme Ternary(double extra) => new() { WeightBits = 2, TernaryTerms = new TernaryTerms { ExtraTerms = extra } };

    private static double Measure(ModelDocument document, FashionMnist test, out int bytes)
    {
        bytes = ModelWriter.ToBytes(document).Length;
        using QuantizedModel model = QuantizedModel.FromDocument(document);
        return SmallNetworks.Accuracy(model, test);
    }

    private static string Text(double value) => value.ToString("0.0000", CultureInfo.InvariantCulture);
}
