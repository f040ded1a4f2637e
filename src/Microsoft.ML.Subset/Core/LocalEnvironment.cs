using System;
using System.Reflection;

namespace Microsoft.ML.Runtime;

/// <summary>The environment behind a context, and the hosts registered on it.</summary>
internal sealed class LocalEnvironment : IHost
{
    private readonly LocalEnvironment _root;
    private readonly string _name;
    private readonly object _lock = new();

    public LocalEnvironment(int? seed, Action<string, ChannelMessage> listener)
    {
        _root = this;
        Seed = seed;
        Listener = listener;
        Rand = seed is { } s ? new Random(s) : new Random();
        ComponentCatalog = new ComponentCatalog();
        ComponentCatalog.RegisterAssembly(Assembly.GetExecutingAssembly());
    }

    private LocalEnvironment(LocalEnvironment parent, string name, int seed)
    {
        _root = parent._root;
        _name = parent._name == null ? name : parent._name + "; " + name;
        Seed = seed;
        Listener = _root.Listener;
        Rand = new Random(seed);
        ComponentCatalog = _root.ComponentCatalog;
    }

    public Action<string, ChannelMessage> Listener { get; }

    public int? Seed { get; }

    public Random Rand { get; }

    public ComponentCatalog ComponentCatalog { get; }

    public string ContextDescription => _name ?? "MLContext";

    // Each registration draws from the parent's stream, so the seeds depend on the order of creation and not on names.
    public IHost Register(string name, int? seed = null, bool? verbose = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        lock (_lock)
        {
            return new LocalEnvironment(this, name, seed ?? Rand.Next());
        }
    }

    public IChannel Start(string name) => new Channel(this, _name == null ? name : _name + "; " + name);

    public IPipe<TMessage> StartPipe<TMessage>(string name) => new SilentPipe<TMessage>(this);

    public IProgressChannel StartProgressChannel(string name) => new SilentProgress();

    public TException Process<TException>(TException ex)
        where TException : Exception
    {
        if (ex != null)
        {
            Errors.Mark(ex);
            ex.Data["Context"] = ContextDescription;
        }

        return ex;
    }

    private sealed class SilentPipe<TMessage>(LocalEnvironment parent) : IPipe<TMessage>
    {
        public string ContextDescription => parent.ContextDescription;

        public TException Process<TException>(TException ex)
            where TException : Exception
            => parent.Process(ex);

        public void Send(TMessage msg)
        {
        }

        public void Dispose()
        {
        }
    }

    private sealed class SilentProgress : IProgressChannel
    {
        public IProgressChannel StartProgressChannel(string name) => this;

        public void SetHeader(ProgressHeader header, Action<IProgressEntry> fillAction)
        {
        }

        public void Checkpoint(params double?[] values)
        {
        }

        public void Dispose()
        {
        }
    }
}
