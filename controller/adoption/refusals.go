package adoption

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"busbar/ocpp"
)

// Refused is a charger that was not let in, as often as it came with the same fault.
type Refused struct {
	Station, Remote string // Station is "" if it failed before it said who it is (TLS)
	Status          int    // of HTTP; 101: closed after the handshake
	Reason, Remedy  string
	First, Last     time.Time
	Times           int

	told     time.Time // when the log had it last
	withheld int       // since then
}

const (
	maxRefused    = 64               // different ones that are remembered
	tellAgain     = 10 * time.Minute // one that goes on
	refusedLines  = 30               // in the log within refusedWithin: a flood of different ones hides no other line
	refusedWithin = 10 * time.Minute
)

// TurnedAway is told every handshake that was refused: for the page, and the event log.
// One that repeats is one line there, told again after some minutes with its number. It
// returns at once.
func (s *Service) TurnedAway(r ocpp.Refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	times := 1 + r.Withheld
	i := slices.IndexFunc(s.refused, func(o *Refused) bool {
		return o.Station == r.Identity && hostOf(o.Remote) == hostOf(r.Remote) && o.Reason == r.Reason
	})
	if i < 0 {
		if len(s.refused) >= maxRefused { // the one that was quiet for longest goes
			s.refused = slices.Delete(s.refused, 0, 1)
		}
		s.refused = append(s.refused, &Refused{Station: r.Identity, Remote: r.Remote, Reason: r.Reason, First: r.At})
		i = len(s.refused) - 1
	}
	o := s.refused[i]
	s.refused = append(slices.Delete(s.refused, i, i+1), o)
	o.Remote, o.Status, o.Remedy, o.Last, o.Times = r.Remote, r.Status, r.Remedy, r.At, o.Times+times
	if !o.told.IsZero() && r.At.Sub(o.told) < tellAgain || !s.mayTellLocked(r.At) {
		o.withheld += times
		return
	}
	text := fmt.Sprintf("refused, from %s: %s. %s", hostOf(o.Remote), o.Reason, o.Remedy)
	if o.withheld += times - 1; o.withheld > 0 {
		text += fmt.Sprintf(" (%d more times before)", o.withheld)
	}
	o.told, o.withheld = r.At, 0
	s.unwritten = append(s.unwritten, Entry{Station: o.Station, Code: "adoption.refused", Text: text})
	s.poke()
}

// mayTellLocked counts the lines about refusals in the log.
func (s *Service) mayTellLocked(now time.Time) bool {
	if now.Sub(s.telling) >= refusedWithin {
		s.telling, s.lines = now, 0
	}
	s.lines++
	return s.lines <= refusedLines
}

// writeRefusals writes down who was refused. What the log does not take is in the list
// still.
func (s *Service) writeRefusals(ctx context.Context) {
	s.mu.Lock()
	lines := s.unwritten
	s.unwritten = nil
	s.mu.Unlock()
	for _, e := range lines {
		if err := s.cfg.Audit(ctx, e); err != nil {
			s.log.Warn("a refusal is not in the event log", "station", e.Station, "text", e.Text, "err", err)
		}
	}
}

// Refusals are the chargers that were refused lately, the newest first. One that came in
// since then is not among them.
func (s *Service) Refusals() []Refused {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Refused, 0, len(s.refused))
	for _, o := range s.refused {
		if l := s.links[o.Station]; o.Station == "" || !l.alive() || l.since.Before(o.Last) {
			out = append(out, *o)
		}
	}
	slices.SortStableFunc(out, func(a, b Refused) int { return cmp.Or(b.Last.Compare(a.Last), cmp.Compare(a.Station, b.Station)) })
	return out
}
