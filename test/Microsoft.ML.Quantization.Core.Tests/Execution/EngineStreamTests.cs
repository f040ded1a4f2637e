using System.Linq;
using Microsoft.ML.Quantization.Core.Tests.Training;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Networks;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.QuantizationAware;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.ML.Quantization.Training;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using ValueType = Microsoft.ML.Quantization.Graphs.ValueType;

namespace Microsoft.ML.Quantization.Core.Tests.Execution;

/// <summary>Residual streams of trained networks, and means of 16-bit codes, on every kernel set.</summary>
[TestClass]
public sealed class EngineStreamTests
{
    private static readonly Shape _image = Shape.Of(1, 12, 12);

    [TestMethod]
    [DataRow("XNOR", 1, 16)]
    [DataRow("LSQ", 4, 8)]
    public void Additions_of_a_trained_residual_network_run_on_codes_and_equal_the_interpreter(string recipe, int bits, int stream)
    {
        QuantizationAwareScheme scheme = TrainingRecipes.Find(recipe).Scheme(bits, bits) with { TreatAsEdges = [BinaryNetworks.RealLayers] };
        Assert.AreEqual(stream, scheme.ResidualBits);
        Graph start = bits == 1 ? BinaryNetworks.ResNet(8, _image, 4, 8) : SmallNetworks.ResNet(8, _image, 4, 8);
        Graph graph = Train(start, scheme);
        Assert.IsFalse(graph.Nodes.Any(n => n is Binary { Operator: BinaryOperator.Add }), GraphPrinter.Print(graph));
        IntegerAdd[] additions = [.. graph.Nodes.OfType<IntegerAdd>()];
        Assert.IsTrue(additions.Length > 2 && additions.All(a => a.Result.Code.Bits.Bits == stream), $"{additions.Length} additions");
        EngineAssert.EqualsInterpreter(graph, batch => [RandomTensors.Floats(Shape.Of(batch, 1, 12, 12), 5)]);
    }

    [TestMethod]
    public void Without_a_stream_additions_stay_float()
    {
        Graph graph = Train(SmallNetworks.ResNet(8, _image, 4, 8), TrainingRecipes.Find("LSQ").Scheme(4, 4) with { StreamBits = 0 });
        Assert.IsTrue(graph.Nodes.Any(n => n is Binary { Operator: BinaryOperator.Add }));
        Assert.IsFalse(graph.Nodes.Any(n => n is IntegerAdd));
    }

    [TestMethod]
    [DataRow(false, false, 16)]
    [DataRow(false, true, 16)]
    [DataRow(true, false, 8)]
    public void Means_of_wide_codes_equal_the_interpreter(bool isGlobal, bool countPadding, int bits)
    {
        AffineQuantization wide = AffineQuantization.PerTensor(new CodeType(new BitWidth(16), true), IntegerRange.SignedNarrow(16), new AffineParameters(0.001f, bits == 8 ? 77 : 0));
        AffineQuantization result = bits == 16 ? wide : AffineQuantization.PerTensor(new CodeType(new BitWidth(8), false), IntegerRange.Unsigned(8), new AffineParameters(0.1f, 100));
        var builder = new GraphBuilder();
        ValueId x = builder.AddInput("x", ValueType.Float(Shape.Of(Shape.Free, 19, 7, 6)));
        ValueId codes = builder.Add(new Quantize { Inputs = [x], Result = wide });
        var window = new Window { Kernel = [3, 2], Strides = [2, 1], Dilations = [1, 2], PadsBegin = [1, 0], PadsEnd = [1, 1] };
        ValueId mean = builder.Add(new IntegerAveragePool { Inputs = [codes], Window = window, IsGlobal = isGlobal, CountPadding = countPadding, Multiplier = bits == 16 ? 1.3f : 0.01f, Result = result });
        builder.AddOutput(builder.Add(new Dequantize { Inputs = [mean] }));
        EngineAssert.EqualsInterpreter(builder.Build(), batch => [RandomTensors.Floats(Shape.Of(batch, 19, 7, 6), 3, 30)]);
    }

    private static Graph Train(Graph start, QuantizationAwareScheme scheme)
    {
        const int Rows = 16;
        float[] pixels = RandomTensors.Floats(Shape.Of(Rows, 144), 1).Values<float>().ToArray();
        var rows = new MemoryBatchSource(_image, pixels, [.. Enumerable.Range(0, Rows).Select(i => (float)(i % 4))]);
        var options = new QuantizationAwareOptions { Scheme = scheme, Training = new TrainingOptions { Epochs = 1, BatchSize = 8, Rate = 0.01f } };
        var trainer = SmallTraining.Trainer;
        return trainer.Run(start, rows, options).Quantized.Integer;
    }
}
