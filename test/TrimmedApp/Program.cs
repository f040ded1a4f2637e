// Loads a model file, runs it on a ramp and prints the outputs: what is left of the library after trimming must still do that.
//   TrimmedApp MODEL.mlq
using System;
using System.Linq;
using Microsoft.ML.Quantization;

using QuantizedModel model = QuantizedModel.Load(args[0], new QuantizedModelOptions { KernelSet = "managed", ThreadCount = 1 });
float[] input = [.. Enumerable.Range(0, model.Signature.Inputs[0].Shape.FixedCount).Select(i => (i - 25) / 16f)];
var output = new float[model.Signature.Outputs[0].Shape.FixedCount];
model.Run(input, output);
Console.WriteLine(string.Join(' ', output.Select(v => BitConverter.SingleToInt32Bits(v).ToString("x8"))));
