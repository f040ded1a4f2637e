using Microsoft.ML.Quantization.Operators;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.Training;

/// <summary>
/// A value of a step, or its gradient, in the graph's order, channels-last, or both: the other order is made when somebody asks for it. The shape is the logical
/// one in either; where both orders are one, so is the tensor.
/// </summary>
internal sealed class LaidValue
{
    private Tensor? _planar;
    private Tensor? _channelsLast;

    public LaidValue(Tensor tensor, bool isChannelsLast)
    {
        bool same = ChannelLayout.IsSame(tensor.Shape);
        _planar = same || !isChannelsLast ? tensor : null;
        _channelsLast = same || isChannelsLast ? tensor : null;
    }

    /// <summary>The value in whatever order is there.</summary>
    public Tensor Any => (_planar ?? _channelsLast)!;

    /// <summary>The value in an order.</summary>
    public Tensor In(bool isChannelsLast, WorkerPool pool, StepMemory memory)
    {
        if (isChannelsLast && _channelsLast is null)
        {
            _channelsLast = memory.Rent(_planar!.Type, _planar.Shape);
            ChannelLayout.ToChannelsLast(pool, _planar, _channelsLast);
        }
        else if (!isChannelsLast && _planar is null)
        {
            _planar = memory.Rent(_channelsLast!.Type, _channelsLast.Shape);
            ChannelLayout.ToPlanar(pool, _channelsLast, _planar);
        }

        return (isChannelsLast ? _channelsLast : _planar)!;
    }

    /// <summary>Whether one of its tensors lies in the memory of <paramref name="tensor"/>.</summary>
    public bool Holds(Tensor tensor) => (_planar is not null && StepMemory.Share(_planar, tensor)) || (_channelsLast is not null && StepMemory.Share(_channelsLast, tensor));

    /// <summary>The tensors that are there.</summary>
    public (Tensor? Planar, Tensor? ChannelsLast) Tensors => (_planar, _channelsLast);
}
