using System;

namespace Microsoft.ML.Runtime;

/// <summary>Annotates exceptions with the place they come from.</summary>
public interface IExceptionContext
{
    public string ContextDescription { get; }

    public TException Process<TException>(TException ex)
        where TException : Exception;
}

/// <summary>Opens channels for messages.</summary>
public interface IChannelProvider : IExceptionContext
{
    public IChannel Start(string name);

    public IPipe<TMessage> StartPipe<TMessage>(string name);
}

/// <summary>What a component gets from its host.</summary>
public interface IHostEnvironment : IChannelProvider, IProgressChannelProvider
{
    public ComponentCatalog ComponentCatalog { get; }

    public IHost Register(string name, int? seed = null, bool? verbose = null);
}

/// <summary>The environment of one component, with its random numbers.</summary>
public interface IHost : IHostEnvironment
{
    public Random Rand { get; }
}
