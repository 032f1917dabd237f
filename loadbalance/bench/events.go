package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"math"

	"busbar/loadbalance"
)

// EventKind is what happens to a site beside its sessions.
type EventKind uint8

// The kinds of events. Plain policies know limits and steps, and nothing of meters.
const (
	MeterLoss      EventKind = iota // the root's meter says nothing
	MeterFreeze                     // it repeats its last reading
	DSODim                          // the grid operator dims the chargers to some kW each
	GridLimit                       // the root's limit is lower
	ChargerOffline                  // one connector cannot be reached
	BaseStep                        // a load comes on
)

// Event is one of them.
type Event struct {
	Kind      EventKind
	At, For   int        // s
	Amps      [3]float64 // GridLimit, BaseStep
	KW        float64    // DSODim, each charger
	Connector int        // ChargerOffline: index into Workload.Connectors
}

func (e *Event) on(second int) bool { return second >= e.At && second < e.At+e.For }

// simultaneity is the factor of BK6-22-300 by which further chargers count when the
// grid operator dims several behind one connection: 0.8 for two down to 0.45.
func simultaneity(n int) float64 { return max(.45, .9-.05*float64(n)) }

// dimmed is what all chargers together may draw on each phase, A.
func (w *Workload) dimmed(kilowatts float64) float64 {
	n := len(w.Connectors)
	return kilowatts * (1 + float64(n-1)*simultaneity(n)) / (3 * kilovolt)
}

// rootRoom is what the root leaves over for cars at a second, A, which may be negative.
func (w *Workload) rootRoom(second int) [3]float64 {
	room, base := w.Nodes[w.root].Limit, w.BaseAt(second)
	for p := range room {
		for i := range w.Events {
			if e := &w.Events[i]; e.Kind == GridLimit && e.on(second) {
				room[p] = min(room[p], e.Amps[p])
			}
		}
		room[p] -= base[p]
		for i := range w.Events {
			if e := &w.Events[i]; e.Kind == DSODim && e.on(second) {
				room[p] = min(room[p], w.dimmed(e.KW))
			}
		}
	}
	return room
}

// happening tells whether an event of a kind is on.
func (w *Workload) happening(kind EventKind, second int) bool {
	for i := range w.Events {
		if w.Events[i].Kind == kind && w.Events[i].on(second) {
			return true
		}
	}
	return false
}

// offline tells whether a connector cannot be reached.
func (w *Workload) offline(connector, second int) bool {
	for i := range w.Events {
		if e := &w.Events[i]; e.Kind == ChargerOffline && e.Connector == connector && e.on(second) {
			return true
		}
	}
	return false
}

// caps are the limits from outside as the Balancer is told them: on the whole root, so
// that dimmed chargers come on top of the building.
func (w *Workload) caps(second int) []loadbalance.Cap {
	if !w.happening(GridLimit, second) && !w.happening(DSODim, second) {
		return nil
	}
	c := loadbalance.Cap{Node: loadbalance.NodeID(w.Nodes[w.root].ID), Rule: loadbalance.RuleSiteCap}
	base, room := w.BaseAt(second), w.rootRoom(second)
	for p := range c.Limit {
		c.Limit[p] = loadbalance.MilliAmp(math.Floor(1000 * max(0, base[p]+room[p])))
	}
	return []loadbalance.Cap{c}
}

type eventJSON struct {
	At        int      `json:"t_s"`
	Kind      string   `json:"kind"`
	For       int      `json:"dur_s"`
	KW        float64  `json:"kw_per_evse"`
	Limit     currents `json:"limit_a"`
	Add       currents `json:"add_a"`
	Connector string   `json:"connector"`
}

// ReadEvents adds the events of a file like the generator's events.json.
func (w *Workload) ReadEvents(r io.Reader) error {
	const name = "events.json"
	text, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("cannot read %s: %w", name, err)
	}
	var list []eventJSON
	if err := json.Unmarshal(text, &list); err != nil {
		return fmt.Errorf("cannot use %s%s: %w", name, lineOf(text, err), err)
	}
	kinds := map[string]EventKind{"meter_loss": MeterLoss, "meter_freeze": MeterFreeze, "dso_dim": DSODim, "grid_limit": GridLimit, "charger_offline": ChargerOffline, "base_step": BaseStep}
	for i, x := range list {
		kind, ok := kinds[x.Kind]
		if !ok {
			return fmt.Errorf("cannot use %s: entry %d has the unknown kind %q", name, i+1, x.Kind)
		}
		e := Event{Kind: kind, At: x.At, For: x.For, KW: x.KW, Amps: x.Add, Connector: -1}
		if kind == GridLimit {
			e.Amps = x.Limit
		}
		for k, c := range w.Connectors {
			if c.ID == x.Connector {
				e.Connector = k
			}
		}
		if kind == ChargerOffline && e.Connector < 0 {
			return fmt.Errorf("cannot use %s: entry %d names the unknown connector %q", name, i+1, x.Connector)
		}
		w.Events = append(w.Events, e)
	}
	return nil
}
