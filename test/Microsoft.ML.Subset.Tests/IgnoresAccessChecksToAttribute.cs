#pragma warning disable IDE0130 // The runtime knows this attribute by its full name.
namespace System.Runtime.CompilerServices;

/// <summary>Known to the runtime by its full name: members of the named assembly that are not public may be used.</summary>
[AttributeUsage(AttributeTargets.Assembly, AllowMultiple = true)]
internal sealed class IgnoresAccessChecksToAttribute(string assemblyName) : Attribute
{
    public string AssemblyName { get; } = assemblyName;
}
