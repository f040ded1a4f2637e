using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Passes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Networks;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.TestSupport;
using Microsoft.ML.Quantization.Threading;
using Microsoft.ML.Quantization.Training;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Quantization.Core.Tests.Training.Methods.FewLevels;

/// <summary>Group-Net of one branch is the plain network of that branch, forward and back, whole blocks or single layers, with gates or without.</summary>
[TestClass]
public sealed class GroupReductionTests
{
    private const int Classes = 3;
    private const int Width = 4;

    private static readonly Shape _image = Shape.Of(1, 8, 8);

    [TestMethod]
    [DataRow("blocks")]
    [DataRow("gated blocks")]
    [DataRow("layers")]
    public void One_branch_is_the_network_without_groups(string form)
    {
        (float[] expected, Dictionary<string, Tensor> gradients) = Run(Single());
        (float[] found, Dictionary<string, Tensor> own) = Run(form switch
        {
            "layers" => GroupNetwork.LayerWise(8, _image, 1, Classes, Width),
            _ => GroupNetwork.ResNet(8, _image, 1, form == "gated blocks", Classes, Width),
        });
        CollectionAssert.AreEqual(expected, found);
        Dictionary<string, Tensor> known = own.Where(p => gradients.ContainsKey(Plain(p.Key))).ToDictionary(p => Plain(p.Key), p => p.Value, StringComparer.Ordinal);
        CollectionAssert.AreEquivalent(gradients.Keys, known.Keys);
        foreach (string name in known.Keys)
        {
            // A gate passes c·g and (1 − c)·g on to the same branch: g up to rounding, and of itself it learns nothing.
            Use.Near(gradients[name].Values<float>().ToArray(), known[name].Values<float>().ToArray(), form == "gated blocks" ? 1e-4f : 0);
        }

        Assert.IsTrue(own.Where(p => p.Key.Contains(".gate", StringComparison.Ordinal)).All(p => p.Value.Values<float>()[0] == 0));
    }

    /// <summary>By hand: y = BN(relu(conv(x))) + x twice a stage, as the paper's code has it, the shortcut of stages 2 and 3 a mean, a 1×1 convolution and normalization.</summary>
    private static Graph Single()
    {
        var layers = new LayerBuilder(1);
        ValueId x = layers.NormalizedConvolution("conv1", layers.Input(_image), Width, 3);
        for (int stage = 1; stage <= 3; stage++)
        {
            for (int i = 1; i <= 2; i++)
            {
                string name = $"stage{stage}.conv{i}";
                (bool isNarrower, int channels) = (stage > 1 && i == 1, Width << (stage - 1));
                ValueId y = layers.Convolution(name, x, channels, 3, isNarrower ? 2 : 1, hasBias: false);
                y = layers.Normalize(name + ".bn", layers.Relu(name + ".relu", y));
                ValueId way = isNarrower ? layers.NormalizedConvolution($"stage{stage}.shortcut", layers.AveragePool(name + ".mean", x), channels, 1) : x;
                x = layers.Add(name + ".add", y, way);
            }
        }

        return layers.Build(layers.Dense("scores", layers.GlobalAverage("mean", layers.Relu("relu", x)), Classes));
    }

    /// <summary>The name of a constant in the plain network.</summary>
    private static string Plain(string name)
    {
        string plain = name.Replace(".branch1", string.Empty, StringComparison.Ordinal).Replace(".block1", string.Empty, StringComparison.Ordinal);
        return plain.Replace(".conv1.shortcut", ".shortcut", StringComparison.Ordinal);
    }

    /// <summary>Scores and gradients of one training pass with the quantizers of Group-Net; constants of the same plain name are the same.</summary>
    private static (float[] Scores, Dictionary<string, Tensor> Gradients) Run(Graph graph)
    {
        QuantizationAwareScheme scheme = TrainingRecipes.Find("Group-Net").Scheme(1, 1) with { TreatAsEdges = [BinaryNetworks.RealLayers] };
        Graph prepared = InsertLearnedQuantizers.Run(graph, scheme, _ => RandomTensors.Floats(Shape.Of(2, 1, 8, 8), 1));
        Dictionary<string, Tensor> constants = new TrainingState(prepared, 0).Constants;
        foreach ((string name, Tensor constant) in constants.Where(p => p.Key.EndsWith(".weight", StringComparison.Ordinal)))
        {
            RandomTensors.Floats(constant.Shape, (ulong)Plain(name).Sum(c => c * c), 0.5f).Values<float>().CopyTo(constant.Writable<float>());
        }

        var reverse = new ReverseMode(prepared, prepared.Outputs[0], KernelRegistry.Active, WorkerPool.Single);
        using ForwardPass pass = reverse.Forward([RandomTensors.Floats(Shape.Of(5, 1, 8, 8), 9)], constants, training: true);
        float[] scores = pass[reverse.OutputName].Values<float>().ToArray();
        Dictionary<string, Tensor> gradients = reverse.Backward(pass, RandomTensors.Floats(Shape.Of(5, Classes), 10));
        return (scores, gradients.ToDictionary(p => p.Key, p => Tensor.Create(p.Value.Shape, p.Value.Values<float>()), StringComparer.Ordinal));
    }
}
