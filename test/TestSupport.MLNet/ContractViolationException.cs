using System;

namespace Microsoft.ML.Quantization.TestSupport.MLNet;

/// <summary>An estimator or transformer breaks a rule that ML.NET relies on.</summary>
public sealed class ContractViolationException : Exception
{
    public ContractViolationException()
    {
    }

    public ContractViolationException(string message)
        : base(message)
    {
    }

    public ContractViolationException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    internal static void ThrowUnless(bool kept, string rule)
    {
        if (!kept)
        {
            throw new ContractViolationException(rule);
        }
    }

    /// <summary>Invalid data must be refused with an exception that says so.</summary>
    internal static void ThrowUnlessRefused(Action action, string rule)
    {
        try
        {
            action();
        }
        catch (Exception ex) when (ex is ArgumentException or InvalidOperationException)
        {
            return;
        }

        throw new ContractViolationException(rule);
    }
}
