using System;
using System.Linq;
using Microsoft.ML.Quantization.Quantizers.Methods;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.Graphs.Nodes;

/// <summary>
/// A quantizer in training: inputs x and the method's parameters, constants that training changes like weights. Evaluated it gives the hard quantizer; training runs the method's own
/// forward and backward forms. <see cref="Passes.HardenQuantizers"/> replaces it by what the engine knows.
/// </summary>
public sealed record LearnedQuantize : Node
{
    private const ulong HashStart = 14695981039346656037;
    private const ulong HashFactor = 1099511628211;

    /// <summary>The method with its options.</summary>
    public required QuantizationMethod Method { get; init; }

    /// <summary>What x is.</summary>
    public required QuantizerSites Site { get; init; }

    /// <summary>The key of the node's random numbers: its name, hashed (FNV-1a).</summary>
    public ulong Key => Name.Aggregate(HashStart, (hash, c) => unchecked((hash ^ c) * HashFactor));

    /// <inheritdoc/>
    public override void Describe(NodeAttributes attributes) => attributes.Set("method", (object)Method.Name).Set("settings", Method.Settings).Set("site", Site);

    /// <summary>The call that a method sees.</summary>
    /// <param name="inputs">x and the parameters.</param>
    /// <param name="context">The place in the run.</param>
    /// <param name="pool">Threads.</param>
    public MethodCall Call(Tensor[] inputs, MethodContext context, WorkerPool pool)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        return new(inputs[0], inputs[1..], context, Site, Key, pool);
    }

    /// <summary>The hard quantizer of x, in one thread or many with the same bits.</summary>
    public void Evaluate(Tensor[] inputs, Tensor result, WorkerPool pool)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(result);
        if (Site == QuantizerSites.Gradients)
        {
            inputs[0].Values<float>().CopyTo(result.Writable<float>());
            return;
        }

        MethodCall call = Call(inputs, MethodContext.Evaluation, pool);
        MethodShares.Forward(Method, call, Method.Prepare(call), result, training: false);
    }

    /// <summary>Shape of the constant of a parameter.</summary>
    public static Shape ShapeOf(QuantizationMethod method, MethodParameter parameter, Shape x)
    {
        ArgumentNullException.ThrowIfNull(method);
        ArgumentNullException.ThrowIfNull(parameter);
        return parameter.Width == 0 ? x : Shape.Of(method.GroupsOf(x) * parameter.Width);
    }

    internal static LearnedQuantize Read(NodeAttributes a) => new()
    {
        Method = QuantizationMethods.Create(a.Text("method"), a.Floats("settings")),
        Site = a.Enum<QuantizerSites>("site"),
    };
}
