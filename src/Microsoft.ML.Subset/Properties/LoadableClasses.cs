using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms;

[assembly: LoadableClass("Transformers applied one after the other.", typeof(TransformerChain<ITransformer>), typeof(TransformerChain), null,
    typeof(SignatureLoadModel), "Transformer Chain", TransformerChain.LoaderSignature)]
[assembly: LoadableClass("Copies columns.", typeof(ColumnCopyingTransformer), typeof(ColumnCopyingTransformer), null,
    typeof(SignatureLoadModel), "Copy Columns", ColumnCopyingTransformer.LoaderSignature)]
[assembly: LoadableClass("Joins columns.", typeof(ColumnConcatenatingTransformer), typeof(ColumnConcatenatingTransformer), null,
    typeof(SignatureLoadModel), "Concatenate", ColumnConcatenatingTransformer.LoaderSignature)]
[assembly: LoadableClass("Keeps or drops columns.", typeof(ColumnSelectingTransformer), typeof(ColumnSelectingTransformer), null,
    typeof(SignatureLoadModel), "Select Columns", ColumnSelectingTransformer.LoaderSignature)]
[assembly: LoadableClass("Scales slots.", typeof(NormalizingTransformer), typeof(NormalizingTransformer), null,
    typeof(SignatureLoadModel), "Normalizer", NormalizingTransformer.LoaderSignature)]
[assembly: LoadableClass("Makes keys of values.", typeof(ValueToKeyMappingTransformer), typeof(ValueToKeyMappingTransformer), null,
    typeof(SignatureLoadModel), "Value To Key", ValueToKeyMappingTransformer.LoaderSignature)]
[assembly: LoadableClass("Makes values of keys.", typeof(KeyToValueMappingTransformer), typeof(KeyToValueMappingTransformer), null,
    typeof(SignatureLoadModel), "Key To Value", KeyToValueMappingTransformer.LoaderSignature)]
[assembly: LoadableClass("Converts types.", typeof(TypeConvertingTransformer), typeof(TypeConvertingTransformer), null,
    typeof(SignatureLoadModel), "Convert", TypeConvertingTransformer.LoaderSignature)]
[assembly: LoadableClass("Columns by an action.", typeof(ITransformer), typeof(CustomMappingLoader), null,
    typeof(SignatureLoadModel), "Custom Mapping", CustomMappingLoader.LoaderSignature)]
