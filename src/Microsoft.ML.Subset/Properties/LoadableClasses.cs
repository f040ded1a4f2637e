using Microsoft.ML;
using Microsoft.ML.Data;

[assembly: LoadableClass("Transformers applied one after the other.", typeof(TransformerChain<ITransformer>), typeof(TransformerChain), null,
    typeof(SignatureLoadModel), "Transformer Chain", TransformerChain.LoaderSignature)]
