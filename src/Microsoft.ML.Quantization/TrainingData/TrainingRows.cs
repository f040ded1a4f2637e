using System;
using System.Linq;
using System.Runtime.InteropServices;
using System.Threading;
using Microsoft.ML.Data;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Scoring;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Training;

namespace Microsoft.ML.Quantization.TrainingData;

/// <summary>The rows of a view, read once and cached, as the core's trainer wants them: floats, planar, normalised as the signature says.</summary>
internal abstract class TrainingRows : IBatchSource, IDisposable
{
    /// <inheritdoc/>
    public abstract int Count { get; }

    /// <inheritdoc/>
    public abstract Shape InputShape { get; }

    /// <inheritdoc/>
    public abstract int TargetLength { get; }

    /// <summary>Rows left out because they had no label.</summary>
    public int Unlabelled { get; protected set; }

    /// <summary>Whether rows lie in a temporary file.</summary>
    public abstract bool IsSpilled { get; }

    /// <summary>Reads a view.</summary>
    /// <param name="view">The data.</param>
    /// <param name="feature">The column of inputs.</param>
    /// <param name="label">The column of labels.</param>
    /// <param name="signature">What the network's input is.</param>
    /// <param name="limit">Bytes kept in memory.</param>
    /// <param name="cancellationToken">Looked at before each row.</param>
    /// <exception cref="InvalidOperationException">A row's vector has another length.</exception>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.EmptyCalibrationData"/>: no row has a label; NonFiniteInput: a row with a label holds NaN or an infinity; WriteFailed: no room for rows beyond the limit.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; nothing is left behind.</exception>
    public static TrainingRows Read(IDataView view, string feature, string label, InputSignature signature, long limit, CancellationToken cancellationToken = default)
    {
        TrainingRows rows = signature.Element == ElementType.UInt8 ? new Of<byte>(signature, limit) : new Of<float>(signature, limit);
        try
        {
            rows.Fill(view, view.Schema[feature], view.Schema[label], cancellationToken);
            return rows.Count > 0
                ? rows
                : throw new QuantizationException(QuantizationErrorCode.EmptyCalibrationData, $"Training data: expected rows with a label in '{label}', found none; {rows.Unlabelled} rows have none.");
        }
        catch
        {
            rows.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public abstract void Read(int row, Span<float> input, Span<float> target);

    /// <inheritdoc/>
    public abstract void Dispose();

    private protected abstract void Fill(IDataView view, DataViewSchema.Column feature, DataViewSchema.Column label, CancellationToken cancellationToken);

    /// <summary>One NaN would turn every weight into NaN at the first step, and blame a layer.</summary>
    private static void RequireFinite<T>(ReadOnlySpan<T> values, long row, DataViewSchema.Column column)
        where T : unmanaged
    {
        if (typeof(T) != typeof(float))
        {
            return;
        }

        ReadOnlySpan<float> floats = MemoryMarshal.Cast<T, float>(values);
        for (int i = 0; i < floats.Length; i++)
        {
            if (!float.IsFinite(floats[i]))
            {
                throw new QuantizationException(
                    QuantizationErrorCode.NonFiniteInput,
                    FormattableString.Invariant($"Training row {row}, column '{column.Name}': expected finite numbers, found {floats[i]} at {i}. Replace missing values, or leave such rows out (FilterRowsByMissingValues)."));
            }
        }
    }

    private sealed class Of<T>(InputSignature signature, long limit) : TrainingRows
        where T : unmanaged
    {
        private readonly RowCache<T> _inputs = new(ScoringModel.RowLength(signature.Shape), limit);
        private readonly T[] _row = new T[ScoringModel.RowLength(signature.Shape)];
        private RowCache<float> _targets = new(1, long.MaxValue);

        public override int Count => _inputs.Count;

        public override Shape InputShape { get; } = new([.. signature.Shape.Dimensions.Skip(1)]);

        public override int TargetLength => _targetLength;

        public override bool IsSpilled => _inputs.IsSpilled;

        private int _targetLength = 1;

        public override void Read(int row, Span<float> input, Span<float> target)
        {
            _inputs.Read(row, _row);
            InputNormalization.Apply<T>(_row, signature, input);
            _targets.Read(row, target);
        }

        public override void Dispose()
        {
            _inputs.Dispose();
            _targets.Dispose();
        }

        private protected override void Fill(IDataView view, DataViewSchema.Column feature, DataViewSchema.Column label, CancellationToken cancellationToken)
        {
            _targetLength = label.Type is VectorDataViewType vector ? vector.Size : 1;
            _targets = new RowCache<float>(_targetLength, long.MaxValue);
            using DataViewRowCursor cursor = view.GetRowCursor(new[] { feature, label }.DistinctBy(c => c.Index));
            Func<ReadOnlySpan<T>> inputs = ColumnValues.Reader<T>(cursor, feature, _row.Length);
            Func<float[]?> targets = TargetValues.Reader(cursor, label);
            while (cursor.MoveNext())
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (targets() is not { } target)
                {
                    Unlabelled++;
                    continue;
                }

                ReadOnlySpan<T> input = inputs();
                RequireFinite(input, cursor.Position, feature);
                RequireFinite<float>(target, cursor.Position, label);
                _inputs.Add(input);
                _targets.Add(target);
            }
        }
    }
}
