namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>The families of <see cref="Estimator"/>; numbers are stored in files and never change.</summary>
public enum EstimatorKind
{
    /// <summary>1: for rounding inside a range, and for weights.</summary>
    Identity = 0,

    /// <summary>1 where lo ≤ x ≤ hi.</summary>
    Window = 1,

    /// <summary>1 where 0 &lt; x: the derivative of a rectifier.</summary>
    Rectifier = 2,

    /// <summary>1 where 0 &lt; x ≤ top (half-wave Gaussian quantization, the clipped form).</summary>
    ClippedRectifier = 3,

    /// <summary>1 where 0 &lt; x ≤ top, 1/(x − top + 1) beyond (the log-tailed form).</summary>
    LogTail = 4,

    /// <summary>max(0, 2 − 2|x|), and 0 at 1 (Bi-Real Net: the derivative of a piecewise square that runs from −1 to 1).</summary>
    Polynomial = 5,

    /// <summary>β·(2 − βx·tanh(βx/2))/(1 + cosh βx) (BNN+): negative a little away from 0.</summary>
    Swish = 6,

    /// <summary>k·t·(1 − tanh²(t·x)), k = max(1/t, 1), t rising with the run (IR-Net's error decay; t fixed at 1: the soft hinge of feasible targets).</summary>
    Tanh = 7,

    /// <summary>n·|((x/Δ + 3) mod 2) − 1|^(n − 1) where |x| ≤ 2Δ: tents around ±Δ for ternary codes.</summary>
    Tents = 8,
}
