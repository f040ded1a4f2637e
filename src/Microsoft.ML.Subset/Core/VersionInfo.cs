using System;
using System.Text;

namespace Microsoft.ML;

/// <summary>What a component writes about itself into the header of its model.</summary>
internal readonly struct VersionInfo
{
    public readonly ulong ModelSignature;
    public readonly uint VerWrittenCur;
    public readonly uint VerReadableCur;
    public readonly uint VerWeCanReadBack;
    public readonly string LoaderSignature;
    public readonly string LoaderSignatureAlt;
    public readonly string LoaderAssemblyName;

    public VersionInfo(string modelSignature, uint verWrittenCur, uint verReadableCur, uint verWeCanReadBack, string loaderAssemblyName, string loaderSignature = null, string loaderSignatureAlt = null)
    {
        ArgumentNullException.ThrowIfNull(modelSignature);
        if (modelSignature.Length != 8)
        {
            throw new ArgumentException("The model signature must have exactly 8 characters.", nameof(modelSignature));
        }

        ModelSignature = Pack(modelSignature);
        VerWrittenCur = verWrittenCur;
        VerReadableCur = verReadableCur;
        VerWeCanReadBack = verWeCanReadBack;
        LoaderSignature = CheckLoader(loaderSignature);
        LoaderSignatureAlt = CheckLoader(loaderSignatureAlt);
        LoaderAssemblyName = loaderAssemblyName;
    }

    // Characters go into the number from the low byte up; a space is stored as 0.
    private static ulong Pack(string signature)
    {
        ulong packed = 0;
        for (int i = signature.Length - 1; i >= 0; i--)
        {
            char c = signature[i];
            if (c > 0xFF)
            {
                throw new ArgumentException("The model signature must consist of characters below U+0100.", nameof(signature));
            }

            packed = (packed << 8) | (c == ' ' ? 0ul : c);
        }

        return packed;
    }

    private static string CheckLoader(string signature)
    {
        if (signature != null && (signature.Length > ModelHeader.LoaderSignatureSize || !Ascii.IsValid(signature)))
        {
            throw new ArgumentException("A loader signature has at most 24 ASCII characters.", nameof(signature));
        }

        return signature;
    }
}
