namespace QuantizationAwareTraining;

/// <summary>One row of the table.</summary>
/// <param name="Name">What was made.</param>
/// <param name="Float">Accuracy of the float network.</param>
/// <param name="AfterTraining">Accuracy when quantized after training.</param>
/// <param name="Trained">Accuracy when trained with its quantizers.</param>
/// <param name="FileBytes">Length of the trained model's file.</param>
/// <param name="Course">How training went.</param>
public sealed record Outcome(string Name, double Float, double AfterTraining, double Trained, long FileBytes, Course Course);
