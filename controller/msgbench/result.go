package msgbench

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"busbar/ocpp/ocppload"
)

// Row is one figure. Empty members don't apply to it.
type Row struct {
	Process string   `json:"process"` // "box", "echo", or "ratio" of both
	Mode    Mode     `json:"mode,omitempty"`
	Mix     string   `json:"mix,omitempty"`  // "non-billing", "billing"
	Kind    string   `json:"kind,omitempty"` // of message
	Metric  string   `json:"metric"`         // with its unit at its end
	Value   *float64 `json:"value"`          // null: could not be measured
	Bound   *float64 `json:"bound"`          // what it should not exceed; null: none is set
}

// Result is all figures of a run.
type Result struct {
	Rows []Row
	// Refused counts CALLs answered with an error: those of a good run are none.
	Refused int
}

// What the box should not exceed.
const (
	boundRatio    = 2.0
	boundIdleEach = 100_000.0
	boundIdle     = 64e6
	boundLoaded   = 128e6
)

func (b *bench) result() *Result {
	r := &Result{}
	r.add(Row{Process: Box, Metric: "chargers"}, float64(b.Chargers))
	for _, mix := range b.Mixes {
		for _, mode := range b.Modes {
			r.addCell(cell{mode, mix}.row(), mode, b.slices[cell{mode, mix}])
		}
	}
	for _, name := range []string{Box, Echo} {
		b.addMemory(r, name)
	}
	r.Rows = append(r.Rows, Row{Process: Box, Metric: "reaction_ms_p99", Value: b.reaction})
	r.add(Row{Process: Box, Metric: "reaction_readings"}, float64(b.reactions))
	r.add(Row{Process: Box, Metric: "setpoint_frames"}, float64(b.setpoints))
	return r
}

func (r *Result) add(row Row, value float64) {
	row.Value = &value
	r.Rows = append(r.Rows, row)
}

func (c cell) row() Row { return Row{Mode: c.mode, Mix: c.mix.String()} }

// addCell adds what both did under one kind of load.
func (r *Result) addCell(row Row, mode Mode, turns map[string][]slice) {
	for _, name := range []string{Box, Echo} {
		row.Process = name
		r.addLoad(row, mode, turns[name])
	}
	var ratios []float64
	for i := range turns[Box] {
		ratios = append(ratios, turns[Box][i].perMessage()/turns[Echo][i].perMessage())
	}
	row.Process, row.Metric = "ratio", "cpu"
	if row.Mix == ocppload.NonBilling.String() {
		row.Bound = new(boundRatio)
	}
	r.add(row, median(ratios))
}

// addLoad adds what one child did under one kind of load: processor time is the median
// of its turns, answers are taken from all.
func (r *Result) addLoad(row Row, mode Mode, turns []slice) {
	var cpu, allocs []float64
	var took time.Duration
	var messages, missed int
	times := map[ocppload.Kind][]time.Duration{}
	for _, t := range turns {
		cpu = append(cpu, t.perMessage())
		allocs = append(allocs, float64(t.allocs)/float64(max(1, t.load.Messages)))
		took += t.load.Took
		messages, missed, r.Refused = messages+t.load.Messages, missed+t.load.Missed, r.Refused+t.load.Refused
		for k, all := range t.load.Times {
			times[ocppload.Kind(k)] = append(times[ocppload.Kind(k)], all...)
		}
	}
	add := func(metric string, value float64) {
		row.Metric = metric
		r.add(row, value)
	}
	add("messages", float64(messages))
	add("messages_per_s", float64(messages)/took.Seconds())
	add("cpu_us_per_message", median(cpu))
	add("allocs_per_message", median(allocs))
	if mode == Paced {
		add("missed", float64(missed))
	}
	for _, k := range ocppload.Kinds() {
		if all := times[k]; len(all) > 0 {
			slices.Sort(all)
			row.Kind = k.String()
			add("messages", float64(len(all)))
			add("answer_ms_p50", millis(all[(len(all)-1)*50/100]))
			add("answer_ms_p99", millis(all[(len(all)-1)*99/100]))
		}
	}
}

