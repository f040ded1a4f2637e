using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.Runtime;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Subset.Tests;

[TestClass]
public sealed class EnvironmentTests
{
    [TestMethod]
    public void MessagesArriveAtTheLogWithTheirSource()
    {
        var ml = new MLContext(1);
        var seen = new List<LoggingEventArgs>();
        ml.Log += (_, e) => seen.Add(e);
        IHost host = ((IHostEnvironment)ml).Register("XxxEstimator");
        using (IChannel channel = host.Start("Fit"))
        {
            channel.Info(MessageSensitivity.None, "{0} rows", 3);
            channel.Warning(MessageSensitivity.UserData, "careful");
        }

        LoggingEventArgs info = seen.Single(e => e.Kind == ChannelMessageKind.Info);
        Assert.AreEqual("XxxEstimator; Fit", info.Source);
        Assert.AreEqual("3 rows", info.RawMessage);
        Assert.AreEqual("[Source=XxxEstimator; Fit, Kind=Info] 3 rows", info.Message);
        Assert.AreEqual(1, seen.Count(e => e.Kind == ChannelMessageKind.Warning));
        Assert.AreEqual(3, seen.Count(e => e.Kind == ChannelMessageKind.Trace), "started, finished, disposed");
    }

    [TestMethod]
    public void TheContextsSeedMakesHostsReproducible()
    {
        Assert.AreEqual(Draw(new MLContext(7)), Draw(new MLContext(7)));
        Assert.AreNotEqual(Draw(new MLContext(7)), Draw(new MLContext(8)));
        IHostEnvironment env = new MLContext(7);
        Assert.AreNotEqual(env.Register("A").Rand.Next(), env.Register("A").Rand.Next(), "each registration draws from the stream");
        IHostEnvironment other = new MLContext(7);
        other.Register("Z", seed: 5);
        Assert.AreEqual(Draw(new MLContext(7)), other.Register("names do not matter").Rand.Next(), "an explicit seed draws nothing");
    }

    [TestMethod]
    public void OptionsAreKeptByName()
    {
        var ml = new MLContext();
        Assert.IsTrue(ml.TryAddOption("a", 1));
        Assert.IsFalse(ml.TryAddOption("a", 2));
        ml.SetOption("a", 3);
        Assert.IsTrue(ml.TryGetOption("a", out int value));
        Assert.AreEqual(3, value);
        Assert.AreEqual(0, ml.GetOptionOrDefault<int>("absent"));
        Assert.IsTrue(ml.RemoveOption("a"));
    }

    [TestMethod]
    public void ProcessGivesTheSameExceptionBack()
    {
        IHostEnvironment env = new MLContext();
        var exception = new InvalidOperationException("x");
        Assert.AreSame(exception, env.Process(exception));
    }

    private static int Draw(MLContext context) => ((IHostEnvironment)context).Register("A").Rand.Next();
}
