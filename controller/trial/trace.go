package trial

import (
	"fmt"
	"strings"

	"busbar/controller"
)

// tracef writes a line for who reads along.
func (w *world) tracef(format string, args ...any) {
	if w.trace != nil {
		fmt.Fprintf(w.trace, "%7.1f  %s\n", w.t, fmt.Sprintf(format, args...))
	}
}

// tracePromises writes what every connector was promised.
func (w *world) tracePromises() {
	if w.trace == nil || w.site == nil {
		return
	}
	for _, n := range w.site.Snapshot(w.at(w.t)).Nodes {
		w.tracef("  %s %s: the box reckons with base %v, booked %v, headroom %v", n.ID, n.State, n.Base, n.Booked, n.Headroom)
	}
	for _, p := range w.points {
		for _, o := range p.outlets {
			if o.began {
				w.tracef("  %v at %s on %v: in force %v until %.0f, on the way %d, fall-back %v, permits %.1f A, pilot %.1f A, draws %.1f A on %d, told %v linked %v believed %v", o, p.sc.Circuit, o.sc.Wiring,
					o.inForce(w.t), o.book.until, len(o.book.sends), o.fallback(), o.permits(w.t), o.pilot, o.draws, o.phases(), o.told, p.linked, p.believed)
			}
		}
	}
}

// traceEvent writes an event of interest.
func (w *world) traceEvent(ev controller.Event) {
	if w.trace == nil {
		return
	}
	switch ev := ev.(type) {
	case controller.Tick, controller.Committed, controller.Found:
	case controller.MeterSampled:
		w.tracef("meter %s %v (%s)%s", ev.Meter, ev.Current, w.truths(), w.reckons(ev.Meter))
	case controller.MeterReported:
		w.tracef("report %s/%d tx %d %v", ev.Station, ev.Connector, ev.Tx, ev.Samples[0].Current)
	case controller.Delivered:
		w.tracef("cloud has %s of tx %d", ev.Kind, ev.Tx)
	default:
		w.tracef("-> box %T %+v", ev, ev)
	}
}

// reckons is what the box makes of a meter's circuit.
func (w *world) reckons(meter string) string {
	for _, n := range w.site.Snapshot(w.at(w.t)).Nodes {
		if g := w.gaugeOf(meter); g != nil && n.ID == g.sc.Circuit {
			return fmt.Sprintf(" %s: base %v, booked %v", n.State, n.Base, n.Booked)
		}
	}
	return ""
}

func (w *world) gaugeOf(id string) *gauge {
	for _, g := range w.gauges {
		if g.sc.ID == id {
			return g
		}
	}
	return nil
}

func (w *world) truths() string {
	var text strings.Builder
	for i := range w.nodes {
		n := &w.nodes[i]
		text.WriteString(fmt.Sprintf("%s %.1f/%.1f/%.1f ", n.sc.ID, n.current[0], n.current[1], n.current[2]))
	}
	return text.String()
}
