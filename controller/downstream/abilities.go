package downstream

import (
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"

	"busbar/controller"
)

// memory is what is known of chargers over their connections: their abilities, and
// how many profiles each was given today. Its methods may be called from any
// goroutine.
type memory struct {
	report func(controller.Event)
	budget int

	mu     sync.Mutex
	of     map[controller.StationID]controller.Abilities
	writes map[controller.StationID]writes
	led    map[place]controller.TxID
	plugs  map[place]int // of a 2.x charger's EVSE: the highest connector it told of
}

// place is a connector of a charger.
type place struct {
	station   controller.StationID
	connector int
}

// writes counts the profiles of one UTC day.
type writes struct {
	day   time.Time
	count int
}

// writesTold is the step in which the count is reported.
const writesTold = 10

func newMemory(cfg Config, report func(controller.Event)) *memory {
	m := &memory{report: report, budget: cfg.WriteBudget,
		of: map[controller.StationID]controller.Abilities{}, writes: map[controller.StationID]writes{}, led: map[place]controller.TxID{}, plugs: map[place]int{}}
	maps.Copy(m.of, cfg.Abilities)
	for _, c := range cfg.Chargers {
		if c.Abilities != nil {
			a := *c.Abilities
			a.Source = controller.AbilitiesConfigured
			m.of[controller.StationID(c.ID)] = a
		}
	}
	return m
}

// abilities of a charger; the usual ones if nothing is known.
func (m *memory) abilities(id controller.StationID) controller.Abilities {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.get(id)
}

// get is called with mu held.
func (m *memory) get(id controller.StationID) controller.Abilities {
	if a, ok := m.of[id]; ok {
		return a
	}
	return controller.UsualAbilities()
}

// learn lets change look at a charger's abilities and add to them; slices must be
// replaced, not written into. What somebody configured stays.
func (m *memory) learn(id controller.StationID, change func(*controller.Abilities)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.get(id)
	if before.Source == controller.AbilitiesConfigured {
		return
	}
	after := before
	change(&after)
	after.Source, after.At = before.Source, before.At
	if reflect.DeepEqual(before, after) {
		return
	}
	after.Source, after.At = controller.AbilitiesLearnt, time.Now().UTC()
	m.of[id] = after
	m.report(controller.ChargerLearnt{Station: id, Abilities: after})
}

// meet hears what a charger is. What was learnt of another model or firmware is
// forgotten; what a charger of the same one showed is taken over.
func (m *memory) meet(id controller.StationID, info controller.ChargerInfo) {
	m.mu.Lock()
	defer m.mu.Unlock()
	known, any := m.of[id]
	switch {
	case known.Source == controller.AbilitiesConfigured, any && known.Fits(info):
		return
	case any && known.Model == "": // learnt before its first Boot
		known.Vendor, known.Model, known.Firmware = info.Vendor, info.Model, info.Firmware
		m.of[id] = known
		m.report(controller.ChargerLearnt{Station: id, Abilities: known})
		return
	}
	fresh := controller.UsualAbilities()
	if kin, ok := m.kin(info); ok {
		fresh = kin
	}
	fresh.Vendor, fresh.Model, fresh.Firmware = info.Vendor, info.Model, info.Firmware
	m.of[id] = fresh
	m.report(controller.ChargerLearnt{Station: id, Abilities: fresh})
}

// kin finds the abilities of a charger of the same model and firmware, the newest if
// several showed theirs.
func (m *memory) kin(info controller.ChargerInfo) (controller.Abilities, bool) {
	var best controller.Abilities
	found := false
	for _, a := range m.of {
		if a.Source != controller.AbilitiesLearnt || found && !a.At.After(best.At) {
			continue
		}
		if heir, ok := a.InheritedBy(info); ok {
			best, found = heir, true
		}
	}
	return best, found
}

// wrote counts a profile that was written; profile memory wears (decision 10).
func (m *memory) wrote(id controller.StationID, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	today := now.UTC().Truncate(24 * time.Hour)
	w := m.writes[id]
	if !w.day.Equal(today) {
		w = writes{day: today}
	}
	w.count++
	m.writes[id] = w
	if w.count%writesTold == 1 || w.count == m.budget+1 {
		m.report(controller.ProfilesWritten{Station: id, Day: today, Count: w.count, Budget: m.budget})
	}
}

// leads remembers that a transaction has a setpoint that does not end with it.
func (m *memory) leads(p place, tx controller.TxID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.led[p] = tx
}

// unled forgets that, and gives the connector; 0 if there was none.
func (m *memory) unled(id controller.StationID, tx controller.TxID) (connector int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for p, t := range m.led {
		if p.station == id && t == tx {
			delete(m.led, p)
			return p.connector
		}
	}
	return 0
}

// plugged hears of a connector of an EVSE.
func (m *memory) plugged(p place, plug int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if plug <= maxPlugs && plug > m.plugs[p] && (m.plugs[p] > 0 || len(m.plugs) < maxPlaces) {
		m.plugs[p] = plug
	}
}

// plugsOf is the highest connector of an EVSE, 0 if none was told.
func (m *memory) plugsOf(p place) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.plugs[p]
}

// maxPlaces bounds the EVSEs whose connectors are remembered.
const maxPlaces = 10_000

// leadsAny tells whether a charger has such setpoints.
func (m *memory) leadsAny(id controller.StationID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for p := range m.led {
		if p.station == id {
			return true
		}
	}
	return false
}

// including is list with v at its end unless it is in it; the list itself stays.
func including[T comparable](list []T, v T) []T {
	if slices.Contains(list, v) {
		return list
	}
	return append(slices.Clone(list), v)
}

// without is list less v.
func without[T comparable](list []T, v T) []T {
	if !slices.Contains(list, v) {
		return list
	}
	return slices.DeleteFunc(slices.Clone(list), func(o T) bool { return o == v })
}
