using System;
using System.Runtime.InteropServices;

namespace Microsoft.ML.Quantization.Kernels;

/// <summary>
/// Weights in the layout of one kernel set, made when a model is loaded and never stored. 64-byte aligned, outside the
/// garbage-collected heap, read-only once packed. The owner disposes it; the finalizer of the memory is the safety net.
/// </summary>
public sealed unsafe class PackedWeights : SafeHandle
{
    private const int Alignment = 64;

    /// <summary>Allocates zeroed, 64-byte aligned memory.</summary>
    /// <param name="byteLength">Bytes; padding included, so that kernels may read whole vectors.</param>
    /// <param name="layout">A word for the layout, checked by the kernel that reads it.</param>
    public PackedWeights(long byteLength, string layout)
        : base(IntPtr.Zero, ownsHandle: true)
    {
        ByteLength = byteLength;
        Layout = layout;
        void* memory = NativeMemory.AlignedAlloc(Allocated(byteLength), Alignment);
        NativeMemory.Clear(memory, Allocated(byteLength));
        SetHandle((IntPtr)memory);
    }

    /// <summary>Memory of someone else, who keeps it for as long as this lives.</summary>
    internal PackedWeights(void* memory, long byteLength, string layout)
        : base(IntPtr.Zero, ownsHandle: false)
    {
        ByteLength = byteLength;
        Layout = layout;
        SetHandle((IntPtr)memory);
    }

    /// <summary>Memory whose bytes up to the last vector are the caller's to write; clearing them first would touch all of it twice.</summary>
    internal static PackedWeights Unset(long byteLength, string layout)
    {
        nuint allocated = Allocated(byteLength);
        byte* memory = (byte*)NativeMemory.AlignedAlloc(allocated, Alignment);
        NativeMemory.Clear(memory + allocated - Alignment, Alignment);
        return new PackedWeights(byteLength, layout, memory);
    }

    private PackedWeights(long byteLength, string layout, byte* memory)
        : base(IntPtr.Zero, ownsHandle: true)
    {
        ByteLength = byteLength;
        Layout = layout;
        SetHandle((IntPtr)memory);
    }

    /// <summary>Bytes as asked for.</summary>
    public long ByteLength { get; }

    /// <summary>The layout's name, for example <c>f32/k/n16</c>.</summary>
    public string Layout { get; }

    /// <inheritdoc/>
    public override bool IsInvalid => handle == IntPtr.Zero;

    /// <summary>The memory as values of <typeparamref name="T"/>.</summary>
    public Span<T> Span<T>()
        where T : unmanaged
        => new((void*)handle, checked((int)(ByteLength / sizeof(T))));

    private static nuint Allocated(long byteLength) => Math.Max((nuint)((byteLength + Alignment - 1) & ~(Alignment - 1L)), Alignment);

    /// <summary>The address, for native kernels; keep this object alive during the call.</summary>
    internal byte* Pointer => (byte*)handle;

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        NativeMemory.AlignedFree((void*)handle);
        return true;
    }
}
