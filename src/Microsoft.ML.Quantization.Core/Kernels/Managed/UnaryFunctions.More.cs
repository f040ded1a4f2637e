using System.Runtime.CompilerServices;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <content>Roundings, reciprocal, error function and what is built on it.</content>
internal static partial class UnaryFunctions
{
    /// <summary>√x, correctly rounded.</summary>
    public readonly struct Sqrt : IUnaryFunction
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => T.Sqrt(x);
    }

    /// <summary>|x|: the sign bit cleared.</summary>
    public readonly struct Abs : IUnaryFunction
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => x & T.CreateInt(int.MaxValue);
    }

    /// <summary>−x: the sign bit turned.</summary>
    public readonly struct Negate : IUnaryFunction
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => x ^ T.CreateInt(int.MinValue);
    }

    /// <summary>Largest integer not above x.</summary>
    public readonly struct Floor : IUnaryFunction
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => T.Floor(x);
    }

    /// <summary>Smallest integer not below x.</summary>
    public readonly struct Ceiling : IUnaryFunction
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => T.Ceiling(x);
    }

    /// <summary>Nearest integer, ties to even.</summary>
    public readonly struct Round : IUnaryFunction
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => T.Round(x);
    }

    /// <summary>fl(1 / x).</summary>
    public readonly struct Reciprocal : IUnaryFunction
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => T.Create(1f) / x;
    }

    /// <summary><see cref="FloatMath.Erf(float)"/>.</summary>
    public readonly struct Erf : IUnaryFunction
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => FloatMath.Erf(x);
    }

    /// <summary>fl(fl(x · ½) · fl(1 + erf(fl(x · 0.70710678)))).</summary>
    public readonly struct Gelu : IUnaryFunction
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T>
            => x * T.Create(0.5f) * (T.Create(1f) + FloatMath.Erf(x * T.Create(0.70710678f)));
    }

    /// <summary>fl(fl(x · ½) · fl(1 + tanh(fl(0.79788456 · fl(x + fl(0.044715 · fl(fl(x · x) · x))))))).</summary>
    public readonly struct GeluTanh : IUnaryFunction
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T>
        {
            T inner = T.Create(0.79788456f) * (x + (T.Create(0.044715f) * (x * x * x)));
            return x * T.Create(0.5f) * (T.Create(1f) + FloatMath.Tanh(inner));
        }
    }

    /// <summary>fl(x · tanh(softplus x)), <see cref="Softplus"/>.</summary>
    public readonly struct Mish : IUnaryFunction
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => x * FloatMath.Tanh(default(Softplus).Of(x));
    }

    /// <summary>x &gt; 0 ? 1 : x &lt; 0 ? −1 : x; zeros and NaN pass.</summary>
    public readonly struct Sign : IUnaryFunction
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T>
            => T.Select(T.Less(T.Create(0f), x), T.Create(1f), T.Select(T.Less(x, T.Create(0f)), T.Create(-1f), x));
    }

    /// <summary>fl(x · sigmoid(fl(α · x))).</summary>
    public readonly struct Swish(float alpha) : IUnaryFunction
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => x * FloatMath.Sigmoid(T.Create(alpha) * x);
    }
}
