using System.Runtime.CompilerServices;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>The functions of two elements.</summary>
internal static class BinaryFunctions
{
    /// <summary>a + b.</summary>
    public readonly struct Add : IBinaryFunction
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Of<T>(T a, T b)
            where T : unmanaged, ILanes<T> => a + b;
    }

    /// <summary>a − b.</summary>
    public readonly struct Subtract : IBinaryFunction
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Of<T>(T a, T b)
            where T : unmanaged, ILanes<T> => a - b;
    }

    /// <summary>a · b.</summary>
    public readonly struct Multiply : IBinaryFunction
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Of<T>(T a, T b)
            where T : unmanaged, ILanes<T> => a * b;
    }

    /// <summary>a / b.</summary>
    public readonly struct Divide : IBinaryFunction
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Of<T>(T a, T b)
            where T : unmanaged, ILanes<T> => a / b;
    }

    /// <summary>b &lt; a ? b : a.</summary>
    public readonly struct Minimum : IBinaryFunction
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Of<T>(T a, T b)
            where T : unmanaged, ILanes<T> => T.Select(T.Less(b, a), b, a);
    }

    /// <summary>b &gt; a ? b : a.</summary>
    public readonly struct Maximum : IBinaryFunction
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Of<T>(T a, T b)
            where T : unmanaged, ILanes<T> => T.Select(T.Less(a, b), b, a);
    }

    /// <summary>a &lt; 0 ? fl(b · a) : a.</summary>
    public readonly struct PRelu : IBinaryFunction
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Of<T>(T a, T b)
            where T : unmanaged, ILanes<T> => T.Select(T.Less(a, T.Create(0f)), b * a, a);
    }

    /// <summary><see cref="FloatMath.Pow"/>, lane by lane; a vector of squares is multiplied at once, which is the same.</summary>
    public readonly unsafe struct Power : IBinaryFunction
    {
        /// <inheritdoc/>
        public T Of<T>(T a, T b)
            where T : unmanaged, ILanes<T>
        {
            float* x = stackalloc float[T.Count];
            float* y = stackalloc float[T.Count];
            T.Store(x, a);
            T.Store(y, b);
            bool squares = true;
            for (int i = 0; i < T.Count; i++)
            {
                squares &= y[i] == 2;
            }

            if (squares)
            {
                return a * a;
            }

            for (int i = 0; i < T.Count; i++)
            {
                x[i] = FloatMath.Pow(x[i], y[i]);
            }

            return T.Load(x);
        }
    }
}
