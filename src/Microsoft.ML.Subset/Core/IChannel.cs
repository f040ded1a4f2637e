using System;

namespace Microsoft.ML.Runtime;

/// <summary>Takes messages.</summary>
public interface IPipe<TMessage> : IExceptionContext, IDisposable
{
    public void Send(TMessage msg);
}

/// <summary>Takes texts.</summary>
public interface IChannel : IPipe<ChannelMessage>
{
    public void Trace(MessageSensitivity sensitivity, string fmt);

    public void Trace(MessageSensitivity sensitivity, string fmt, params object[] args);

    public void Error(MessageSensitivity sensitivity, string fmt);

    public void Error(MessageSensitivity sensitivity, string fmt, params object[] args);

    public void Warning(MessageSensitivity sensitivity, string fmt);

    public void Warning(MessageSensitivity sensitivity, string fmt, params object[] args);

    public void Info(MessageSensitivity sensitivity, string fmt);

    public void Info(MessageSensitivity sensitivity, string fmt, params object[] args);
}
