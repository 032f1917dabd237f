package mqtt

import (
	"errors"
	"fmt"
	"time"

	"busbar/devices"
)

// lasting is how long a value without influence on limits is shown after it came.
const lasting = time.Minute

// slot is one field and its newest value.
type slot struct {
	Field
	path  []step
	vital bool
	value float64
	at    time.Time // of its arrival; zero: none, or the device has no value
	fresh bool      // arrived after the last reading
}

// assembly makes readings of values that come one by one. It belongs to one goroutine.
type assembly struct {
	nature   devices.Nature
	mounting devices.Mounting
	limits   devices.Limits
	slots    []slot
	byTopic  map[string][]int
	isJSON   map[string]bool
	failedAt time.Time // when an unusable message was last reported
}

func newAssembly(c Config) *assembly {
	a := &assembly{nature: c.Nature, mounting: c.Mounting, limits: c.Limits, byTopic: map[string][]int{}, isJSON: map[string]bool{}}
	for i, f := range c.Fields {
		path, _ := parsePath(f.Path) // validated
		if f.Scale == 0 {
			f.Scale = 1
		}
		a.slots = append(a.slots, slot{Field: f, path: path, vital: c.Nature.Vital(f.Measurand)})
		a.byTopic[f.Topic] = append(a.byTopic[f.Topic], i)
		a.isJSON[f.Topic] = a.isJSON[f.Topic] || f.Path != ""
	}
	return a
}

// apply takes a message's values over. The error is the first that makes a vital
// value unusable; the value is forgotten then, never kept as it was.
func (a *assembly) apply(m message) error {
	doc := read(m.payload, a.isJSON[m.topic])
	var first error
	for _, i := range a.byTopic[m.topic] {
		s := &a.slots[i]
		x, err := doc.number(s.path)
		if errors.Is(err, errAbsent) {
			continue
		}
		if err != nil {
			s.at, s.fresh = time.Time{}, false
			if s.vital && first == nil {
				first = fmt.Errorf("cannot use message on %s: %s: %w", s.Topic, s.Measurand, err)
			}
			continue
		}
		s.value, s.at, s.fresh = x*s.Scale, m.at, true
	}
	return first
}

// missing is the vital field that no value came for yet, or whose value is the oldest.
func (a *assembly) missing() slot {
	var worst slot
	for _, s := range a.slots {
		if s.vital && (worst.Topic == "" || s.at.Before(worst.at)) {
			worst = s
		}
	}
	return worst
}

// reading is the sample that the newest values make. It is as old as the oldest vital
// one, so a device that repeats only some values does not look alive. False: not
// complete yet, or nothing vital is newer than in the last reading.
func (a *assembly) reading(now time.Time) (devices.Reading, bool, error) {
	var v devices.Values
	oldest, moved := now, false
	for _, s := range a.slots {
		switch {
		case s.vital && s.at.IsZero():
			return devices.Reading{}, false, nil
		case s.vital:
			moved = moved || s.fresh
			if s.at.Before(oldest) {
				oldest = s.at
			}
		case s.at.IsZero() || now.Sub(s.at) > lasting:
			continue
		}
		v.Set(s.Measurand, s.value)
	}
	if !moved {
		return devices.Reading{}, false, nil
	}
	for i := range a.slots {
		a.slots[i].fresh = false
	}
	r, err := devices.Assemble(v, a.nature, a.mounting)
	if err == nil {
		err = devices.Check(r, a.limits)
	}
	if err != nil {
		return devices.Reading{}, false, err
	}
	r.At = oldest
	r.Doubts = devices.Doubt(r)
	return r, true, nil
}
