using System;
using System.Collections.Immutable;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>
/// A quantizer of a network in training: one site of one method, as a value. It holds bits and options; what changes in training are parameters, constants of the graph beside the
/// weights. A pass over x goes in shares; a share lies in one group (the whole tensor, an output channel, a row of the batch), so that results do not depend on threads.
/// </summary>
/// <remarks>
/// A new method derives from this, overrides what it needs and stands in <see cref="QuantizationMethods"/>. Every y, dx and sum must be a function of x, g, parameters, context and
/// index alone. Elementary functions come from <see cref="Numerics.FloatMath"/>; sums over a group are in double or by <see cref="Numerics.FloatReduction"/>. A NaN of x gives NaN in y.
/// </remarks>
public abstract record QuantizationMethod
{
    /// <summary>The method's name in <see cref="QuantizationMethods"/>.</summary>
    public abstract string Name { get; }

    /// <summary>Where it can stand.</summary>
    public abstract QuantizerSites Sites { get; }

    /// <summary>Bits of a code.</summary>
    public required int Bits { get; init; }

    /// <summary>Most levels of a group; 2^Bits unless a method has one more.</summary>
    public virtual int LevelCount => 1 << Bits;

    /// <summary>Bits and options as numbers, from which <see cref="QuantizationMethods.Create"/> makes an equal value.</summary>
    public abstract ImmutableArray<float> Settings { get; }

    /// <summary>The parameters; none by default.</summary>
    public virtual ImmutableArray<MethodParameter> Parameters => [];

    /// <summary>Sums over each group that the way back needs beside the gradients of learned parameters.</summary>
    public virtual int ExtraSums => 0;

    /// <summary>Floats an element that <see cref="Forward"/> leaves in <see cref="MethodCall.Kept"/> for <see cref="Backward"/>, which gives the same bits without them.</summary>
    public virtual int KeptWidth => 0;

    /// <summary>Whether <see cref="AfterStep"/> does anything.</summary>
    public virtual bool ActsAfterStep => false;

    /// <summary>Whether <see cref="AfterStep"/> reads the gradient off the step that the optimizer took, which only plain gradient descent without decay leaves there.</summary>
    public virtual bool NeedsPlainDescent => false;

    /// <summary>Whether the way forward in training has noise or soft levels that evaluation has not, so that batch normalizations see other statistics in it.</summary>
    public virtual bool TrainsWithNoise => false;

    /// <summary>
    /// Whether statistics of batch normalization should be measured anew behind training though the way forward is hard in it: running averages then lag behind codes that change until the end. So it is with noise.
    /// </summary>
    public virtual bool OutrunsStatistics => TrainsWithNoise;

    /// <summary>
    /// Whether networks with it are trained by Adam: the size of its gradients tells nothing about the length of a good step (weights become signs without a scale, or the scale multiplies their
    /// gradient too), or it weighs by <see cref="MethodCall.Curvature"/>, which no other optimizer keeps, and is another method without.
    /// </summary>
    public virtual bool NeedsAdam => false;

    /// <summary>
    /// Whether <c>TrainingOptions.Decay</c> holds for the weights that it quantizes. Latent weights of which only signs count are pulled by it to where signs change, and nothing is gained;
    /// weights with a pull of their own have two. A group of the options that names such weights decays them all the same.
    /// </summary>
    public virtual bool TakesDecay => true;

    /// <summary>Parts of equal length that the method cuts the run into; the learning rate has to start over in each (<c>Schedule.Restarts</c>), or later parts cannot make up for what they change.</summary>
    public virtual int Stages => 1;

    /// <summary>
    /// Whether the quantizer of activations is the nonlinearity itself: it then reads what stands in front of a rectifier (or of max x, 0 to a bound), which goes where nothing else reads it.
    /// </summary>
    public virtual bool IsNonlinearity => false;

    /// <summary>Whether activations must come with mean 0 and variance 1: batch normalizations that feed nothing else then have the fixed scale 1 and shift 0.</summary>
    public virtual bool NeedsStandardInput => false;

    /// <summary>Groups of a shape: 1, or the length of its first axis.</summary>
    public virtual int GroupsOf(Shape shape) => 1;

