using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Linq;
using System.Security.Cryptography;
using Microsoft.ML.Quantization.Numerics;
using Microsoft.ML.Quantization.Tensors;

namespace Microsoft.ML.Quantization.Graphs;

/// <summary>Reproducible inputs for verification, and hashes of what comes of them. The same arguments give the same bytes on every machine.</summary>
public static class ReferenceRuns
{
    /// <summary>
    /// Inputs as a caller would give them, one tensor an input, elements in the order of the signature's layout: floats uniform in [−2, 2), or whole pixels 0 to 255
    /// where the signature normalises; bytes 0 to 255; 64-bit integers and Booleans 0 or 1; other integers random within their type.
    /// </summary>
    /// <param name="signature">The inputs.</param>
    /// <param name="batch">Size of the free dimension.</param>
    /// <param name="seed">The seed; the site is the input's index.</param>
    public static Tensor[] Inputs(ModelSignature signature, int batch, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(signature);
        return [.. signature.Inputs.Select((input, site) => Generate(input, batch, new CounterRandom(seed, (ulong)site)))];
    }

    /// <summary>
    /// The graph's inputs for a caller's inputs: planar order, fl(fl(x · Scale[c]) + Offset[c]) where the graph reads floats. Plain loops; the engine's entry must give the same values.
    /// </summary>
    /// <param name="graph">The graph.</param>
    /// <param name="signature">Its signature.</param>
    /// <param name="inputs">One tensor an input, in the signature's element type and layout.</param>
    public static Tensor[] GraphInputs(Graph graph, ModelSignature signature, IReadOnlyList<Tensor> inputs)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(signature);
        ArgumentNullException.ThrowIfNull(inputs);
        return [.. inputs.Select((tensor, i) => Planar(graph[graph.Inputs[i]].Type, signature.Inputs[i], tensor))];
    }

    /// <summary>SHA-256 over the tensors' bytes in order, lower-case hexadecimal.</summary>
    public static string Hash(IEnumerable<Tensor> tensors)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (Tensor tensor in tensors)
        {
            hash.AppendData(tensor.Bytes.Span);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static Tensor Generate(InputSignature input, int batch, CounterRandom random)
    {
        Tensor tensor = Tensor.Allocate(input.Element, input.Shape.Bind(batch));
        int size = input.Element.SizeOf();
        bool pixels = input.Scale.Length > 0 || input.Offset.Length > 0;
        for (int i = 0; i < tensor.Shape.Count; i++)
        {
            Span<byte> element = tensor.WritableBytes.Slice(i * size, size);
            switch (input.Element)
            {
                case ElementType.Float32:
                    BinaryPrimitives.WriteSingleLittleEndian(element, pixels ? random.Integer(i, 0, 255) : (random.Uniform(i) * 4) - 2);
                    break;
                case ElementType.Int64 or ElementType.Boolean:
                    element[0] = (byte)random.Integer(i, 0, 1);
                    break;
                default:
                    for (int b = 0; b < size; b++)
                    {
                        element[b] = (byte)(random.Bits(i) >> (8 * b));
                    }

                    break;
            }
        }

        return tensor;
    }

    private static Tensor Planar(Graphs.ValueType type, InputSignature signature, Tensor source)
    {
        Shape shape = source.Shape;
        bool plain = signature.Element == type.Element && signature.Scale.Length == 0 && signature.Offset.Length == 0;
        if (plain && signature.Layout == RowLayout.Planar)
        {
            return source;
        }

        int channels = shape.Rank > 1 ? shape[1] : 1;
        int pixels = shape.Rank > 1 ? shape.CountOf(2, shape.Rank) : 1;
        int size = signature.Element.SizeOf();
        Tensor result = Tensor.Allocate(type.Element, shape);
        for (int i = 0; i < shape.Count; i++)
        {
            int image = i / (channels * pixels);
            int channel = i / pixels % channels;
            int from = signature.Layout == RowLayout.Planar ? i : (((image * pixels) + (i % pixels)) * channels) + channel;
            ReadOnlySpan<byte> element = source.Bytes.Span.Slice(from * size, size);
            if (plain)
            {
                element.CopyTo(result.WritableBytes.Slice(i * size, size));
            }
            else
            {
                result.Writable<float>()[i] = Normalize(Read(signature.Element, element), signature, channel);
            }
        }

        return result;
    }

    private static float Read(ElementType type, ReadOnlySpan<byte> element) => type switch
    {
        ElementType.UInt8 => element[0],
        ElementType.Int64 => BinaryPrimitives.ReadInt64LittleEndian(element),
        _ => BinaryPrimitives.ReadSingleLittleEndian(element),
    };

    private static float Normalize(float x, InputSignature signature, int channel)
    {
        float scaled = signature.Scale.Length == 0 ? x : x * signature.Scale[signature.Scale.Length == 1 ? 0 : channel];
        return signature.Offset.Length == 0 ? scaled : scaled + signature.Offset[signature.Offset.Length == 1 ? 0 : channel];
    }
}
