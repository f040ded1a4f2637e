using System.Globalization;
using System.Linq;

namespace Microsoft.ML.Quantization.Quantizers.Methods;

/// <summary>The one error of options out of range.</summary>
internal static class MethodChecks
{
    /// <summary>Refuses a method.</summary>
    /// <exception cref="QuantizationException"><see cref="QuantizationErrorCode.InvalidOptions"/>.</exception>
    public static void Require(bool isValid, QuantizationMethod method)
    {
        if (!isValid)
        {
            string settings = string.Join(", ", method.Settings.Select(s => s.ToString("R", CultureInfo.InvariantCulture)));
            throw new QuantizationException(QuantizationErrorCode.InvalidOptions, $"Method '{method.Name}': expected options in the ranges that its documentation gives, found {settings}.");
        }
    }
}
