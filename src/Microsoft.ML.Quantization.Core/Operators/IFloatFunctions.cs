using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>A function of one float, written once for any number of lanes.</summary>
internal interface IUnaryFunction
{
    /// <summary>The function in every lane.</summary>
    public T Of<T>(T x)
        where T : unmanaged, ILanes<T>;
}

/// <summary>A function of two floats, written once for any number of lanes.</summary>
internal interface IBinaryFunction
{
    /// <summary>The function in every lane.</summary>
    public T Of<T>(T a, T b)
        where T : unmanaged, ILanes<T>;
}

/// <summary>A function of three floats, written once for any number of lanes.</summary>
internal interface ITernaryFunction
{
    /// <summary>The function in every lane.</summary>
    public T Of<T>(T a, T b, T c)
        where T : unmanaged, ILanes<T>;
}
