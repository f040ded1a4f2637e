using System;
using System.Linq;
using System.Runtime.ExceptionServices;
using Microsoft.ML.Data;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Scoring;

/// <summary>The inputs and outputs of up to <see cref="Capacity"/> rows; belongs to one cursor or row.</summary>
internal sealed class ScoreBatch
{
    private readonly ScoringModel _model;
    private readonly Array[] _inputs;
    private readonly float[][] _outputs;
    private readonly ExceptionDispatchInfo?[] _errors;
    private Action<int>[] _readers = [];

    public ScoreBatch(ScoringModel model, int capacity)
    {
        _model = model;
        Capacity = capacity;
        _errors = new ExceptionDispatchInfo?[capacity];
        _inputs = [.. model.Inputs.Select(i => NewArray(i.Element, capacity * ScoringModel.RowLength(i.Shape)))];
        _outputs = [.. model.Outputs.Select(o => new float[capacity * ScoringModel.RowLength(o.Shape)])];
    }

    public int Capacity { get; }

    /// <summary>Connects the model's inputs to a row's getters.</summary>
    public void Attach(DataViewRow row, DataViewSchema schema)
    {
        _readers = [.. _model.Inputs.Select((signature, index) =>
        {
            DataViewSchema.Column column = schema[_model.Columns.Inputs.Single(c => c.ModelInput == signature.Name).Column];
            return Reader(row, column, signature, _inputs[index]);
        })];
    }

    /// <summary>Reads the current row into a slot; a failure is kept and belongs to that slot alone.</summary>
    public void Read(int slot)
    {
        _errors[slot] = null;
        try
        {
            foreach (Action<int> reader in _readers)
            {
                reader(slot);
            }
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            _errors[slot] = ExceptionDispatchInfo.Capture(exception);
        }
    }

    /// <summary>Scores the first <paramref name="rows"/> slots.</summary>
    public void Run(int rows)
    {
        if (_inputs.Length == 1 && _outputs.Length == 1)
        {
            RunSingle(rows);
            return;
        }

        Tensor[] inputs = [.. _model.Inputs.Select((signature, i) => ToTensor(_inputs[i], Bind(signature.Shape, rows)))];
        Tensor[] results = [.. _model.Engine.Run(inputs)];
        for (int i = 0; i < results.Length; i++)
        {
            ToFloats(results[i], _outputs[i]);
        }
    }

    /// <summary>One output's numbers of one row; throws what reading that row's inputs threw.</summary>
    public ReadOnlySpan<float> Output(int output, int slot)
    {
        _errors[slot]?.Throw();
        int length = ScoringModel.RowLength(_model.Outputs[output].Shape);
        return _outputs[output].AsSpan(slot * length, length);
    }

    private static Shape Bind(Shape shape, int rows) => shape.IsFree ? shape.Bind(rows) : shape;

    private static Array NewArray(ElementType element, int length) => element switch
    {
        ElementType.UInt8 => new byte[length],
        ElementType.Int64 => new long[length],
        _ => new float[length],
    };

    private static Action<int> Reader(DataViewRow row, DataViewSchema.Column column, InputSignature signature, Array destination) => signature.Element switch
    {
        ElementType.UInt8 => Reader<byte>(row, column, (byte[])destination, ScoringModel.RowLength(signature.Shape)),
        ElementType.Int64 => Reader<long>(row, column, (long[])destination, ScoringModel.RowLength(signature.Shape)),
        _ => Reader<float>(row, column, (float[])destination, ScoringModel.RowLength(signature.Shape)),
    };

    private static Action<int> Reader<T>(DataViewRow row, DataViewSchema.Column column, T[] destination, int size)
    {
        if (column.Type is not VectorDataViewType)
        {
            ValueGetter<T> scalar = row.GetGetter<T>(column);
            return slot => scalar(ref destination[slot]);
        }

        ValueGetter<VBuffer<T>> getter = row.GetGetter<VBuffer<T>>(column);
        VBuffer<T> source = default;
        return slot =>
        {
            getter(ref source);
            if (source.Length != size)
            {
                throw new InvalidOperationException($"Column '{column.Name}': expected Vector<{typeof(T).Name}> of size {size}, found Vector<{typeof(T).Name}> of size {source.Length}.");
            }

            source.CopyTo(destination.AsSpan(slot * size, size));
        };
    }

    private static Tensor ToTensor(Array values, Shape shape) => values switch
    {
        byte[] bytes => Tensor.Create<byte>(shape, bytes.AsSpan(0, shape.Count)),
        long[] longs => Tensor.Create<long>(shape, longs.AsSpan(0, shape.Count)),
        _ => Tensor.Create<float>(shape, ((float[])values).AsSpan(0, shape.Count)),
    };

    private static void ToFloats(Tensor result, float[] destination)
    {
        if (result.Type == ElementType.Int64)
        {
            ReadOnlySpan<long> longs = result.Values<long>();
            for (int i = 0; i < longs.Length; i++)
            {
                destination[i] = longs[i];
            }

            return;
        }

        result.Values<float>().CopyTo(destination);
    }

    private void RunSingle(int rows)
    {
        int inputLength = rows * ScoringModel.RowLength(_model.Inputs[0].Shape);
        Span<float> output = _outputs[0].AsSpan(0, rows * ScoringModel.RowLength(_model.Outputs[0].Shape));
        if (_inputs[0] is byte[] bytes)
        {
            _model.Engine.Run(bytes.AsSpan(0, inputLength), output, rows);
        }
        else if (_inputs[0] is long[] longs)
        {
            _model.Engine.Run<long, float>(longs.AsSpan(0, inputLength), output, rows);
        }
        else
        {
            _model.Engine.Run(((float[])_inputs[0]).AsSpan(0, inputLength), output, rows);
        }
    }
}
