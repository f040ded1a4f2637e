using System;
using System.Runtime.InteropServices;
using System.Threading;
using Microsoft.ML.Quantization.Allocation;

namespace Microsoft.ML.Quantization.Kernels;

/// <summary>
/// Weights in the layout of one kernel set, made when a model is loaded and never stored. 64-byte aligned, outside the
/// garbage-collected heap, read-only once packed. The owner disposes it; the finalizer of the memory is the safety net.
/// </summary>
public sealed unsafe class PackedWeights : SafeHandle
{
    private const int Vector = NativePages.Alignment;

    private NativeBlock? _block;

    /// <summary>Allocates zeroed, 64-byte aligned memory.</summary>
    /// <param name="byteLength">Bytes; padding included, so that kernels may read whole vectors.</param>
    /// <param name="layout">A word for the layout, checked by the kernel that reads it.</param>
    public PackedWeights(long byteLength, string layout)
        : this(0, byteLength, layout, ownsHandle: true)
    {
        void* memory = NativePages.Allocate(Allocated);
        NativeMemory.Clear(memory, (nuint)Allocated);
        SetHandle((nint)memory);
    }

    /// <summary>Memory of someone else, who keeps it for as long as this lives.</summary>
    internal PackedWeights(void* memory, long byteLength, string layout)
        : this((nint)memory, byteLength, layout, ownsHandle: false)
    {
    }

    private PackedWeights(nint memory, long byteLength, string layout, bool ownsHandle)
        : base(0, ownsHandle)
    {
        ByteLength = byteLength;
        Layout = layout;
        SetHandle(memory);
    }

    /// <summary>
    /// Memory whose bytes up to the last vector are the caller's to write; clearing them first would touch all of it twice. It is there once it is asked for, so that whoever packs many weights can
    /// place them side by side before.
    /// </summary>
    internal static PackedWeights Unset(long byteLength, string layout) => new(0, byteLength, layout, ownsHandle: true);

    /// <summary>Bytes as asked for.</summary>
    public long ByteLength { get; }

    /// <summary>The layout's name, for example <c>f32/k/n16</c>.</summary>
    public string Layout { get; }

    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    /// <summary>Bytes that it takes.</summary>
    internal long Allocated => Math.Max((ByteLength + Vector - 1) & ~(Vector - 1L), Vector);

    /// <summary>The address, for native kernels; keep this object alive during the call.</summary>
    internal byte* Pointer => handle != 0 ? (byte*)handle : Obtain();

    /// <summary>The memory as values of <typeparamref name="T"/>.</summary>
    public Span<T> Span<T>()
        where T : unmanaged
        => new(Pointer, checked((int)(ByteLength / sizeof(T))));

    /// <summary>Gives weights that nobody has asked for yet their place in a block, which lives as long as they do.</summary>
    internal void Place(NativeBlock block, long offset)
    {
        bool isHeld = false;
        block.DangerousAddRef(ref isHeld);
        _block = block;
        ClearEnd(block.Pointer + offset);
        SetHandle((nint)(block.Pointer + offset));
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        if (_block is null)
        {
            NativePages.Free((void*)handle);
        }
        else
        {
            _block.DangerousRelease();
        }

        return true;
    }

    private byte* Obtain()
    {
        ObjectDisposedException.ThrowIf(IsClosed, this);
        byte* memory = NativePages.Allocate(Allocated);
        ClearEnd(memory);
        if (Interlocked.CompareExchange(ref handle, (nint)memory, 0) != 0)
        {
            NativePages.Free(memory);
        }

        return (byte*)handle;
    }

    private void ClearEnd(byte* memory) => NativeMemory.Clear(memory + Allocated - Vector, Vector);
}
