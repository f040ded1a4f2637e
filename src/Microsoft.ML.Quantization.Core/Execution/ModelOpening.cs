using System;
using System.Runtime.ExceptionServices;
using Microsoft.ML.Quantization.Threading;

namespace Microsoft.ML.Quantization.Execution;

/// <summary>Checks something while something else is made of it, on two threads where the pool has them. What the check finds goes before what the making finds.</summary>
internal sealed class ModelOpening
{
    private readonly Action _check;
    private readonly Action _make;
    private Exception? _wrong;
    private Exception? _failed;

    private ModelOpening(Action check, Action make)
    {
        _check = check;
        _make = make;
    }

    /// <summary>Does both, or has the whole pool for the making where there is nothing to check.</summary>
    /// <param name="check">Throws where all is not well.</param>
    /// <param name="make">Makes the result; what it throws on its own account counts only if the check passes.</param>
    /// <param name="pool">The threads.</param>
    public static void Run(Action? check, Action make, WorkerPool pool)
    {
        if (check is null)
        {
            make();
            return;
        }

        var opening = new ModelOpening(check, make);
        pool.Run(2, opening, static (both, part) => both.Do(part));
        if ((opening._wrong ?? opening._failed) is { } failure)
        {
            ExceptionDispatchInfo.Throw(failure);
        }
    }

    private void Do(int part)
    {
        try
        {
            if (part == 0)
            {
                _check();
            }
            else if (_wrong is null)
            {
                _make();
            }
        }
#pragma warning disable CA1031 // Handed to the caller of Run.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            _ = part == 0 ? _wrong = exception : _failed = exception;
        }
    }
}
