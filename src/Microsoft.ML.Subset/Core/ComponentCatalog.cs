using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;

namespace Microsoft.ML.Runtime;

/// <summary>The components one environment knows, filled assembly by assembly.</summary>
public sealed class ComponentCatalog
{
    private readonly object _lock = new();
    private readonly HashSet<Assembly> _assemblies = [];
    private readonly Dictionary<(string Name, Type Signature), LoadableClassInfo> _classes = [];
    private readonly Dictionary<(Type Attribute, string Contract), Type> _extensions = [];

    internal ComponentCatalog()
    {
    }

    public void RegisterAssembly(Assembly assembly, bool throwOnError = true)
    {
        ArgumentNullException.ThrowIfNull(assembly);
        lock (_lock)
        {
            if (!_assemblies.Add(assembly))
            {
                return;
            }

            foreach (LoadableClassAttributeBase attribute in assembly.GetCustomAttributes<LoadableClassAttributeBase>())
            {
                AddClass(LoadableClassInfo.FromAttribute(attribute), attribute.LoadNames, throwOnError);
            }

            foreach (Type type in assembly.GetTypes())
            {
                AddExtensions(type);
            }
        }
    }

    internal LoadableClassInfo GetLoadableClassInfo(string loadName, Type signatureType)
    {
        lock (_lock)
        {
            return _classes.GetValueOrDefault((Normalize(loadName), signatureType));
        }
    }

    internal Type GetExtension(Type attributeType, string contractName)
    {
        lock (_lock)
        {
            return _extensions.GetValueOrDefault((attributeType, contractName));
        }
    }

    private void AddClass(LoadableClassInfo info, string[] loadNames, bool throwOnError)
    {
        foreach (string name in loadNames)
        {
            (string, Type) key = (Normalize(name), info.SignatureType);
            if (_classes.TryGetValue(key, out LoadableClassInfo old) && throwOnError)
            {
                throw Errors.Mark(new InvalidOperationException(
                    $"ComponentCatalog cannot map name '{name}' and SignatureType '{info.SignatureType}' to {info.Type.Name}, already mapped to {old.Type.Name}."));
            }

            _classes.TryAdd(key, info);
        }
    }

    private void AddExtensions(Type type)
    {
        if (type.IsAbstract || !type.IsClass)
        {
            return;
        }

        foreach (ExtensionBaseAttribute attribute in type.GetCustomAttributes<ExtensionBaseAttribute>())
        {
            _extensions[(attribute.GetType(), attribute.ContractName)] = type;
        }
    }

    private static string Normalize(string name) => name.Trim().ToLowerInvariant();

    /// <summary>How to make one loadable class.</summary>
    internal sealed class LoadableClassInfo
    {
        private readonly ConstructorInfo _constructor;
        private readonly MethodInfo _create;
        private readonly bool _requireEnvironment;

        internal LoadableClassInfo(LoadableClassAttributeBase attr, MethodInfo getter, ConstructorInfo ctor, MethodInfo create, bool requireEnvironment)
        {
            Type = attr.InstanceType;
            SignatureType = attr.SigType;
            _constructor = ctor;
            _create = create ?? getter;
            _requireEnvironment = requireEnvironment;
        }

        public Type Type { get; }

        public Type SignatureType { get; }

        public static LoadableClassInfo FromAttribute(LoadableClassAttributeBase attribute)
        {
            const BindingFlags Any = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;
            Type[] tail = attribute.SigType.GetMethod("Invoke").GetParameters().Select(p => p.ParameterType).ToArray();
            foreach (bool withEnvironment in new[] { true, false })
            {
                Type[] types = withEnvironment ? [typeof(IHostEnvironment), .. tail] : tail;
                MethodInfo create = attribute.LoaderType.GetMethod("Create", Any | BindingFlags.Static, null, types, null);
                if (create != null && create.ReturnType == attribute.InstanceType)
                {
                    return new LoadableClassInfo(attribute, null, null, create, withEnvironment);
                }

                ConstructorInfo constructor = attribute.LoaderType.GetConstructor(Any | BindingFlags.Instance, null, types, null);
                if (constructor != null && attribute.InstanceType.IsAssignableFrom(attribute.LoaderType))
                {
                    return new LoadableClassInfo(attribute, null, constructor, null, withEnvironment);
                }
            }

            throw Errors.Mark(new InvalidOperationException(
                $"Can't instantiate loadable class '{attribute.InstanceType.Name}': no fitting Create method or constructor in '{attribute.LoaderType.Name}'."));
        }

        public object CreateInstance(IHostEnvironment env, params object[] args)
        {
            object[] all = _requireEnvironment ? [env, .. args] : args;
            try
            {
                return _create != null ? _create.Invoke(null, all) : _constructor.Invoke(all);
            }
            catch (TargetInvocationException ex) when (ex.InnerException != null && Errors.IsMarked(ex.InnerException))
            {
                throw Errors.Mark(new InvalidOperationException("Error during class instantiation", ex));
            }
        }
    }
}
