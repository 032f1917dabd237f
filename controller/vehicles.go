package controller

import (
	"strings"
	"time"

	"busbar/loadbalance"
)

// VehicleLayout is a car that is known by its tokens.
type VehicleLayout struct {
	ID, Name string
	Tokens   []string // idTokens, compared without case
	Battery  WattHour // usable capacity; 0: unknown
	// Max is the most it takes per phase, and Phases on how many; 0: unknown. Only plans
	// go by them: what a car really takes is measured.
	Max      loadbalance.MilliAmp
	Phases   int
	Expected Expected
}

// GroupLayout is cards whose cars leave alike.
type GroupLayout struct {
	ID     string
	Tokens []string
	// Parent is the cloud's group of a token (parentIdTag, groupIdToken); "" is none.
	Parent   string
	Expected Expected
}

// Expected is what a stay is expected to be where nobody tells.
type Expected struct {
	Leaves Timetable
	Energy WattHour // of the whole stay; 0: unknown
	// TargetSoC is the percentage to charge to, 0: none. It counts before Energy where the
	// battery's capacity and its charge are known.
	TargetSoC int
}

// Timetable is when cars leave, by the clock of the site. The zero value is never.
type Timetable []Leaving

// Leaving is one time of departure. At is the time of day as hours and minutes on the
// clock, not since midnight: on days when the clocks change the two differ.
type Leaving struct {
	Days [7]bool // by time.Weekday
	At   time.Duration
}

// Next is the first departure at or after t; zero if there is none. A time that the
// change of clocks skips counts as the same moment on the clock of before or after.
func (tt Timetable) Next(t time.Time, zone *time.Location) time.Time {
	var next time.Time
	local := t.In(zone)
	for _, l := range tt {
		hour, minute := int(l.At/time.Hour), int(l.At%time.Hour/time.Minute)
		for day := range 8 {
			at := time.Date(local.Year(), local.Month(), local.Day()+day, hour, minute, 0, 0, zone)
			if !l.Days[at.Weekday()] || at.Before(t) {
				continue
			}
			if next.IsZero() || at.Before(next) {
				next = at
			}
			break
		}
	}
	if next.IsZero() {
		return next
	}
	return next.UTC()
}

// takes is what a car was seen to take in its transaction, for plans.
type takes struct {
	most loadbalance.MilliAmp // when it was offered clearly more; 0: it took what it was given
	on   loadbalance.PhaseSet // 0: it did not charge yet
}

const (
	offered  = 2 * loadbalance.Amp // more than it takes
	offerFor = 30 * time.Second
	flowing  = 2 * loadbalance.Amp // on a phase that it charges on
)

// watchCar learns from a sample what the car takes.
func (s *Site) watchCar(sl *slot) {
	k := &sl.tx.takes
	most := max(sl.measured[0], sl.measured[1], sl.measured[2])
	if most < flowing {
		return
	}
	k.on = 0
	for p := loadbalance.L1; p <= loadbalance.L3; p++ {
		if sl.measured[p] >= flowing {
			k.on |= loadbalance.Phases(p)
		}
	}
	if most <= k.most {
		return // as known
	}
	k.most = 0
	if held := sl.lim.present(s.now, sl.failsafe()); held-most >= offered && s.now.Sub(sl.lim.heldAt) >= offerFor {
		k.most = most + loadbalance.Amp/2
	}
}

// zone is where the site's clocks are set.
func (s *Site) zone() *time.Location {
	if s.cfg.Layout.Zone == nil {
		return time.UTC
	}
	return s.cfg.Layout.Zone
}

// garage finds cars and groups by token and by the cloud's group, all in upper case.
type garage struct {
	vehicles        map[string]*VehicleLayout
	groups, parents map[string]*GroupLayout
}

func newGarage(l *Layout) garage {
	g := garage{vehicles: map[string]*VehicleLayout{}, groups: map[string]*GroupLayout{}, parents: map[string]*GroupLayout{}}
	for i := range l.Vehicles {
		for _, t := range l.Vehicles[i].Tokens {
			g.vehicles[strings.ToUpper(t)] = &l.Vehicles[i]
		}
	}
	for i := range l.Groups {
		group := &l.Groups[i]
		for _, t := range group.Tokens {
			g.groups[strings.ToUpper(t)] = group
		}
		if group.Parent != "" {
			g.parents[strings.ToUpper(group.Parent)] = group
		}
	}
	return g
}

// vehicle finds a car by the token it charges with, nil if it isn't known.
func (g *garage) vehicle(token IDToken) *VehicleLayout {
	if len(g.vehicles) == 0 {
		return nil // each pass asks for each connector: no key is made for nothing
	}
	return g.vehicles[token.Key()]
}

// group finds the group of a token by itself, or by what the cloud says of it.
func (g *garage) group(token IDToken, info *TokenInfo) *GroupLayout {
	if len(g.groups) == 0 && len(g.parents) == 0 {
		return nil
	}
	if found := g.groups[token.Key()]; found != nil || info == nil || info.Parent == "" {
		return found
	}
	return g.parents[strings.ToUpper(info.Parent)]
}