// addMemory adds what one child holds.
func (b *bench) addMemory(r *Result, name string) {
	m := b.memory[name]
	each := func(of func(usage) int64) float64 { return float64(of(m[1])-of(m[0])) / float64(b.Chargers) }
	rss, heap := func(u usage) int64 { return u.RSS }, func(u usage) int64 { return u.Heap }
	bound := func(v float64) *float64 {
		if name == Box {
			return &v
		}
		return nil
	}
	add := func(metric string, value float64, bound *float64) {
		r.add(Row{Process: name, Metric: metric, Bound: bound}, value)
	}
	add("start_rss_bytes", float64(m[0].RSS), nil)
	add("idle_rss_bytes", float64(m[1].RSS), bound(boundIdle))
	add("idle_rss_bytes_per_charger", each(rss), bound(boundIdleEach))
	add("idle_heap_bytes", float64(m[1].Heap), nil)
	add("idle_heap_bytes_per_charger", each(heap), nil)
	add("idle_goroutines", float64(m[1].Goroutines), nil)
	add("idle_cpu_percent", 100*b.idle[name], nil)
	add("loaded_rss_bytes", float64(b.mostRSS(name)), bound(boundLoaded))
	add("loaded_peak_rss_bytes", float64(m[2].PeakRSS), nil)
	add("loaded_heap_bytes", float64(m[2].Heap), nil)
}

// mostRSS is the largest memory at the end of any turn.
func (b *bench) mostRSS(name string) int64 {
	most := b.memory[name][2].RSS
	for _, turns := range b.slices {
		for _, t := range turns[name] {
			most = max(most, t.rss)
		}
	}
	return most
}

func median(all []float64) float64 {
	if len(all) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(all))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// find is a figure's value; nil if there is none.
func (r *Result) find(want Row) *float64 {
	for _, row := range r.Rows {
		value := row.Value
		row.Value, row.Bound = nil, nil
		if row == want {
			return value
		}
	}
	return nil
}

// WriteTable writes the figures for a person.
func (r *Result) WriteTable(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	show := func(row Row, format string) string {
		v := r.find(row)
		if v == nil {
			return "-"
		}
		return fmt.Sprintf(format, *v)
	}
	fmt.Fprintln(t, "load\tmessages/s\techo\tCPU/message\techo\tratio\tallocations\techo\tp50\tp99\techo p99\t")
	for _, row := range r.Rows {
		if row.Process != "ratio" {
			continue
		}
		box, echo := Row{Process: Box, Mode: row.Mode, Mix: row.Mix}, Row{Process: Echo, Mode: row.Mode, Mix: row.Mix}
		with := func(r Row, metric string) Row { r.Metric = metric; return r }
		fmt.Fprintf(t, "%s, %s\t%s\t%s\t%s\t%s\t%.2f\t%s\t%s\t\t\t\t\n", row.Mix, row.Mode, show(with(box, "messages_per_s"), "%.0f"), show(with(echo, "messages_per_s"), "%.0f"),
			show(with(box, "cpu_us_per_message"), "%.1f us"), show(with(echo, "cpu_us_per_message"), "%.1f us"), *row.Value,
			show(with(box, "allocs_per_message"), "%.0f"), show(with(echo, "allocs_per_message"), "%.0f"))
		for _, k := range ocppload.Kinds() {
			box.Kind, echo.Kind = k.String(), k.String()
			if r.find(with(box, "messages")) == nil {
				continue
			}
			fmt.Fprintf(t, "%s\t\t\t\t\t\t\t\t%s\t%s\t%s\t\n", k, show(with(box, "answer_ms_p50"), "%.2f ms"), show(with(box, "answer_ms_p99"), "%.2f ms"), show(with(echo, "answer_ms_p99"), "%.2f ms"))
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	mb := func(metric string) string {
		v := r.find(Row{Process: Box, Metric: metric})
		if v == nil {
			return "-"
		}
		return fmt.Sprintf("%.1f MB", *v/1e6)
	}
	_, err := fmt.Fprintf(w, "Memory of the box: %s at its start, %s with idle chargers (%s bytes each, %s of them live), %s loaded, %s at most.\nProcessor with idle chargers: %s of one. Meter sample to setpoint frame under load, p99: %s (%s readings).\n",
		mb("start_rss_bytes"), mb("idle_rss_bytes"), show(Row{Process: Box, Metric: "idle_rss_bytes_per_charger"}, "%.0f"), show(Row{Process: Box, Metric: "idle_heap_bytes_per_charger"}, "%.0f"),
		mb("loaded_rss_bytes"), mb("loaded_peak_rss_bytes"), show(Row{Process: Box, Metric: "idle_cpu_percent"}, "%.1f%%"), show(Row{Process: Box, Metric: "reaction_ms_p99"}, "%.1f ms"), show(Row{Process: Box, Metric: "reaction_readings"}, "%.0f"))
	return err
}
