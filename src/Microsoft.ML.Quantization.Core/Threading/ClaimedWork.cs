using System;

namespace Microsoft.ML.Quantization.Threading;

/// <summary>The body and state of one run, without their types.</summary>
internal abstract class ClaimedWork
{
    /// <summary>Runs one chunk.</summary>
    public abstract void Execute(int chunk);
}

/// <summary>The body and state of one run. Each calling thread keeps one for reuse; a pool serves one run at a time, so one suffices.</summary>
internal sealed class ClaimedWork<TState> : ClaimedWork
{
    [ThreadStatic]
    private static ClaimedWork<TState>? _kept;

    private TState? _state;
    private Action<TState, int>? _body;

    /// <summary>Takes this thread's object, or a new one.</summary>
    public static ClaimedWork<TState> Rent(TState state, Action<TState, int> body)
    {
        ClaimedWork<TState> work = _kept ?? new ClaimedWork<TState>();
        _kept = null;
        work._state = state;
        work._body = body;
        return work;
    }

    /// <inheritdoc/>
    public override void Execute(int chunk) => _body!(_state!, chunk);

    /// <summary>Forgets the state and gives the object back to its thread.</summary>
    public void Return()
    {
        _state = default;
        _body = null;
        _kept = this;
    }
}
