using System.Collections.Immutable;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Onnx.Reading;
using Microsoft.ML.Quantization.Quantizers;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Onnx.Import;

/// <summary>
/// What a name of the file stands for while it is imported: a value of the graph, a constant that enters the graph when a node first reads
/// it, integers that contain the batch size, or codes that wait for their DequantizeLinear.
/// </summary>
internal sealed class ImportValue
{
    private ImportValue(string name, ValueType type)
    {
        Name = name;
        Type = type;
    }

    /// <summary>The file's name, or a made one.</summary>
    public string Name { get; }

    /// <summary>Element type, shape and quantizer.</summary>
    public ValueType Type { get; }

    /// <summary>The value of the graph, once there is one.</summary>
    public ValueId? Id { get; set; }

    /// <summary>The values of a constant.</summary>
    public Tensor? Constant { get; private init; }

    /// <summary>How the file stored a constant.</summary>
    public DataType Format { get; private init; }

    /// <summary>Integers of which some are the batch size; rank 0 or 1.</summary>
    public ImmutableArray<Symbol> Symbols { get; private init; }

    /// <summary>The floats behind per-axis codes, which exist in a graph only together with their DequantizeLinear.</summary>
    public ImportValue? QuantizedFrom { get; private init; }

    /// <summary>The constant codes behind a value that a DequantizeLinear made of them.</summary>
    public ImportValue? DequantizedFrom { get; set; }

    /// <summary>The shape.</summary>
    public Shape Shape => Type.Shape;

    /// <summary>Whether the value holds integers that contain the batch size.</summary>
    public bool IsSymbolic => !Symbols.IsDefault;

    public static ImportValue Of(ValueId id, Value value) => new(value.Name, value.Type) { Id = id };

    public static ImportValue Of(string name, Tensor constant, DataType format = DataType.Undefined, AffineQuantization? quantization = null)
        => new(name, new ValueType(constant.Type, constant.Shape, quantization)) { Constant = constant, Format = format == DataType.Undefined ? DataFormat.Plain(constant.Type) : format };

    /// <summary>Integers of rank 0 or 1; a constant when none contains the batch size.</summary>
    public static ImportValue Of(string name, ImmutableArray<Symbol> symbols, Shape shape, ElementType type = ElementType.Int64)
    {
        if (symbols.Any(s => s.IsBatch))
        {
            return new(name, new ValueType(type, shape)) { Symbols = symbols };
        }

        return type switch
        {
            ElementType.Int32 => Of(name, Tensor.Create(shape, symbols.Select(s => (int)s.Factor).ToArray())),
            ElementType.Boolean => Of(name, Tensor.Create(shape, symbols.Select(s => s.Factor != 0).ToArray())),
            _ => Of(name, Tensor.Create(shape, symbols.Select(s => s.Factor).ToArray())),
        };
    }

    /// <summary>Codes per axis of values that are no constant.</summary>
    public static ImportValue Pending(string name, ImportValue source, AffineQuantization quantization)
        => new(name, ValueType.Codes(quantization, source.Shape)) { QuantizedFrom = source };
}