    /// <summary>The same method for activations that are (not) negative anywhere; itself where the method has one form.</summary>
    public virtual QuantizationMethod For(bool signed) => this;

    /// <summary>The same method at another width; options that follow from the width follow it, those given stay.</summary>
    internal virtual QuantizationMethod AtBits(int bits) => this with { Bits = bits };

    /// <summary>Weights to begin training with, where a method does not begin with those given; null for those.</summary>
    /// <param name="weights">The weights of the graph.</param>
    public virtual Tensor? FirstWeights(Tensor weights) => null;

    /// <summary>Sets the parameters from weights, or from a sample of activations.</summary>
    /// <param name="sample">Weights, or activations of some rows.</param>
    /// <param name="parameters">One tensor a parameter, written.</param>
    public virtual void Initialize(Tensor sample, Tensor[] parameters)
    {
        // A method without parameters has nothing to set.
    }

    /// <summary>What the passes over x need of the whole of it (scales that follow from weights), or null.</summary>
    public virtual object? Prepare(MethodCall call) => null;

    /// <summary>Writes the quantizer of evaluation: exactly what the codes of <see cref="Export"/> decode to.</summary>
    /// <param name="call">The tensor.</param>
    /// <param name="prepared">From <see cref="Prepare"/>.</param>
    /// <param name="begin">First element.</param>
    /// <param name="y">Written; as many elements from <paramref name="begin"/> on.</param>
    public abstract void Harden(MethodCall call, object? prepared, int begin, Span<float> y);

    /// <summary>Writes what training uses; as evaluation by default.</summary>
    public virtual void Forward(MethodCall call, object? prepared, int begin, Span<float> y) => Harden(call, prepared, begin, y);

    /// <summary>The way back of a share.</summary>
    /// <param name="call">The tensor, as on the way forward.</param>
    /// <param name="prepared">From <see cref="Prepare"/>.</param>
    /// <param name="begin">First element.</param>
    /// <param name="g">∂loss/∂y of the share.</param>
    /// <param name="dx">∂loss/∂x, written.</param>
    /// <param name="sums">Added to: the gradients of the learned parameters of the share's group one after the other, then <see cref="ExtraSums"/> more.</param>
    public abstract void Backward(MethodCall call, object? prepared, int begin, ReadOnlySpan<float> g, Span<float> dx, Span<double> sums);

    /// <summary>Behind all shares: changes dx, or the totals of a group, where a gradient needs sums over the whole group.</summary>
    /// <param name="call">The tensor.</param>
    /// <param name="prepared">From <see cref="Prepare"/>.</param>
    /// <param name="g">∂loss/∂y, whole.</param>
    /// <param name="dx">∂loss/∂x, whole.</param>
    /// <param name="totals">The sums of every group, group after group.</param>
    public virtual void Complete(MethodCall call, object? prepared, ReadOnlySpan<float> g, Span<float> dx, Span<double> totals)
    {
        // Most gradients need no sums.
    }

    /// <summary>New values of measured parameters, seen on a way forward in training: one array a parameter, null where nothing changes; null for nothing at all.</summary>
    public virtual float[]?[]? Measure(MethodCall call, object? prepared) => null;

    /// <summary>Changes weights behind the optimizer's step: clipping, freezing, rounding. May write measured parameters.</summary>
    /// <param name="call">The weights as the optimizer left them, and the parameters.</param>
    /// <param name="before">The weights before the step.</param>
    /// <param name="weights">The weights, changed in place.</param>
    public virtual void AfterStep(MethodCall call, ReadOnlySpan<float> before, Span<float> weights)
    {
        // Most methods leave the latent weights alone.
    }

    /// <summary>What the engine will use; for weights the codes of x itself.</summary>
    /// <param name="call">The weights, or for activations any tensor of their rank.</param>
    public abstract HardForm Export(MethodCall call);

    /// <summary>Refuses bits or options out of range.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InvalidBitWidth"/> or <see cref="QuantizationErrorCode.InvalidOptions"/>.</exception>
    public virtual void Check()
    {
        // The list names the widths.
    }
}
