using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>Where transforms are made; its methods are extension methods.</summary>
public sealed class TransformsCatalog : IInternalCatalog
{
    private readonly IHostEnvironment _env;

    internal TransformsCatalog(IHostEnvironment env)
    {
        _env = env;
        Categorical = new CategoricalTransforms(this);
        Conversion = new ConversionTransforms(this);
        Text = new TextTransforms(this);
        FeatureSelection = new FeatureSelectionTransforms(this);
    }

    public CategoricalTransforms Categorical { get; }

    public ConversionTransforms Conversion { get; }

    public TextTransforms Text { get; }

    public FeatureSelectionTransforms FeatureSelection { get; }

    IHostEnvironment IInternalCatalog.Environment => _env;

    /// <summary>A part of the catalog.</summary>
    public abstract class SubCatalogBase : IInternalCatalog
    {
        private readonly IHostEnvironment _env;

        private protected SubCatalogBase(TransformsCatalog owner) => _env = owner._env;

        IHostEnvironment IInternalCatalog.Environment => _env;
    }

    /// <summary>Transforms of categories.</summary>
    public sealed class CategoricalTransforms : SubCatalogBase
    {
        internal CategoricalTransforms(TransformsCatalog owner)
            : base(owner)
        {
        }
    }

    /// <summary>Conversions of types.</summary>
    public sealed class ConversionTransforms : SubCatalogBase
    {
        internal ConversionTransforms(TransformsCatalog owner)
            : base(owner)
        {
        }
    }

    /// <summary>Transforms of text.</summary>
    public sealed class TextTransforms : SubCatalogBase
    {
        internal TextTransforms(TransformsCatalog owner)
            : base(owner)
        {
        }
    }

    /// <summary>Selections of features.</summary>
    public sealed class FeatureSelectionTransforms : SubCatalogBase
    {
        internal FeatureSelectionTransforms(TransformsCatalog owner)
            : base(owner)
        {
        }
    }
}
