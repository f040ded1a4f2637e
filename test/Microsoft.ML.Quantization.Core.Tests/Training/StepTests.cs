using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Core.Tests.Kernels;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Networks;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.ML.Quantization.TestSupport.Kernels;
using Microsoft.ML.Quantization.Threading;
using Microsoft.ML.Quantization.Training;
using Microsoft.ML.Quantization.Training.Rules;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training;

/// <summary>Law: whatever order and memory a step uses, its forward values are the interpreter's and its gradients the plain loops' bits.</summary>
[TestClass]
public sealed class StepTests
{
    [TestMethod]
    public void Forward_outside_training_gives_the_interpreters_bits_again_and_again()
    {
        foreach (Graph graph in (Graph[])[SmallNetworks.ResNet(8, Shape.Of(2, 9, 8), 5, 3), SmallNetworks.LeNet5(Shape.Of(1, 12, 12), 4)])
        {
            Shape shape = graph[graph.Inputs[0]].Type.Shape.Bind(5);
            var reverse = new ReverseMode(graph, graph.Outputs[0], KernelRegistry.Active, new ParallelPool(3));
            Dictionary<string, Tensor> constants = new TrainingState(graph, 0).Constants;
            using var reference = new Evaluator(graph, OperatorTable.Reference);
            for (ulong seed = 1; seed <= 2; seed++)
            {
                Tensor input = RandomTensors.Floats(shape, seed);
                using ForwardPass pass = reverse.Forward([input], constants, training: false);
                KernelAssert.SameBits(reference.Run([input])[0].Values<float>(), pass[reverse.OutputName].Values<float>(), graph.Nodes[0].Name);
            }
        }
    }

    [TestMethod]
    public void Every_value_of_a_pass_is_the_interpreters()
    {
        foreach (Graph graph in (Graph[])[BinaryNetworks.DenseNet(Shape.Of(2, 9, 8), [2, 1], [2], 8, 4), BinaryNetworks.ResNet(8, Shape.Of(2, 9, 8), 5, 4), GroupNetwork.ResNet(8, Shape.Of(1, 8, 8), 2, width: 4)])
        {
            Tensor input = RandomTensors.Floats(graph[graph.Inputs[0]].Type.Shape.Bind(3), 1);
            using ForwardPass pass = new ReverseMode(graph, graph.Outputs[0], KernelRegistry.Active, WorkerPool.Single).Forward([input], new TrainingState(graph, 0).Constants, training: false);
            using var reference = new Evaluator(graph, OperatorTable.Reference);
            int seen = 0;
            void Compare(ValueId value, Tensor expected)
            {
                Tensor found = pass[graph[value].Name];
                Assert.AreEqual(expected.Shape, found.Shape, graph[value].Name);
                KernelAssert.SameBits(expected.Values<float>(), found.Values<float>(), graph[value].Name);
                seen++;
            }

            reference.Run([input], Compare, default);
            Assert.IsTrue(seen >= graph.Nodes.Length, $"{seen} of {graph.Nodes.Length}");
        }
    }

    [TestMethod]
    public void Gradients_of_windows_side_by_side_go_to_the_first_largest_at_any_number_of_channels()
    {
        for (int channels = 1; channels <= 36; channels++)
        {
            Shape x = Shape.Of(2, channels, 5, 7);
            Shape y = Shape.Of(2, channels, 2, 3);
            var window = new Window { Kernel = [2, 2], Strides = [2, 2], Dilations = [1, 1], PadsBegin = [0, 0], PadsEnd = [0, 0] };
            ConvolutionGeometry g = Geometry.Pool(window, x, y);
            float[] values = RandomTensors.Floats(Shape.Of(x.Count), (ulong)channels).Values<float>().ToArray();
            float[] direction = RandomTensors.Floats(Shape.Of(y.Count), 99).Values<float>().ToArray();
            var expected = new float[x.Count];
            for (int i = 0; i < y.Count; i++)
            {
                (int c, int w, int h, int n) = (i % channels, i / channels % 3, i / channels / 3 % 2, i / channels / 6);
                int At(int tap) => (((((n * 5) + (2 * h) + (tap / 2)) * 7) + (2 * w) + (tap % 2)) * channels) + c;
                expected[Enumerable.Range(0, 4).Select(At).MaxBy(at => values[at])] = direction[i];
            }

            var found = new float[x.Count];
            SideBySide.Backward(g, values, direction, found, 0, 4);
            CollectionAssert.AreEqual(expected, found, $"{channels} channels");
        }
    }

