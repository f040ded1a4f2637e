using System.Runtime.InteropServices;

namespace Microsoft.ML.Quantization.Allocation;

/// <summary>A block of <see cref="NativePages"/> with an owner.</summary>
internal sealed unsafe class NativeBlock : SafeHandle
{
    public NativeBlock(long bytes)
        : base(0, ownsHandle: true)
        => SetHandle((nint)NativePages.Allocate(bytes));

    public byte* Pointer => (byte*)handle;

    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        NativePages.Free((void*)handle);
        return true;
    }
}
