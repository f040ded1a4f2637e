using System;
using System.Collections.Generic;
using System.IO;
using System.Threading;
using Microsoft.ML.Quantization.Tensors;
using Microsoft.Win32.SafeHandles;
using ValueType = Microsoft.ML.Quantization.Graphs.ValueType;

namespace Microsoft.ML.Quantization.Serialization;

/// <summary>
/// The weight section of an open model file. While the model is made ready its bytes lie outside the collected heap; <see cref="Release"/> frees them, copies what runs still need, and
/// leaves the weights that were packed to the file, which stays open: whoever asks for them (saving does) gets them read and checked again.
/// </summary>
internal sealed class StoredWeights : WeightSection, IDisposable
{
    private readonly Lock _gate = new();
    private readonly List<StoredConstant> _constants = [];
    private readonly SafeFileHandle _file;
    private readonly NativeBytes _memory;
    private readonly FileSection _section;
    private readonly byte[] _checksum;
    private WeakReference<byte[]>? _again;

    /// <summary>Takes over the open file and the memory that holds all of it.</summary>
    public StoredWeights(SafeFileHandle file, NativeBytes memory, FileSection section)
        : base(section.Data)
    {
        _file = file;
        _memory = memory;
        _section = section with { Data = default, Expected = default };
        _checksum = section.Expected.ToArray();
        Size = section.Data.Length;
    }

    /// <summary>Bytes of the section.</summary>
    private int Size { get; }

    /// <inheritdoc/>
    public override unsafe Tensor Constant(ValueType type, int offset)
    {
        NativeBytes? unpacked = null;
        byte* place = _memory.Pointer + _section.Offset + offset;
        if (ConstantStore.PackedBits(type) > 0)
        {
            unpacked = new NativeBytes(type.Shape.Count);
            ConstantStore.Unpack(type, new ReadOnlySpan<byte>(place, (int)ConstantStore.Length(type)), unpacked.Memory.Span);
            place = unpacked.Pointer;
        }

        var constant = new StoredConstant(this, type, offset, place, unpacked);
        _constants.Add(constant);
        return new Tensor(type.Element, type.Shape, constant.Memory);
    }

    /// <summary>Frees the memory. Nobody may hold spans of constants; the tensors stay valid.</summary>
    /// <param name="packed">Constants that nothing reads any more but whoever writes the model.</param>
    public void Release(IReadOnlySet<Tensor> packed)
    {
        var left = new HashSet<StoredConstant>(ReferenceEqualityComparer.Instance);
        foreach (Tensor tensor in packed)
        {
            if (System.Runtime.InteropServices.MemoryMarshal.TryGetMemoryManager(tensor.Bytes, out StoredConstant? constant) && constant.Length >= StoredConstant.SmallBytes)
            {
                left.Add(constant);
            }
        }

        _constants.ForEach(c => c.Release(keep: !left.Contains(c)));
        _constants.Clear();
        _memory.Free();
    }

    /// <summary>The bytes of the section, read again; the same array for as long as somebody holds it.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.CorruptModel"/>: the file is not what it was.</exception>
    /// <exception cref="IOException">The file cannot be read any more.</exception>
    public byte[] Again()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_file.IsClosed, typeof(QuantizedModel));
            if (_again is not null && _again.TryGetTarget(out byte[]? held))
            {
                return held;
            }

            byte[] bytes = GC.AllocateUninitializedArray<byte>(Size);
            int read = ModelFile.ReadAt(_file, bytes, _section.Offset);
            if (read < Size || !ModelChecksums.Holds(_section.Checksum, bytes, _checksum))
            {
                throw new QuantizationException(QuantizationErrorCode.CorruptModel, "Model file: expected the weights that were loaded from it, found others: the file was written over in place. Runs go on; load the model again to save it.");
            }

            _again = new WeakReference<byte[]>(bytes);
            return bytes;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _constants.ForEach(c => c.Release(keep: false));
        _constants.Clear();
        _memory.Free();
        _file.Dispose();
    }
}
