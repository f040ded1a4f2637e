using System;
using Microsoft.ML.Data;
using Microsoft.ML.Quantization.Scoring;

namespace Microsoft.ML.Quantization.Rows;

/// <summary>A column that scoring adds.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its type.</param>
/// <param name="Annotations">Its annotations.</param>
/// <param name="Getter">Makes a getter over a batch; the function gives the slot of the row at hand.</param>
internal sealed record AddedColumn(string Name, DataViewType Type, DataViewSchema.Annotations Annotations, Func<ScoreBatch, Func<int>, Delegate> Getter);
