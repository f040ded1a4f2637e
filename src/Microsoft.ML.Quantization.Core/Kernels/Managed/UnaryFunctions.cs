using System.Runtime.CompilerServices;
using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>The functions of one element; fl(·) is rounding to float32, nothing else is fused.</summary>
internal static partial class UnaryFunctions
{
    /// <summary>x &lt; low ? low : x &gt; high ? high : x; NaN passes.</summary>
    public readonly struct Clip(float low, float high) : IUnaryFunction
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => Lane.Clamp(x, T.Create(low), T.Create(high));
    }

    /// <summary>x &lt; 0 ? fl(α · x) : x.</summary>
    public readonly struct LeakyRelu(float alpha) : IUnaryFunction
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => T.Select(T.Less(x, T.Create(0f)), T.Create(alpha) * x, x);
    }

    /// <summary>x &lt; 0 ? fl(α · fl(exp x − 1)) : x.</summary>
    public readonly struct Elu(float alpha) : IUnaryFunction
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T>
            => T.Select(T.Less(x, T.Create(0f)), T.Create(alpha) * (FloatMath.Exp(x) - T.Create(1f)), x);
    }

    /// <summary>fl(γ · (x ≤ 0 ? fl(α · fl(exp x − 1)) : x)).</summary>
    public readonly struct Selu(float alpha, float gamma) : IUnaryFunction
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T>
            => T.Create(gamma) * T.Select(T.Less(x, T.Create(0f)) | T.Same(x, T.Create(0f)), T.Create(alpha) * (FloatMath.Exp(x) - T.Create(1f)), x);
    }

    /// <summary>(x &gt; 0 ? x : 0) + (v &lt; 0 ? v : 0) with v = fl(α · fl(exp(fl(x / α)) − 1)).</summary>
    public readonly struct Celu(float alpha) : IUnaryFunction
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T>
        {
            T v = T.Create(alpha) * (FloatMath.Exp(x / T.Create(alpha)) - T.Create(1f));
            return (x & T.Less(T.Create(0f), x)) + (v & T.Less(v, T.Create(0f)));
        }
    }

    /// <summary>x &gt; α ? x : 0.</summary>
    public readonly struct ThresholdedRelu(float alpha) : IUnaryFunction
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => x & T.Less(T.Create(alpha), x);
    }

    /// <summary><see cref="FloatMath.Sigmoid(float)"/>.</summary>
    public readonly struct Sigmoid : IUnaryFunction
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => FloatMath.Sigmoid(x);
    }

    /// <summary>clip(fl(fl(α · x) + β), 0, 1).</summary>
    public readonly struct HardSigmoid(float alpha, float beta) : IUnaryFunction
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T>
            => Lane.Clamp((T.Create(alpha) * x) + T.Create(beta), T.Create(0f), T.Create(1f));
    }

    /// <summary>fl(x · clip(fl(fl(x / 6) + ½), 0, 1)).</summary>
    public readonly struct HardSwish : IUnaryFunction
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T>
            => x * Lane.Clamp((x / T.Create(6f)) + T.Create(0.5f), T.Create(0f), T.Create(1f));
    }

    /// <summary><see cref="FloatMath.Tanh(float)"/>.</summary>
    public readonly struct Tanh : IUnaryFunction
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => FloatMath.Tanh(x);
    }

    /// <summary>(x &gt; 0 ? x : 0) + log(fl(1 + exp(−|x|))), which does not overflow.</summary>
    public readonly struct Softplus : IUnaryFunction
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T>
            => (x & T.Less(T.Create(0f), x)) + FloatMath.Log(T.Create(1f) + FloatMath.Exp(x | T.CreateInt(int.MinValue)));
    }

    /// <summary>fl(x / fl(1 + |x|)).</summary>
    public readonly struct Softsign : IUnaryFunction
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => x / (T.Create(1f) + (x & T.CreateInt(int.MaxValue)));
    }

    /// <summary><see cref="FloatMath.Exp(float)"/>.</summary>
    public readonly struct Exp : IUnaryFunction
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => FloatMath.Exp(x);
    }

    /// <summary><see cref="FloatMath.Log(float)"/>.</summary>
    public readonly struct Log : IUnaryFunction
    {
        /// <inheritdoc/>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public T Of<T>(T x)
            where T : unmanaged, ILanes<T> => FloatMath.Log(x);
    }
}
