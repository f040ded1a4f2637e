using System;
using System.Collections.Generic;
using System.Globalization;

namespace Microsoft.ML.Quantization.QuantizationAware;

/// <content>One layer.</content>
public sealed partial record LevelReport
{
    /// <summary>One layer.</summary>
    /// <param name="Name">The weights.</param>
    /// <param name="Method">Method and bits.</param>
    /// <param name="Inputs">n: products of one output.</param>
    /// <param name="Outputs">Output channels.</param>
    /// <param name="Cosine">Mean over channels of the cosine between weights and quantized weights; 0.798 for signs of Gaussian weights, 0.900 for their best ternary form.</param>
    /// <param name="SmallestCosine">The smallest of a channel.</param>
    /// <param name="Positive">Share of levels above 0; far from a half (a quarter for ternary ones) is unsound.</param>
    /// <param name="Zero">Share of levels that are 0 (those of dead channels count); about 0.42 to 0.46 for ternary ones.</param>
    /// <param name="Dead">Channels whose weights have all one level, or a size below 1e-9.</param>
    /// <param name="MeanSize">mean |w| of the latent weights.</param>
    /// <param name="Flipped">Share of codes that differ from those of an earlier graph; NaN without one.</param>
    /// <param name="Proportion">Correlation, over random Gaussian inputs, of w·a and ŵ·â: â is what the quantizer of one bit in front makes of a, its sign or whether it is at least 0; a itself where there is none.
    /// NaN for no channel that is alive.</param>
    public sealed record Row(
        string Name, string Method, int Inputs, int Outputs, double Cosine, double SmallestCosine, double Positive, double Zero, int Dead, double MeanSize, double Flipped, double Proportion)
    {
        private const double StarvedWindow = 0.2;
        private const double WideAngle = 45;
        private const double ManyFlips = 1e-2;
        private const double FewPositive = 0.3;

        /// <summary>Groups of weights that have levels of their own: 1 for the layer, or its output channels.</summary>
        public int Groups { get; init; } = 1;

        /// <summary>Where latent weights are clipped; NaN for nowhere.</summary>
        public double Bound { get; init; } = double.NaN;

        /// <summary>Share of latent weights at the bound where they are clipped; NaN for none.</summary>
        public double AtBound { get; init; } = double.NaN;

        /// <summary>Share of codes that the last step of training changed; from about 1e-2 down to 1e-5 in a sound run. NaN where nobody counted.</summary>
        public double FlippedByStep { get; init; } = double.NaN;

        /// <summary>‖soft − hard‖/‖hard‖ of the weights at the end of training where the method trains with soft levels; NaN elsewhere.</summary>
        public double SoftGap { get; init; } = double.NaN;

        /// <summary>Output channels whose folded thresholds lie out of the accumulator's reach, so that their code is always the same; null where the layer's outputs are not compared with integers.</summary>
        public int? ConstantOutputs { get; init; }

        /// <summary>Share of inputs through which gradients pass; below 0.2 starves, 1 makes the window useless. NaN without rows, as the next ones.</summary>
        public double Window { get; init; } = double.NaN;

        /// <summary>Mean over channels of the entropy of the input's levels, in bits.</summary>
        public double Entropy { get; init; } = double.NaN;

        /// <summary>As <see cref="Proportion"/>, over inputs of real rows: w·a and ŵ·â.</summary>
        public double RowProportion { get; init; } = double.NaN;

        /// <summary>The angle of <see cref="Cosine"/> in degrees.</summary>
        public double Angle => Math.Acos(Math.Clamp(Cosine, -1, 1)) * 180 / Math.PI;

        /// <summary>10·log10 of signal over error at the best scale, −10·log10(1 − cos²); 4.40 dB for signs of Gaussian weights.</summary>
        public double SignalToNoise => -10 * Math.Log10(Math.Max(1e-12, 1 - (Cosine * Cosine)));

        /// <summary>What is unsound, in words; empty for nothing.</summary>
        public IEnumerable<string> Alarms
        {
            get
            {
                if (Zero == 0 && Positive is < FewPositive or > 1 - FewPositive)
                {
                    yield return string.Create(CultureInfo.InvariantCulture, $"{Positive:P0} of the signs are +1");
                }

                if (Dead > 0)
                {
                    yield return string.Create(CultureInfo.InvariantCulture, $"{Dead} dead channels");
                }

                if (Angle > WideAngle)
                {
                    yield return "a few weights dominate: more levels fit them better";
                }

                if (Window < StarvedWindow)
                {
                    yield return "few gradients pass the window";
                }

                if (FlippedByStep > ManyFlips)
                {
                    yield return "codes still flip at the end: a smaller learning rate";
                }

                if (ConstantOutputs > 0)
                {
                    yield return string.Create(CultureInfo.InvariantCulture, $"{ConstantOutputs} outputs are always the same");
                }
            }
        }

        internal string Fact => string.Create(
            CultureInfo.InvariantCulture,
            $"{Method}; groups {Groups}; cosine {Cosine:F4} (least {SmallestCosine:F4}); above zero {Positive:F3}; zero {Zero:F3}; dead {Dead} of {Outputs}; flipped {Number(Flipped)}, by a step {Number(FlippedByStep)}; proportion {Number(Proportion)}, on rows {Number(RowProportion)}; mean size {MeanSize:G3}, bound {Number(Bound)}, at bound {Number(AtBound)}; soft gap {Number(SoftGap)}; window {Number(Window)}; entropy {Number(Entropy)}; constant outputs {Count(ConstantOutputs)}; alarms: {AllAlarms}");

        internal string Line => string.Create(
            CultureInfo.InvariantCulture,
            $"| {Name} | {Method} | {Inputs} | {Outputs} | {(Groups == 1 ? "layer" : "channel")} | {Cosine:F4}/{SmallestCosine:F4} | {Angle:F1}° | {SignalToNoise:F2} | {Positive:F3} | {Zero:F3} | {Dead} | {MeanSize:G3} | {Number(Bound)} | {Number(AtBound)} | {Number(Flipped)} | {Number(FlippedByStep)} | {Number(SoftGap)} | {Number(Proportion)} | {Number(RowProportion)} | {Number(Window)} | {Number(Entropy)} | {Count(ConstantOutputs)} | {AllAlarms} |");

        private string AllAlarms => string.Join(", ", Alarms) is { Length: > 0 } alarms ? alarms : "-";

        private static string Number(double value) => double.IsNaN(value) ? "-" : value.ToString("G3", CultureInfo.InvariantCulture);

        private static string Count(int? value) => value?.ToString(CultureInfo.InvariantCulture) ?? "-";
    }
}
