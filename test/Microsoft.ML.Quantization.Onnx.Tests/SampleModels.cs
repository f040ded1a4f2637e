using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Onnx.Proto;
using Microsoft.ML.Quantization.Onnx.Reading;

namespace Microsoft.ML.Quantization.Onnx.Tests;

/// <summary>Small valid models that several tests use, the fuzzer above all.</summary>
internal static class SampleModels
{
    public static IEnumerable<ModelWriter> All() => [Dense(), InvertedResidual(), DynamicReshape(), Quantized(), QuantizedLayers(), Structure(), Light(), Tokens(), Blocked()];

    /// <summary>Two layers with a free batch.</summary>
    public static ModelWriter Dense() => new ModelWriter()
        .Input("x", "batch", 4).Filled("w1", 0.5f, 3, 4).Filled("b1", 0.1f, 3).Filled("w2", -0.25f, 3, 2)
        .Node("Gemm", "x w1 b1", "h", ("transB", 1)).Node("Relu", "h", "r").Node("MatMul", "r w2", "m").Node("Softmax", "m", "y").Output("y");

    /// <summary>A block as in MobileNetV3: expand, HardSwish, depthwise, squeeze and excite, project, ReLU6, residual add.</summary>
    public static ModelWriter InvertedResidual() => new ModelWriter()
        .Input("x", "batch", 4, 6, 6)
        .Filled("we", 0.2f, 8, 4, 1, 1).Filled("wd", 0.1f, 8, 1, 3, 3).Filled("wp", 0.3f, 4, 8, 1, 1)
        .Filled("ws", 0.1f, 2, 8, 1, 1).Filled("wx", 0.2f, 8, 2, 1, 1)
        .Filled("zero", 0, 1).Filled("six", 6, 1)
        .Filled("s", 1, 4).Filled("b", 0, 4).Filled("m", 0.1f, 4).Filled("v", 1, 4)
        .Node("Conv", "x we", "e").Node("HardSwish", "e", "eh")
        .Node("Conv", "eh wd", "d", ("group", 8), ("pads", new long[] { 1, 1, 1, 1 }), ("kernel_shape", new long[] { 3, 3 }))
        .Node("GlobalAveragePool", "d", "g").Node("Conv", "g ws", "g1").Node("Relu", "g1", "g2").Node("Conv", "g2 wx", "g3")
        .Node("HardSigmoid", "g3", "g4", ("alpha", 1f / 6)).Node("Mul", "d g4", "se")
        .Node("Conv", "se wp", "p").Node("BatchNormalization", "p s b m v", "n").Node("Clip", "n zero six", "c").Node("Add", "c x", "y").Output("y");

    /// <summary>What exporters write for x.view(x.size(0), -1) and x.reshape(n, 2, -1).</summary>
    public static ModelWriter DynamicReshape() => new ModelWriter(13)
        .Input("x", "N", 3, 4, 2).Longs("i0", 0).Longs("ax", 0).Longs("minus", -1).Longs("two", 2).Longs("one", 1)
        .Node("Shape", "x", "sh").Node("Gather", "sh i0", "n", ("axis", 0)).Node("Squeeze", "n ax", "n0").Node("Unsqueeze", "n0 ax", "n1")
        .Node("Concat", "n1 minus", "t1", ("axis", 0)).Node("Reshape", "x t1", "flat")
        .Node("Slice", "sh ax one", "s0").Node("Mul", "s0 two", "nn").Node("Div", "nn two", "back").Node("Concat", "back two minus", "t2", ("axis", 0))
        .Node("Reshape", "flat t2", "y").Output("y");

    /// <summary>Quantize and Dequantize pairs around a convolution with per-channel weights and an int32 bias.</summary>
    public static ModelWriter Quantized() => new ModelWriter(13)
        .Input("x", "batch", 2, 4, 4)
        .Floats("xs", [], 0.02f).Raw("xz", DataType.UInt8, [], [128])
        .Raw("w", DataType.Int8, [3, 2, 1, 1], [1, 2, 0xFF, 4, 5, 0x80]).Floats("wsc", [3], 0.1f, 0.2f, 0.3f).Raw("wz", DataType.Int8, [3], [0, 0, 0])
        .Raw("b", DataType.Int32, [3], [1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]).Floats("bsc", [3], 0.002f, 0.004f, 0.006f)
        .Floats("ys", [], 0.05f).Raw("yz", DataType.UInt8, [], [3])
        .Node("QuantizeLinear", "x xs xz", "xq").Node("DequantizeLinear", "xq xs xz", "xd")
        .Node("DequantizeLinear", "w wsc wz", "wd", ("axis", 0)).Node("DequantizeLinear", "b bsc", "bd", ("axis", 0))
        .Node("Conv", "xd wd bd", "c").Node("Relu", "c", "r")
        .Node("QuantizeLinear", "r ys yz", "rq").Node("DequantizeLinear", "rq ys yz", "y").Output("y");

