using System;
using System.Linq;

namespace Microsoft.ML.Quantization.TestSupport.MLNet;

/// <summary>Compares schemas and shapes.</summary>
public static class SchemaContract
{
    /// <summary>Same columns in the same order, hidden ones included, with the same annotations.</summary>
    /// <exception cref="ContractViolationException">They differ.</exception>
    public static void ThrowUnlessSame(DataViewSchema expected, DataViewSchema actual, string what, bool annotationValues = true)
    {
        ArgumentNullException.ThrowIfNull(expected);
        ArgumentNullException.ThrowIfNull(actual);
        ContractViolationException.ThrowUnless(expected.Count == actual.Count, $"{what}: {actual.Count} columns where {expected.Count} are due");
        for (int i = 0; i < expected.Count; i++)
        {
            DataViewSchema.Column due = expected[i], got = actual[i];
            bool same = due.Name == got.Name && due.IsHidden == got.IsHidden && due.Type.Equals(got.Type);
            ContractViolationException.ThrowUnless(same, $"{what}: column {i} is '{got}' where '{due}' is due");
            ThrowUnlessSame(due.Annotations.Schema, got.Annotations.Schema, $"{what}: annotations of '{due.Name}'", annotationValues: false);
            foreach (DataViewSchema.Column kind in annotationValues ? due.Annotations.Schema.ToArray() : [])
            {
                ContractViolationException.ThrowUnless(
                    CellValue.Same(CellValue.Annotation(due, kind), CellValue.Annotation(got, kind)), $"{what}: value of annotation {kind.Name} of '{due.Name}'");
            }
        }
    }

    /// <summary>Each promised column is delivered and each delivered one promised: kind, item type, key, annotations.</summary>
    /// <exception cref="ContractViolationException">They differ.</exception>
    public static void ThrowUnlessSame(SchemaShape promised, SchemaShape delivered, string what)
    {
        ArgumentNullException.ThrowIfNull(promised);
        ArgumentNullException.ThrowIfNull(delivered);
        string due = string.Join(", ", promised.Select(c => c.Name).Order(StringComparer.Ordinal));
        string got = string.Join(", ", delivered.Select(c => c.Name).Order(StringComparer.Ordinal));
        ContractViolationException.ThrowUnless(due == got, $"{what}: promised [{due}], delivered [{got}]");
        foreach (SchemaShape.Column p in promised)
        {
            SchemaShape.Column d = delivered.Single(c => c.Name == p.Name);
            bool same = p.Kind == d.Kind && p.IsKey == d.IsKey && p.ItemType.Equals(d.ItemType);
            ContractViolationException.ThrowUnless(
                same, $"{what}: '{p.Name}' promised {p.Kind} of {p.ItemType} (key: {p.IsKey}), delivered {d.Kind} of {d.ItemType} (key: {d.IsKey})");
            ThrowUnlessSame(p.Annotations, d.Annotations, $"{what}: annotations of '{p.Name}'");
        }
    }
}
