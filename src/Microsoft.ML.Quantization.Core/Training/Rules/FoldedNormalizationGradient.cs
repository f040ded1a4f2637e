using System;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Graphs.Nodes;
using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Training.Rules;

/// <summary>
/// What is left of a folded batch normalization. With the batch's statistics μB, σB of y₀ and the running σ, which is a constant here: out = y·σ/σB + β − γ·μB/σB. Going back, with G = Σ g and
/// D = Σ g·(y·σ − γ·μB): dy = g·σ/σB, dβ = G, dγ = −G·μB/σB, dy₀ = −γ·G/(σB·M) − D·(y₀ − μB)/(σB³·M). From the freeze on, and for a batch of one value a channel, out = y + β − γ·μ/σ.
/// </summary>
internal sealed class FoldedNormalizationGradient : GradientRule
{
    /// <inheritdoc/>
    public override ValueOrder Order(Graph graph, Node node) => ValueOrder.AsInput;

    /// <inheritdoc/>
    public override bool IsActivation(int input) => input < 2;

    /// <inheritdoc/>
    public override bool HasForward(Graph graph, Node node) => graph[node.Inputs[4]].IsTrainable;

    /// <inheritdoc/>
    public override object? Forward(OperatorCall call)
    {
        var node = (FoldedNormalization)call.Node;
        if (call.Context.Progress >= node.FreezeAt)
        {
            Evaluate(call);
            return null;
        }

        var statistics = BatchNormalizationGradient.Statistics.Of(call.Pool, call.Inputs[1], call.IsChannelsLast);
        if (statistics.Count == 1)
        {
            // One value a channel has no variance: σ/σB would be hundreds, and 1/σB³ all that goes back.
            Evaluate(call);
            return null;
        }

        var factors = new float[statistics.Mean.Length];
        var offsets = new float[factors.Length];
        for (int c = 0; c < factors.Length; c++)
        {
            Channel channel = Channel.Of(node, call.Inputs, statistics, c);
            factors[c] = (float)channel.Factor;
            offsets[c] = (float)(call.Inputs[3].Values<float>()[c] - (channel.Gamma * channel.Mean * channel.Inverse));
        }

        ChannelLines.Map(call.Pool, call.Inputs[0], (factors, offsets), call.Outputs[0], call.IsChannelsLast);
        return statistics;
    }

    /// <inheritdoc/>
    public override void Evaluate(OperatorCall call)
    {
        float[] offsets = ((FoldedNormalization)call.Node).Offsets(call.Inputs);
        ChannelLines.Map(call.Pool, call.Inputs[0], (Ones(offsets.Length), offsets), call.Outputs[0], call.IsChannelsLast);
    }

    /// <inheritdoc/>
    public override Tensor?[] Backward(GradientCall call)
    {
        var node = (FoldedNormalization)call.Node;
        int channels = call.Inputs[2].Shape[0];
        (float[] sums, float[] products) = ChannelSums.OfProducts(call.Pool, call.Inputs[0], call.Gradient, new float[channels], call.IsChannelsLast);
        var statistics = (BatchNormalizationGradient.Statistics?)call.Saved;
        var (factors, slopes, offsets, gammas) = (Ones(channels), new float[channels], new float[channels], new float[channels]);
        for (int c = 0; c < channels; c++)
        {
            Channel channel = Channel.Of(node, call.Inputs, statistics, c);
            gammas[c] = (float)(-channel.Mean * channel.Inverse * sums[c]);
            if (statistics is null)
            {
                continue;
            }

            double along = (channel.Deviation * products[c]) - (channel.Gamma * channel.Mean * sums[c]);
            double slope = -along * channel.Inverse * channel.Inverse * channel.Inverse / statistics.Count;
            factors[c] = (float)channel.Factor;
            slopes[c] = (float)slope;
            offsets[c] = (float)((-channel.Gamma * channel.Inverse * sums[c] / statistics.Count) - (slope * channel.Mean));
        }

        Tensor?[] result = call.NewResult();
        result[0] = call.UnsetFor(0);
        ChannelLines.Map(call.Pool, call.Gradient, (factors, new float[channels]), result[0]!, call.IsChannelsLast);
        result[2] = Tensor.Create(call.Inputs[2].Shape, gammas);
        result[3] = Tensor.Create(call.Inputs[3].Shape, sums);
        if (statistics is not null)
        {
            result[1] = call.UnsetFor(1);
            ChannelLines.Map(call.Pool, call.Inputs[1], (slopes, offsets), result[1]!, call.IsChannelsLast);
        }

        return result;
    }

    private static float[] Ones(int count)
    {
        var ones = new float[count];
        Array.Fill(ones, 1f);
        return ones;
    }

    /// <summary>Numbers of one channel: γ, the mean and 1/σ of the batch (frozen: the running ones), the running σ, and σ/σB.</summary>
    private readonly record struct Channel(double Gamma, double Mean, double Inverse, double Deviation)
    {
        public double Factor => Deviation * Inverse;

        public static Channel Of(FoldedNormalization node, Tensor[] inputs, BatchNormalizationGradient.Statistics? statistics, int c)
        {
            double deviation = Math.Sqrt((double)inputs[5].Values<float>()[c] + node.Epsilon);
            return statistics is null
                ? new Channel(inputs[2].Values<float>()[c], inputs[4].Values<float>()[c], 1 / deviation, deviation)
                : new Channel(inputs[2].Values<float>()[c], statistics.Mean[c], 1 / Math.Sqrt((double)statistics.Variance[c] + node.Epsilon), deviation);
        }
    }
}
