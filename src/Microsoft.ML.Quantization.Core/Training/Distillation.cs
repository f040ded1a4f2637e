using System;
using System.Globalization;
using Microsoft.ML.Quantization.Evaluation;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Kernels;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.Training;

/// <summary>
/// Knowledge distillation (Hinton et al., 2015): loss = (1 − a)·CE(y, p) + a·τ²·KL(softmax(z_t/τ) ‖ softmax(z/τ)), mean over rows, z the logits trained and z_t those of the teacher on the
/// same rows. The teacher is evaluated (running statistics, no dropout) and never changed.
/// </summary>
/// <param name="Teacher">A graph with the same input and as many logits; a final softmax is left out.</param>
/// <param name="Temperature">τ, above 0.</param>
/// <param name="Weight">a, in [0, 1].</param>
public sealed record Distillation(Graph Teacher, float Temperature = 4, float Weight = 0.9f)
{
    /// <summary>Refuses values out of range and a teacher of another form.</summary>
    /// <exception cref="QuantizationException">InvalidOptions, InvalidGraph.</exception>
    internal void Check(TrainingLoss loss, Graph student)
    {
        if (!(Temperature > 0) || !float.IsFinite(Temperature) || Weight is not (>= 0 and <= 1) || loss != TrainingLoss.SoftmaxCrossEntropy)
        {
            throw new QuantizationException(
                QuantizationErrorCode.InvalidOptions,
                string.Create(CultureInfo.InvariantCulture, $"{nameof(Distillation)}: expected the cross entropy, a temperature above 0 and a weight in [0, 1], found {loss}, {Temperature} and {Weight}."));
        }

        bool isAlike = Teacher.Inputs.Length == 1 && Teacher.Outputs.Length == 1
            && Teacher[Teacher.Inputs[0]].Type.Shape.Equals(student[student.Inputs[0]].Type.Shape) && Teacher[Teacher.Outputs[0]].Type.Shape.Equals(student[student.Outputs[0]].Type.Shape);
        if (!isAlike)
        {
            throw new QuantizationException(
                QuantizationErrorCode.InvalidGraph,
                $"{nameof(Distillation)}: expected a teacher from {student[student.Inputs[0]].Type} to {student[student.Outputs[0]].Type}, found {Teacher.Inputs.Length} inputs and {Teacher.Outputs.Length} outputs, the first {Teacher[Teacher.Inputs[0]].Type} and {Teacher[Teacher.Outputs[0]].Type}.");
        }
    }
}

/// <summary>A teacher at work.</summary>
internal sealed class TeacherLoss : IDisposable
{
    private readonly Distillation _options;
    private readonly Evaluator _evaluator;
    private readonly ValueId _logits;

    public TeacherLoss(Distillation options, KernelSet kernels, WorkerPool pool)
    {
        _options = options;
        _evaluator = new Evaluator(options.Teacher, OperatorTable.Fast(kernels, pool));
        ValueId output = options.Teacher.Outputs[0];
        _logits = options.Teacher.Producers()[output.Index] is Softmax softmax ? softmax.Inputs[0] : output;
    }

    /// <inheritdoc/>
    public void Dispose() => _evaluator.Dispose();

    /// <summary>The teacher's logits.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InconsistentData"/>: they are not finite.</exception>
    public Tensor Logits(Tensor input, System.Threading.CancellationToken cancellationToken)
    {
        Tensor? logits = null;
        _evaluator.Run([input], (id, tensor) => logits = id == _logits ? tensor : logits, cancellationToken);
        foreach (float value in logits!.Values<float>())
        {
            if (!float.IsFinite(value))
            {
                throw new QuantizationException(QuantizationErrorCode.InconsistentData, string.Create(CultureInfo.InvariantCulture, $"{nameof(Distillation)}: expected finite logits of the teacher, found {value}."));
            }
        }

        return logits;
    }

    /// <summary>(1 − a) times the loss of the classes and a·τ² times the divergence; the gradient of the latter is a·τ·(p − p_t)/rows at temperature τ.</summary>
    public LossValue Of(LossValue hard, Tensor output, Tensor teacher)
    {
        int rows = output.Shape[0];
        int width = output.Shape.Count / rows;
        Span<float> gradient = hard.Gradient.Writable<float>();
        var losses = new float[rows];
        (var own, var its) = (new float[width], new float[width]);
        float factor = _options.Weight * _options.Temperature / rows;
        for (int row = 0; row < rows; row++)
        {
            float shift = LogShares(output.Values<float>().Slice(row * width, width), own);
            float its0 = LogShares(teacher.Values<float>().Slice(row * width, width), its);
            double divergence = 0;
            for (int i = 0; i < width; i++)
            {
                (float p, float q) = (FloatMath.Exp(own[i] - shift), FloatMath.Exp(its[i] - its0));
                divergence += q * ((double)(its[i] - its0) - (own[i] - shift));
                int at = (row * width) + i;
                gradient[at] = ((1 - _options.Weight) * gradient[at]) + (factor * (p - q));
            }

            losses[row] = (float)divergence;
        }

        Span<float> sum = stackalloc float[1];
        BatchSums.Rows(losses, 1, sum);
        float soft = _options.Weight * _options.Temperature * _options.Temperature * sum[0];
        return hard with { Sum = ((1 - _options.Weight) * hard.Sum) + soft };
    }

    /// <summary>Writes z/τ less its largest; gives the logarithm of the sum of their exponentials.</summary>
    private float LogShares(ReadOnlySpan<float> logits, Span<float> result)
    {
        float largest = FloatReduction.Max(logits);
        for (int i = 0; i < logits.Length; i++)
        {
            result[i] = (logits[i] - largest) / _options.Temperature;
        }

        return FloatMath.Log(FloatReduction.SumExp(result, 0));
    }
}
