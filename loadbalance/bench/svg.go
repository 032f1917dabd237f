package bench

import (
	"fmt"
	"io"
	"strings"
)

// Sizes of a chart, px.
const (
	chartWidth  = 860
	barHeight   = 22
	labelWidth  = 200
	plotHeight  = 220
	chartMargin = 14
)

// WriteSVG draws one scenario: what each policy delivered beside the bound, and the
// root's load on the busiest day of the last result that has a timeline.
func WriteSVG(w io.Writer, results []Result) error {
	var b strings.Builder
	var bars []Result
	var line Result
	for _, r := range results {
		if r.RequestedKWh > 0 {
			bars = append(bars, r)
		}
		if len(r.Timeline) > 0 {
			line = r
		}
	}
	height := 3*chartMargin + 20 + len(bars)*barHeight
	if len(line.Timeline) > 0 {
		height += plotHeight + 50
	}
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="13" role="img">`+"\n", chartWidth, height)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="#fff"/><text x="%d" y="24" font-size="16">%s</text>`+"\n", chartMargin, results[0].Scenario)
	y := 2*chartMargin + 20
	for i := range bars {
		drawBar(&b, &bars[i], y)
		y += barHeight
	}
	if len(line.Timeline) > 0 {
		drawDay(&b, &line, y+30)
	}
	b.WriteString("</svg>\n")
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("cannot write the chart: %w", err)
	}
	return nil
}

// drawBar is one policy: percent of the wanted energy, and the bound as a tick.
func drawBar(b *strings.Builder, r *Result, y int) {
	const full = chartWidth - labelWidth - 170
	fill := "#9aa5b1"
	if strings.HasPrefix(r.Policy, "busbar") {
		fill = "#1b7f5c"
	}
	text := fmt.Sprintf("%.1f %%", r.Percent())
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="end">%s</text><rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>`, labelWidth-8, y+15, r.label(), labelWidth, y+2, full*r.Percent()/100, barHeight-6, fill)
	if r.BoundKWh > 0 {
		at := labelWidth + full*r.BoundKWh/r.RequestedKWh
		fmt.Fprintf(b, `<path d="M%.1f %dv%d" stroke="#c0392b" stroke-width="2"/>`, at, y, barHeight)
		text += fmt.Sprintf(", Q1 %.3f", r.Q1())
	}
	fmt.Fprintf(b, `<text x="%d" y="%d">%s</text>`+"\n", labelWidth+full+8, y+15, text)
}

// drawDay is base load and cars under the limit.
func drawDay(b *strings.Builder, r *Result, y int) {
	from, to := busiest(r)
	points := r.Timeline[from:to]
	top := 1.
	for _, p := range points {
		top = max(top, p.Limit, p.Base+p.Cars)
	}
	top *= 1.05
	width := float64(chartWidth - 2*chartMargin - 40)
	x0 := float64(chartMargin + 40)
	at := func(i int) float64 { return x0 + width*float64(i)/float64(len(points)) }
	level := func(a float64) float64 { return float64(y) + plotHeight*(1-a/top) }
	area := func(fill string, high func(p Point) float64) {
		fmt.Fprintf(b, `<path fill="%s" d="M%.1f %.1f`, fill, x0, level(0))
		for _, i := range thinned(len(points)) {
			fmt.Fprintf(b, "L%.1f %.1f", at(i), level(high(points[i])))
		}
		fmt.Fprintf(b, `L%.1f %.1fZ"/>`+"\n", x0+width, level(0))
	}
	area("#7cc4a7", func(p Point) float64 { return p.Base + p.Cars })
	area("#9aa5b1", func(p Point) float64 { return p.Base })
	fmt.Fprintf(b, `<path fill="none" stroke="#c0392b" stroke-width="1.5" d="M%.1f %.1f`, x0, level(points[0].Limit))
	for _, i := range thinned(len(points)) {
		fmt.Fprintf(b, "L%.1f %.1f", at(i), level(points[i].Limit))
	}
	b.WriteString("\"/>\n")
	for _, a := range []float64{0, top / 2, top / 1.05} {
		fmt.Fprintf(b, `<text x="%.0f" y="%.1f" text-anchor="end">%.0f A</text>`, x0-6, level(a)+4, a)
	}
	hours := float64(len(points)*r.TimelineStep) / 3600
	fmt.Fprintf(b, `<text x="%.0f" y="%d">%s: cars (green) and building (grey) under the limit (red), %.1f h</text>`+"\n", x0, y+plotHeight+18, r.label(), hours)
}

// thinned are the places of at most some hundred points.
func thinned(n int) []int {
	var out []int
	for i := 0; i < n; i += max(1, n/800) {
		out = append(out, i)
	}
	return out
}

// busiest is the day with the most energy for cars, or all that is shorter.
func busiest(r *Result) (from, to int) {
	day := 86400 / r.TimelineStep
	if len(r.Timeline) <= day {
		return 0, len(r.Timeline)
	}
	most := -1.
	for at := 0; at+day <= len(r.Timeline); at += day {
		sum := 0.
		for _, p := range r.Timeline[at : at+day] {
			sum += p.Cars
		}
		if sum > most {
			most, from = sum, at
		}
	}
	return from, from + day
}
