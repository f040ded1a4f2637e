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
    private readonly float[]?[] _outputs;
    private readonly ExceptionDispatchInfo?[] _errors;
    private Action<int>[] _readers = [];

    public ScoreBatch(ScoringModel model, int capacity)
    {
        _model = model;
        Capacity = capacity;
        _errors = new ExceptionDispatchInfo?[capacity];
        _inputs = [.. model.Inputs.Select(i => NewArray(i.Element, capacity * ScoringModel.RowLength(i.Shape)))];
        _outputs = [.. model.Outputs.Select(o => model.Columns.Outputs.Any(c => c.ModelOutput == o.Name) ? new float[capacity * ScoringModel.RowLength(o.Shape)] : null)];
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

    /// <summary>Scores the first <paramref name="rows"/> slots. What the engine refuses in one row, an index out of range for example, belongs to that slot alone.</summary>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public void Run(int rows)
    {
        try
        {
            Run(0, rows);
        }
        catch (Exception exception) when (IsOfRows(exception))
        {
            for (int slot = 0; slot < rows; slot++)
            {
                RunAlone(slot);
            }
        }
    }

    /// <summary>One output's numbers of one row; throws what reading or scoring that row threw.</summary>
    public ReadOnlySpan<float> Output(int output, int slot)
    {
        _errors[slot]?.Throw();
        int length = ScoringModel.RowLength(_model.Outputs[output].Shape);
        return _outputs[output].AsSpan(slot * length, length);
    }

    private static bool IsOfRows(Exception exception) => exception is not (OutOfMemoryException or ObjectDisposedException);

    private void RunAlone(int slot)
    {
        if (_errors[slot] is not null)
        {
            return;
        }

        try
        {
            Run(slot, 1);
        }
        catch (Exception exception) when (IsOfRows(exception))
        {
            _errors[slot] = ExceptionDispatchInfo.Capture(exception);
        }
    }

    private void Run(int first, int rows)
    {
        if (_inputs.Length == 1 && _outputs.Length == 1 && _model.Outputs[0].Element == ElementType.Float32)
        {
            RunSingle(first, rows);
            return;
        }

        Tensor[] inputs = [.. _model.Inputs.Select((signature, i) => ToTensor(_inputs[i], signature.Shape, first, rows))];
        Tensor[] results = [.. _model.Engine.Run(inputs)];
        for (int i = 0; i < results.Length; i++)
        {
            if (_outputs[i] is { } wanted)
            {
                FloatValues.Convert(results[i], wanted.AsSpan(first * ScoringModel.RowLength(_model.Outputs[i].Shape)));
            }
        }
    }

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

    private static Tensor ToTensor(Array values, Shape shape, int first, int rows)
    {
        int length = ScoringModel.RowLength(shape);
        Shape bound = shape.With(0, rows);
        return values switch
        {
            byte[] bytes => Tensor.Create<byte>(bound, bytes.AsSpan(first * length, rows * length)),
            long[] longs => Tensor.Create<long>(bound, longs.AsSpan(first * length, rows * length)),
            _ => Tensor.Create<float>(bound, ((float[])values).AsSpan(first * length, rows * length)),
        };
    }

    private void RunSingle(int first, int rows)
    {
        int inputLength = ScoringModel.RowLength(_model.Inputs[0].Shape);
        int outputLength = ScoringModel.RowLength(_model.Outputs[0].Shape);
        Span<float> output = _outputs[0].AsSpan(first * outputLength, rows * outputLength);
        (int from, int length) = (first * inputLength, rows * inputLength);
        if (_inputs[0] is byte[] bytes)
        {
            _model.Engine.Run(bytes.AsSpan(from, length), output, rows);
        }
        else if (_inputs[0] is long[] longs)
        {
            _model.Engine.Run<long, float>(longs.AsSpan(from, length), output, rows);
        }
        else
        {
            _model.Engine.Run(((float[])_inputs[0]).AsSpan(from, length), output, rows);
        }
    }
}
