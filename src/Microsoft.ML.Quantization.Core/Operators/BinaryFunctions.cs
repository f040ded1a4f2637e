using Microsoft.ML.Quantization.Numerics;

namespace Microsoft.ML.Quantization.Operators;

/// <summary>The functions of <see cref="Graphs.Nodes.BinaryOperator"/> over lanes, all but the power, which is scalar.</summary>
internal static class BinaryFunctions
{
    internal readonly struct Add : IBinaryFunction
    {
        public T Of<T>(T a, T b)
            where T : unmanaged, ILanes<T> => a + b;
    }

    internal readonly struct Subtract : IBinaryFunction
    {
        public T Of<T>(T a, T b)
            where T : unmanaged, ILanes<T> => a - b;
    }

    internal readonly struct Multiply : IBinaryFunction
    {
        public T Of<T>(T a, T b)
            where T : unmanaged, ILanes<T> => a * b;
    }

    internal readonly struct Divide : IBinaryFunction
    {
        public T Of<T>(T a, T b)
            where T : unmanaged, ILanes<T> => a / b;
    }

    internal readonly struct Minimum : IBinaryFunction
    {
        public T Of<T>(T a, T b)
            where T : unmanaged, ILanes<T> => T.Select(T.Less(b, a), b, a);
    }

    internal readonly struct Maximum : IBinaryFunction
    {
        public T Of<T>(T a, T b)
            where T : unmanaged, ILanes<T> => T.Select(T.Less(a, b), b, a);
    }

    internal readonly struct PRelu : IBinaryFunction
    {
        public T Of<T>(T a, T b)
            where T : unmanaged, ILanes<T> => T.Select(T.Less(a, T.Create(0f)), b * a, a);
    }
}
