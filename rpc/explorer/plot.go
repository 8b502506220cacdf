package explorer

import (
	"fmt"
	"math"
	"strings"
)

// point is a value at a height.
type point struct {
	Height uint32
	Value  float64
}

// The drawing of a plot, in units of its own.
const (
	plotWidth  = 480
	plotHeight = 150
	plotLeft   = 78 // for the values
	plotRight  = 6
	plotTop    = 10
	plotBottom = 22 // for the heights
)

// plot is a line over heights, drawn from 0 to a round number.
type plot struct {
	Line, Area string // paths of SVG
	Grid       []plotGrid
	Hover      []plotHover
	First      uint32 // heights
	Last       uint32
	Latest     string // the last value
	LastX      float64
	LastY      float64
	Width      int
	Height     int
	Left       int // where the area of the line begins and ends
	Right      int
	Base       int // where 0 is
}

// plotGrid is a horizontal line and its value.
type plotGrid struct {
	Y    float64
	Text string
}

// plotHover is what is told of a value where it is pointed at.
type plotHover struct {
	X, Width float64
	Text     string
}

// Empty reports whether there is too little to draw.
func (p plot) Empty() bool { return len(p.Hover) < 2 }

func newPlot(points []point, text func(float64) string) plot {
	p := plot{Width: plotWidth, Height: plotHeight, Left: plotLeft, Right: plotWidth - plotRight, Base: plotHeight - plotBottom}
	if len(points) == 0 {
		return p
	}
	p.First, p.Last = points[0].Height, points[len(points)-1].Height
	p.Latest = text(points[len(points)-1].Value)
	top := 0.0
	for _, at := range points {
		top = max(top, at.Value)
	}
	top = roundUp(top * 1.1)
	if len(points) < 2 || top == 0 || math.IsInf(top, 0) {
		return p
	}
	step := float64(p.Right-plotLeft) / float64(len(points)-1)
	y := func(v float64) float64 { return float64(p.Base) - v/top*float64(p.Base-plotTop) }
	for i := range 3 {
		v := top * float64(i) / 2
		p.Grid = append(p.Grid, plotGrid{y(v), text(v)})
	}
	var line strings.Builder
	for i, at := range points {
		letter := 'L'
		if i == 0 {
			letter = 'M'
		}
		p.LastX, p.LastY = plotLeft+float64(i)*step, y(at.Value)
		fmt.Fprintf(&line, "%c%.1f %.1f", letter, p.LastX, p.LastY)
		p.Hover = append(p.Hover, plotHover{p.LastX - step/2, step, fmt.Sprintf("Block %s: %s", group(at.Height), text(at.Value))})
	}
	p.Line = line.String()
	p.Area = fmt.Sprintf("%sL%.1f %dL%d %dZ", p.Line, p.LastX, p.Base, plotLeft, p.Base)
	return p
}

// roundUp returns the next number of the form 1, 1.5, 2, 3, 4, 5, 6 or 8 times a power
// of ten.
func roundUp(v float64) float64 {
	if v <= 0 {
		return 0
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, digit := range []float64{1, 1.5, 2, 3, 4, 5, 6, 8} {
		if v <= digit*power {
			return digit * power
		}
	}
	return 10 * power
}