    /// <summary>QLinearConv and QLinearMatMul.</summary>
    public static ModelWriter QuantizedLayers() => new ModelWriter(13)
        .Input("x", "N", 1, 1, 2).Floats("s", [], 0.5f).Raw("z", DataType.Int8, [], [0])
        .Raw("w", DataType.Int8, [2, 1, 1, 1], [2, 0xFE]).Floats("ws", [2], 0.5f, 0.5f).Raw("wz", DataType.Int8, [2], [0, 0]).Raw("b", DataType.Int32, [2], [3, 0, 0, 0, 0, 0, 0, 0])
        .Raw("v", DataType.Int8, [2, 2], [1, 2, 3, 4]).Floats("vs", [2], 0.25f, 0.5f)
        .Node("QuantizeLinear", "x s z", "q").Node("QLinearConv", "q s z w ws wz s z b", "c")
        .Node("QLinearMatMul", "c s z v vs wz s z", "m").Node("DequantizeLinear", "m s z", "y").Output("y");

    /// <summary>Operators that move elements.</summary>
    public static ModelWriter Structure() => new ModelWriter()
        .Input("x", "N", 4, 4, 4).Longs("pads", 0, 0, 1, 1, 0, 0, 1, 1).Longs("st", 1).Longs("en", 3).Longs("ax", 1).Longs("split", 1, 3).Longs("sq", 2)
        .Floats("scales", [4], 1, 1, 2, 2).Longs("idx", 0, 2).Longs("rep", 1, 2, 1, 1)
        .Node("Pad", "x pads", "p").Node("MaxPool", "p", "mp", ("kernel_shape", new long[] { 2, 2 }), ("strides", new long[] { 2, 2 }), ("ceil_mode", 1))
        .Node("Slice", "mp st en ax", "sl").Node("Resize", "sl - scales", "re", ("mode", "linear")).Node("Transpose", "re", "tr", ("perm", new long[] { 0, 2, 3, 1 }))
        .Node("Split", "mp split", "a b", ("axis", 1)).Node("Concat", "a b", "cc", ("axis", 1)).Node("Gather", "cc idx", "ga", ("axis", 1)).Node("Tile", "ga rep", "ti")
        .Node("ReduceMean", "ti", "rm", ("axes", new long[] { 2, 3 })).Node("LRN", "tr", "lr", ("size", 3)).Node("Flatten", "rm", "fl")
        .Output("lr").Output("fl");

    /// <summary>Weights made by ConstantOfShape.</summary>
    public static ModelWriter Light()
    {
        var value = new TensorMessage { DataType = (int)DataType.Float };
        value.Dimensions.Add(1);
        value.Floats.Add(0.02f);
        return new ModelWriter(9)
            .Input("x", 1, 3, 8, 8).Longs("shape", 4, 3, 3, 3).Longs("flat", 1, -1).Longs("wd", 5, 144)
            .Node("ConstantOfShape", "shape", "w", ("value", value)).Node("ConstantOfShape", "wd", "d", ("value", value))
            .Node("Conv", "x w", "c").Node("Reshape", "c flat", "f").Node("Gemm", "f d", "y", ("transB", 1)).Output("y");
    }

    /// <summary>Tokens to embeddings with values of the batch's size, as exporters write for missing token types and masks.</summary>
    public static ModelWriter Tokens() => new ModelWriter(17)
        .Input("ids", DataType.Int64, "batch", 3).Input("mask", DataType.Int64, "batch", 3)
        .Floats("words", [5, 2], 0, 1, 2, 3, 4, 5, 6, 7, 8, 9).Floats("types", [2, 2], 10, 20, 30, 40).Raw("zero", DataType.Int64, [1, 3], new byte[24])
        .Longs("two", 2).Floats("low", [], -100)
        .Node("Gather", "words ids", "w").Node("Shape", "ids", "sh").Node("Expand", "zero sh", "t").Node("Gather", "types t", "tt").Node("Add", "w tt", "e")
        .Node("ConstantOfShape", "sh", "ones").Node("Cast", "mask", "m", ("to", (int)DataType.Boolean)).Node("Not", "m", "out")
        .Node("Where", "out low ones", "bias").Node("Unsqueeze", "bias two", "b3").Node("Add", "e b3", "y").Output("y");

    /// <summary>MatMulNBits of 4 bits: 2 outputs of 24 inputs in blocks of 16, the second one half full.</summary>
    public static ModelWriter Blocked()
    {
        ModelWriter model = new ModelWriter().Input("x", "batch", 24).Raw("w", DataType.UInt8, [2, 2, 8], [.. Enumerable.Range(0, 32).Select(i => (byte)(i * 7))])
            .Floats("s", [4], 0.5f, 1, 2, 0.25f)
            .Node("MatMulNBits", "x w s", "y", ("K", 24), ("N", 2), ("bits", 4), ("block_size", 16)).Output("y");
        model.Graph.Nodes[^1].Domain = "com.microsoft";
        return model;
    }
}
