namespace Microsoft.ML.Quantization.Graphs.Nodes;

/// <summary>
/// Functions of one element. Numbers are part of the file format. Evaluated as written, from left to right, each step rounded to float32, with exp, log, tanh, sigmoid, erf and
/// pow of Numerics; where the written form could overflow, the form behind "as" is the one evaluated.
/// </summary>
public enum UnaryOperator
{
    /// <summary>x &lt; α ? α : x &gt; β ? β : x. ReLU is α = 0, β = ∞.</summary>
    Clip = 1,

    /// <summary>x &lt; 0 ? α·x : x.</summary>
    LeakyRelu = 2,

    /// <summary>x &lt; 0 ? α·(exp x − 1) : x.</summary>
    Elu = 3,

    /// <summary>β·(x &lt;= 0 ? α·(exp x − 1) : x).</summary>
    Selu = 4,

    /// <summary>max(0, x) + min(0, α·(exp(x/α) − 1)); max is x &gt; 0 ? x : 0, min v &lt; 0 ? v : 0.</summary>
    Celu = 5,

    /// <summary>x &gt; α ? x : 0.</summary>
    ThresholdedRelu = 6,

    /// <summary>1 / (1 + exp −x).</summary>
    Sigmoid = 7,

    /// <summary>clip(α·x + β, 0, 1).</summary>
    HardSigmoid = 8,

    /// <summary>x · clip(x/6 + ½, 0, 1), x/6 being a division.</summary>
    HardSwish = 9,

    /// <summary>tanh x.</summary>
    Tanh = 10,

    /// <summary>log(1 + exp x), as (x &gt; 0 ? x : 0) + log(1 + exp −|x|).</summary>
    Softplus = 11,

    /// <summary>x / (1 + |x|).</summary>
    Softsign = 12,

    /// <summary>exp x.</summary>
    Exp = 13,

    /// <summary>Natural logarithm.</summary>
    Log = 14,

    /// <summary>√x.</summary>
    Sqrt = 15,

    /// <summary>|x|.</summary>
    Abs = 16,

    /// <summary>−x.</summary>
    Negate = 17,

    /// <summary>Largest integer not above x.</summary>
    Floor = 18,

    /// <summary>Smallest integer not below x.</summary>
    Ceiling = 19,

    /// <summary>Nearest integer, ties to even.</summary>
    Round = 20,

    /// <summary>1 / x.</summary>
    Reciprocal = 21,

    /// <summary>Error function.</summary>
    Erf = 22,

    /// <summary>x/2 · (1 + erf(x/√2)), as fl(x·½) · (1 + erf(x · 0.70710678f)).</summary>
    Gelu = 23,

    /// <summary>x/2 · (1 + tanh(√(2/π)·(x + 0.044715·x³))), as fl(x·½) · (1 + tanh(0.79788456f · (x + 0.044715f · ((x·x)·x)))).</summary>
    GeluTanh = 24,

    /// <summary>x · tanh(softplus x).</summary>
    Mish = 25,

    /// <summary>x &gt; 0 ? 1 : x &lt; 0 ? −1 : x.</summary>
    Sign = 26,

    /// <summary>x · sigmoid(α·x).</summary>
    Swish = 27,
}

/// <summary>Functions of two elements. Numbers are part of the file format.</summary>
public enum BinaryOperator
{
    /// <summary>a + b.</summary>
    Add = 1,

    /// <summary>a − b.</summary>
    Subtract = 2,

    /// <summary>a · b.</summary>
    Multiply = 3,

    /// <summary>a / b; integers truncate, and x / 0 is 0. All integer results wrap.</summary>
    Divide = 4,

    /// <summary>a to the power b.</summary>
    Power = 5,

    /// <summary>b &lt; a ? b : a.</summary>
    Minimum = 6,

    /// <summary>b &gt; a ? b : a.</summary>
    Maximum = 7,

    /// <summary>a &lt; 0 ? b·a : a.</summary>
    PRelu = 8,
}

/// <summary>One function of each element of x, float32.</summary>
public sealed record Unary : Node
{
    /// <summary>The function.</summary>
    public required UnaryOperator Operator { get; init; }

    /// <summary>α, where the function has one.</summary>
    public float Alpha { get; init; }

    /// <summary>β, where the function has one.</summary>
    public float Beta { get; init; }

    /// <summary>Whether training takes what the node writes for a constant, so that no gradient passes it; says nothing elsewhere, and is gone from hardened graphs.</summary>
    public bool StopsGradient { get; init; }

    /// <inheritdoc/>
    public override void Describe(NodeAttributes attributes)
    {
        attributes.Set("operator", Operator).Set("alpha", Alpha).Set("beta", Beta);
        if (StopsGradient)
        {
            attributes.Set("stopsGradient", true);
        }
    }

    internal static Unary Read(NodeAttributes a) => new()
    {
        Operator = a.Enum<UnaryOperator>("operator"),
        Alpha = a.Float("alpha"),
        Beta = a.Float("beta"),
        StopsGradient = a.Has("stopsGradient") && a.Flag("stopsGradient"),
    };
}

/// <summary>One function of the elements of a and b (float32, or both int64 or int32), broadcast as numpy does; then the activation (float only).</summary>
public sealed record Binary : Node
{
    /// <summary>The function.</summary>
    public required BinaryOperator Operator { get; init; }

    /// <summary>Clamp behind it.</summary>
    public Activation Activation { get; init; } = Activation.None;

    /// <inheritdoc/>
    public override void Describe(NodeAttributes attributes)
    {
        attributes.Set("operator", Operator);
        Activation.Describe(attributes);
    }

    internal static Binary Read(NodeAttributes a) => new() { Operator = a.Enum<BinaryOperator>("operator"), Activation = Activation.Read(a) };
}

/// <summary>condition (Boolean) ? a : b, broadcast.</summary>
public sealed record Where : Node
{
    /// <inheritdoc/>
    public override void Describe(NodeAttributes attributes)
    {
        // No attributes.
    }
}

/// <summary>Converts the element type; float to integer truncates toward zero and saturates, NaN gives 0; integer to a narrower integer keeps the low bits; to Boolean is x ≠ 0.</summary>
public sealed record Cast : Node
{
    /// <summary>The result's element type.</summary>
    public required Tensors.ElementType To { get; init; }

    /// <inheritdoc/>
    public override void Describe(NodeAttributes attributes) => attributes.Set("to", To);

    internal static Cast Read(NodeAttributes a) => new() { To = a.Enum<Tensors.ElementType>("to") };
}
