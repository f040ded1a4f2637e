using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Quantization.Kernels.Managed;
using Microsoft.ML.Quantization.Kernels.Native;

namespace Microsoft.ML.Quantization.Kernels;

/// <summary>
/// The kernel sets of this machine, and the one in use. All give the same bytes; the choice is one of speed.
/// The environment variable <c>MLQ_KERNELS=&lt;name&gt;</c> forces a set by its name: <c>avx2</c>, <c>avx512</c>, <c>avx512vnni</c>, <c>neon</c>,
/// <c>managed</c>, <c>managed128</c>, <c>managed256</c> or <c>managed512</c>.
/// </summary>
public static class KernelRegistry
{
    /// <summary>The environment variable that forces a set.</summary>
    public const string Variable = "MLQ_KERNELS";

    private static readonly Lazy<(IReadOnlyList<KernelSet> Sets, string NativeReason)> _found = new(Find);
    private static readonly Lazy<(KernelSet Set, string Why)> _active = new(() => Choose(Environment.GetEnvironmentVariable(Variable)));

    /// <summary>Every set this machine can run, the best first; <c>managed</c> is always among them.</summary>
    public static IReadOnlyList<KernelSet> Available => _found.Value.Sets;

    /// <summary>The set in use: the best one, or the one that <see cref="Variable"/> names.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.KernelSetUnavailable"/>: the variable names a set that is unknown
    /// or that this machine cannot run.</exception>
    public static KernelSet Active => _active.Value.Set;

    /// <summary>Whether <see cref="Variable"/> names the set in use.</summary>
    public static bool IsForced => !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(Variable));

    /// <summary>One line for people: why <see cref="Active"/> is in use, and why native code is not, where it is not.</summary>
    public static string Why => _active.Value.Why;

    /// <summary>Why a managed set is in use, for people; empty for a native one.</summary>
    internal static string ReasonFor(KernelSet set) => set is NativeKernels ? string.Empty : IsForced || set != Available[0] ? $"{set.Name}: asked for; {set.Description}" : Why;

    /// <summary>The set that a value of <see cref="Variable"/> selects; null or empty selects the best.</summary>
    internal static (KernelSet Set, string Why) Choose(string? forced)
    {
        (IReadOnlyList<KernelSet> sets, string reason) = _found.Value;
        if (string.IsNullOrEmpty(forced))
        {
            KernelSet best = sets[0];
            return (best, best is NativeKernels ? $"{best.Name}: {best.Description}." : $"{best.Name}: {best.Description} {reason}");
        }

        KernelSet set = sets.FirstOrDefault(s => s.Name == forced) ?? throw new QuantizationException(
            QuantizationErrorCode.KernelSetUnavailable,
            $"Environment variable {Variable}: expected one of {string.Join(", ", sets.Select(s => s.Name))}, found '{forced}', which is unknown or cannot run on this machine. {reason}");
        return (set, $"{set.Name}: forced by {Variable}; {set.Description}");
    }

    private static (IReadOnlyList<KernelSet> Sets, string NativeReason) Find()
    {
        (IReadOnlyList<NativeKernels> native, string reason) = NativeLibraryLoader.Load();
        return ([.. native.Reverse(), new ManagedKernels(), new ManagedKernels(512), new ManagedKernels(256), new ManagedKernels(128)], reason);
    }
}
