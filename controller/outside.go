package controller

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"busbar/loadbalance"
)

// OutsideLimit is a limit that another system than the box has set at a charger: an
// energy manager, a grid operator (P2 K11 to K13). Connector 0 is the charger as a whole.
type OutsideLimit struct {
	Connector int    `json:"connector"`
	Source    string `json:"source"` // in the charger's word: "EMS", "SO", "Other", …
	// Profile is what it says; nil: it is gone, for Connector 0 at all connectors.
	Profile *Profile `json:"profile,omitempty"`
}

// OutsideLimits: a charger of 2.x tells of them. All: those that are not among Limits
// are gone.
type OutsideLimits struct {
	Station StationID
	All     bool
	Limits  []OutsideLimit
}

func (OutsideLimits) event() {}

// maxOutside bounds what is remembered of one charger.
const maxOutside = 32

func (s *Site) outsideLimits(ev OutsideLimits) {
	st := s.stations[ev.Station]
	if st == nil {
		return
	}
	before, sources := outsideText(st.outside), sourcesOf(st.outside)
	if ev.All {
		st.outside = nil
	}
	// What is told of a place and source replaces what was: of a schedule in several units
	// or levels all parts come at once.
	for _, l := range ev.Limits {
		st.outside = slices.DeleteFunc(st.outside, func(o OutsideLimit) bool {
			return o.Source == l.Source && (o.Connector == l.Connector || l.Profile == nil && l.Connector == 0)
		})
	}
	for _, l := range ev.Limits {
		if l.Profile != nil && len(st.outside) < maxOutside {
			st.outside = append(st.outside, l)
		}
	}
	after := outsideText(st.outside)
	if after == before {
		return
	}
	switch now := sourcesOf(st.outside); {
	case now == sources: // an energy manager may tell new amounts every minute
	case now == "":
		s.note(SeverityInfo, "charger.outside-limit", string(st.id), "no other system limits the charger any more")
	default:
		s.note(SeverityInfo, "charger.outside-limit", string(st.id), "the charger is limited by another system: "+now)
	}
	s.persist(nil, SettingRow{Key: outsidePrefix + string(st.id), Value: after})
	s.passDue = true
	s.stir()
}

// sourcesOf are the systems that set limits, for people.
func sourcesOf(limits []OutsideLimit) string {
	var out []string
	for _, l := range limits {
		if !slices.Contains(out, l.Source) {
			out = append(out, l.Source)
		}
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// outsideText is what is remembered of them, "" if there are none.
func outsideText(limits []OutsideLimit) string {
	if len(limits) == 0 {
		return ""
	}
	text, err := json.Marshal(limits)
	if err != nil {
		panic("controller: limits of plain values can't be encoded: " + err.Error())
	}
	return string(text)
}

const outsidePrefix = "outside/"

// recoverOutside takes back what was known when the box stopped.
func (s *Site) recoverOutside(settings map[string]string) {
	for key, text := range settings {
		id, ok := strings.CutPrefix(key, outsidePrefix)
		st := s.stations[StationID(id)]
		if !ok || st == nil || text == "" {
			continue
		}
		if err := json.Unmarshal([]byte(text), &st.outside); err != nil {
			s.note(SeverityWarning, "charger.outside-limit", id, "what another system's limits were can't be read: "+err.Error())
			st.outside = nil
		}
		st.outside = slices.DeleteFunc(st.outside, func(l OutsideLimit) bool { return l.Profile == nil })
	}
}

// outsideCeiling is the least that other systems leave to a connector at a time. The charger
// keeps to such a limit by itself, so that what the box would give beyond it were lost
// to the other cars. A limit of the charger as a whole holds for each of its connectors.
func (s *Site) outsideCeiling(sl *slot, when time.Time) (least loadbalance.MilliAmp, limited bool) {
	type place struct {
		connector int
		source    string
	}
	type leading struct {
		level int
		limit loadbalance.MilliAmp
	}
	var of map[place]leading
	for _, l := range sl.station.outside {
		if l.Connector != 0 && l.Connector != sl.layout.Number {
			continue
		}
		limit, valid := l.Profile.limitAt(when, l.Profile.Start, sl.wires)
		if !valid {
			continue
		}
		if of == nil {
			of = map[place]leading{}
		}
		at := place{l.Connector, l.Source}
		best, any := of[at]
		if !any || l.Profile.StackLevel > best.level || l.Profile.StackLevel == best.level && limit < best.limit {
			of[at] = leading{l.Profile.StackLevel, limit}
		}
	}
	for _, o := range of {
		if !limited || o.limit < least {
			least, limited = o.limit, true
		}
	}
	return least, limited
}
