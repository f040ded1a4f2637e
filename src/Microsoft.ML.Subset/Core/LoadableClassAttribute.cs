using System;

namespace Microsoft.ML;

/// <summary>The signature of loaders of models.</summary>
public delegate void SignatureLoadModel(ModelLoadContext ctx);

/// <summary>Names a class that can be made by name.</summary>
[AttributeUsage(AttributeTargets.Assembly, AllowMultiple = true)]
public abstract class LoadableClassAttributeBase : Attribute
{
    protected LoadableClassAttributeBase(string summary, Type instType, Type loaderType, Type argType, Type sigType, string userName, params string[] loadNames)
    {
        Summary = summary;
        InstanceType = instType;
        LoaderType = loaderType;
        ArgType = argType;
        SigType = sigType;
        UserName = userName;
        LoadNames = loadNames;
    }

    public string Summary { get; }

    public Type InstanceType { get; }

    public Type LoaderType { get; }

    public Type ArgType { get; }

    public Type SigType { get; }

    public string UserName { get; }

    public string[] LoadNames { get; }
}

/// <summary>Names a class that a model can hold.</summary>
public sealed class LoadableClassAttribute : LoadableClassAttributeBase
{
    public LoadableClassAttribute(string summary, Type instType, Type loaderType, Type argType, Type sigType, string userName, params string[] loadNames)
        : base(summary, instType, loaderType, argType, sigType, userName, loadNames)
    {
    }
}
