using System;
using System.Linq;
using Microsoft.ML.Quantization.Graphs;
using Microsoft.ML.Quantization.Hosting;
using Microsoft.ML.Quantization.Scoring;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Quantization.Rows;

/// <summary>What a scoring estimator promises before it is fitted: the same columns, types and annotations that its transformer delivers.</summary>
internal static class ShapePropagation
{
    public static SchemaShape Apply(IHost host, SchemaShape input, ModelSignature signature, ScoringColumns columns, ClassLabels labels)
    {
        try
        {
            foreach (ScoringInput source in columns.Inputs)
            {
                InputColumns.Check(input, source.Column, signature.Inputs.Single(i => i.Name == source.ModelInput));
            }
        }
        catch (ArgumentOutOfRangeException exception)
        {
            throw host.Process(exception);
        }

        AddedColumn[] added = AddedColumns.Create(signature, columns, labels);
        return input.With(added.Select(c => SchemaShapes.Column(c.Name, c.Type, c.Annotations)));
    }
}
