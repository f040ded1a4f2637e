using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Packing.Steps;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Packing;

/// <summary>The end of a network whose result is decoded from codes that lie channels-last: they are turned and decoded on their way to the caller, and no float is stored in between.</summary>
internal static class ExitPacking
{
    /// <summary>Leaves the decoding of a result to the output, where it pays.</summary>
    public static bool TryDefer(PackingState state, Node node)
    {
        ValueId result = node.Outputs[0];
        bool isEnd = state.Consumers(result).Count == 0 && state.Graph.Outputs.Count(o => o == result) == 1;
        if (!isEnd || !state.IsChannelsLast(node.Inputs[0]) || Layouts.AreEqual(state.TypeOf(result).Shape))
        {
            return false;
        }

        state.Deferred.Add(result);
        return true;
    }

    /// <summary>Adds the step that writes a result to the caller.</summary>
    public static void AddOutput(PackingState state, int index)
    {
        ValueId id = state.Graph.Outputs[index];
        if (!state.Deferred.Contains(id))
        {
            int size = state.TypeOf(id).Element.SizeOf();
            int slot = state.Read(id, Layout.RowMajor);
            state.Add(new PackedStep(state.Graph[id].Name, "Output", [slot], [], c => new OutputStep(index, c.ShapeOf(id).Count, size, slot)));
            return;
        }

        ValueId codes = state.Producer(id)!.Inputs[0];
        AffineParameters parameters = state.TypeOf(codes).Quantization!.Single;
        int source = state.Read(codes, Layout.ChannelsLast);
        state.Add(new PackedStep(state.Graph[id].Name, "DequantizeOutput", [source], [], c => new DecodeOutputStep(c, index, c.ShapeOf(id), parameters, source)));
    }
}
