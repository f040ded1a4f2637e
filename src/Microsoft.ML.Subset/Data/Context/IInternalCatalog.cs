using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Gives the environment behind a catalog.</summary>
internal interface IInternalCatalog
{
    public IHostEnvironment Environment { get; }
}

/// <summary>Shorthand for <see cref="IInternalCatalog"/>.</summary>
internal static class CatalogUtils
{
    public static IHostEnvironment GetEnvironment(this IInternalCatalog catalog) => catalog.Environment;
}
