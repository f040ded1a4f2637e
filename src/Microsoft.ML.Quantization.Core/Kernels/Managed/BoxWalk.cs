namespace Microsoft.ML.Quantization.Kernels.Managed;

/// <summary>Walks over the pixels of a <see cref="BoxPart"/>; a whole batch of dense rows is one box, too.</summary>
internal ref struct BoxWalk
{
    private readonly ConvolutionGeometry _g;
    private readonly BoxPart _part;
    private int _image;
    private int _depth;
    private int _height;
    private int _width;

    public BoxWalk(in ConvolutionGeometry g, in BoxPart part)
    {
        _g = g;
        _part = part;
        int rest = part.PixelBegin;
        _width = rest % part.Width.Length;
        rest /= part.Width.Length;
        _height = rest % part.Height.Length;
        rest /= part.Height.Length;
        _depth = rest % part.Depth.Length;
        _image = rest / part.Depth.Length;
        Locate();
    }

    /// <summary>The output pixel.</summary>
    public long OutPixel { get; private set; }

    /// <summary>The input pixel under the first tap inside the image.</summary>
    public long SourcePixel { get; private set; }

    /// <summary>Pixels from this one to the end of its row.</summary>
    public readonly int RowRest => _part.Width.Length - _width;

    /// <summary>Steps to the next pixel.</summary>
    public void Next() => Advance(1);

    /// <summary>Steps over some pixels, <see cref="RowRest"/> at most.</summary>
    public void Advance(int count)
    {
        _width += count;
        if (_width < _part.Width.Length)
        {
            OutPixel += count;
            SourcePixel += (long)count * _g.StrideWidth;
            return;
        }

        _width = 0;
        if (++_height == _part.Height.Length)
        {
            _height = 0;
            if (++_depth == _part.Depth.Length)
            {
                _depth = 0;
                _image++;
            }
        }

        Locate();
    }

    private void Locate()
    {
        int d = _part.Depth.OutBegin + _depth;
        int h = _part.Height.OutBegin + _height;
        int w = _part.Width.OutBegin + _width;
        OutPixel = (((((long)_image * _g.OutDepth) + d) * _g.OutHeight) + h) * _g.OutWidth + w;
        int id = (d * _g.StrideDepth) - _g.PadDepth + (_part.Depth.TapBegin * _g.DilationDepth);
        int ih = (h * _g.StrideHeight) - _g.PadHeight + (_part.Height.TapBegin * _g.DilationHeight);
        int iw = (w * _g.StrideWidth) - _g.PadWidth + (_part.Width.TapBegin * _g.DilationWidth);
        SourcePixel = (((((long)_image * _g.InDepth) + id) * _g.InHeight) + ih) * _g.InWidth + iw;
    }
}
