using System.Threading;

namespace Microsoft.ML.Quantization.Execution;

/// <summary>Counts users of something that may be closed: nobody enters once it is closed, and closing waits until all have left.</summary>
internal sealed class UseCount
{
    private const int Closed = int.MinValue;

    private int _state;

    /// <summary>Enters unless closed.</summary>
    public bool TryEnter()
    {
        int state = Volatile.Read(ref _state);
        while (state >= 0)
        {
            int found = Interlocked.CompareExchange(ref _state, state + 1, state);
            if (found == state)
            {
                return true;
            }

            state = found;
        }

        return false;
    }

    /// <summary>Leaves.</summary>
    public void Leave() => Interlocked.Decrement(ref _state);

    /// <summary>Closes and waits for all who are inside; true for the first who closes.</summary>
    public bool Close()
    {
        bool first = (Interlocked.Or(ref _state, Closed) & Closed) == 0;
        var wait = default(SpinWait);
        while ((Volatile.Read(ref _state) & ~Closed) != 0)
        {
            wait.SpinOnce();
        }

        return first;
    }
}
