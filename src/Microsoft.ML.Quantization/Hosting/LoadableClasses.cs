using System.Runtime.CompilerServices;
using Microsoft.ML;
using Microsoft.ML.Quantization;
using Microsoft.ML.Quantization.Hosting;
using Microsoft.ML.Quantization.Scoring;
using Microsoft.ML.Runtime;

[assembly: IgnoresAccessChecksTo("Microsoft.ML.Core")]
[assembly: LoadableClass(
    "Scores rows with a quantized network.",
    typeof(QuantizedModelTransformer),
    typeof(QuantizedModelLoader),
    null,
    typeof(SignatureLoadModel),
    "Quantized network",
    QuantizedModelTransformer.LoaderSignature)]

namespace Microsoft.ML.Quantization.Hosting
{
    /// <summary>The host finds this by the attribute above when a model file names this assembly.</summary>
    internal static class QuantizedModelLoader
    {
        internal static QuantizedModelTransformer Create(IHostEnvironment env, object ctx)
            => ScoringModelIO.Read(env, ModelIO.BeginRead(ctx, QuantizedModelTransformer.ModelSignature, QuantizedModelTransformer.LoaderSignature));
    }
}

// The runtime looks for the attribute under this name.
#pragma warning disable IDE0130
namespace System.Runtime.CompilerServices
#pragma warning restore IDE0130
{
    /// <summary>Read by the runtime, by name: lets this assembly's attribute use a constructor that the host keeps internal.</summary>
    [System.AttributeUsage(System.AttributeTargets.Assembly, AllowMultiple = true)]
    internal sealed class IgnoresAccessChecksToAttribute(string assemblyName) : System.Attribute
    {
        public string AssemblyName { get; } = assemblyName;
    }
}