    [TestMethod]
    public void Masks_and_curvature_of_folded_weights_are_those_of_the_latent_ones()
    {
        Graph graph = SmallNetworks.VggSmall(Shape.Of(1, 8, 8), 4, 4);
        QuantizationAwareScheme scheme = QuantizationAwareScheme.Of("LSQ", 4, "LSQ", 4) with { Folding = new NormalizationFolding() };
        Graph prepared = SmallTraining.Trainer.Prepare(graph, SmallTraining.Quarters(Shape.Of(1, 8, 8), 8), new() { Scheme = scheme, InitialRows = 8 });
        var asked = new HashSet<string>();
        var place = new StepPlace(new MethodContext(1, 0, 4, 1), _ => default, name => asked.Add(name) ? default : default);
        var reverse = new ReverseMode(prepared, prepared.Outputs[0], KernelRegistry.Active, WorkerPool.Single);
        using ForwardPass pass = reverse.Forward([RandomTensors.Floats(Shape.Of(2, 1, 8, 8), 1)], new TrainingState(prepared, 0).Constants, training: true, place: place);
        Assert.IsTrue(prepared.Nodes.Any(n => n is FoldedWeights));
        CollectionAssert.IsSubsetOf(graph.Nodes.OfType<Convolution>().Select(c => graph[c.Inputs[1]].Name).ToArray(), asked.ToArray());
    }

    [TestMethod]
    public void Weight_gradients_are_plain_chains_of_chunks()
    {
        const int Batch = 70;
        Shape x = Shape.Of(Batch, 3, 7, 6);
        Shape w = Shape.Of(5, 3, 3, 2);
        var builder = new GraphBuilder();
        ValueId input = builder.AddInput("x", Microsoft.ML.Quantization.Graphs.ValueType.Float(x));
        ValueId weights = builder.AddConstant("w", RandomTensors.Floats(w, 2), isTrainable: true);
        var window = new Window { Kernel = [3, 2], Strides = [2, 1], Dilations = [1, 1], PadsBegin = [1, 0], PadsEnd = [1, 1] };
        builder.AddOutput(builder.Add(new Convolution { Window = window, Inputs = [input, weights] }));
        Graph graph = builder.Build();
        Shape y = graph[graph.Outputs[0]].Type.Shape;
        Tensor values = RandomTensors.Floats(x, 3);
        Tensor direction = RandomTensors.Floats(y, 4);
        var reverse = new ReverseMode(graph, graph.Outputs[0], KernelRegistry.Active, new ParallelPool(2));
        using ForwardPass pass = reverse.Forward([values], new TrainingState(graph, 0).Constants, training: true);
        Tensor found = reverse.Backward(pass, direction)["w"];
        KernelAssert.SameBits(Plain(Geometry.Convolution(window, 1, x, y), ChannelsLast(values), ChannelsLast(direction)), found.Values<float>(), "dW");
    }

    /// <summary>Chunks of 32 rows, added in order, as [O][I][taps].</summary>
    private static float[] Plain(ConvolutionGeometry g, float[] source, float[] gradient)
    {
        var result = new float[g.OutChannels * g.Depth];
        for (int first = 0; first < g.Batch; first += BatchSums.Chunk)
        {
            float[] chunk = PlainGradients.Weights(g, source, gradient, first, System.Math.Min(first + BatchSums.Chunk, g.Batch));
            for (int i = 0; i < result.Length; i++)
            {
                (int o, int k) = System.Math.DivRem(i, g.Depth);
                result[i] += chunk[(o * g.Depth) + (k % g.Taps * g.InChannels) + (k / g.Taps)];
            }
        }

        return result;
    }

    private static float[] ChannelsLast(Tensor planar)
    {
        using Rented last = ChannelLayout.ToChannelsLast(WorkerPool.Single, planar);
        return last.Tensor.Values<float>().ToArray();
    }
}
