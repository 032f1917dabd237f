package adoption

import (
	"context"
	"errors"
	"io"
	"maps"
	"sync"
	"time"
)

// job is work for a charger that nobody waits for.
type job func(context.Context)

const (
	maxJobs       = 64
	jobsAtOnce    = 8
	jobWithin     = 5 * time.Minute
	flushWithin   = 2 * time.Second
	retryFlush    = 10 * time.Second
	lookForEnds   = time.Hour
	renewBefore   = 30 * 24 * time.Hour // a charger's certificate
	askAgainAfter = 24 * time.Hour
	settleAfter   = 2 * time.Second // from a boot until its answer is there
)

var errBusy = errors.New("cannot do it now: too much is under way; try again")

func (s *Service) enqueue(j job) error {
	select {
	case s.jobs <- j:
		return nil
	default:
		return errBusy
	}
}

// Run ends the pairing window in time, writes down what chargers did, and renews their
// certificates, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	var running sync.WaitGroup
	defer running.Wait()
	slots := make(chan struct{}, jobsAtOnce)
	wake, ends := time.NewTimer(0), time.NewTicker(lookForEnds)
	defer wake.Stop()
	defer ends.Stop()
	for {
		select {
		case <-ctx.Done():
			s.shut()
			return nil
		case <-s.stir:
		case <-wake.C:
		case <-ends.C:
			s.askForRenewals()
		case j := <-s.jobs:
			running.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				ctx, cancel := context.WithTimeout(ctx, jobWithin)
				defer cancel()
				j(ctx)
			})
			continue
		}
		if next := s.look(ctx); next > 0 {
			wake.Reset(next)
		}
	}
}

// shut is the end: what is known is written, and the port of the pairing window closed.
func (s *Service) shut() {
	ctx, cancel := context.WithTimeout(context.Background(), flushWithin)
	defer cancel()
	s.writeRefusals(ctx)
	s.flush(ctx)
	s.mu.Lock()
	s.until = time.Time{}
	door := s.plain
	s.plain = nil
	s.mu.Unlock()
	if door != nil {
		if err := door.Close(); err != nil {
			s.log.Warn("cannot close the port without TLS", "err", err)
		}
	}
}

// look does what is due and says when it is to be called again; 0: when stirred.
func (s *Service) look(ctx context.Context) time.Duration {
	next := time.Duration(0)
	s.writeRefusals(ctx)
	if !s.flush(ctx) {
		next = retryFlush
	}
	s.mu.Lock()
	left := time.Until(s.until)
	over := !s.until.IsZero() && left <= 0
	if over {
		s.until = time.Time{}
	}
	door := io.Closer(nil)
	if s.until.IsZero() && s.plain != nil && !s.waitForTLSLocked() {
		door, s.plain = s.plain, nil
	}
	var leave []*link
	if s.until.IsZero() {
		leave = s.mustLeaveLocked()
	}
	s.mu.Unlock()
	for _, l := range leave {
		l.conn.Close(closePolicy, "the pairing window is over")
	}
	if over {
		s.note(ctx, "", "adoption.pairing", "the pairing window is over")
	}
	if door != nil {
		if err := door.Close(); err != nil {
			s.log.Warn("cannot close the port without TLS", "err", err)
		}
	}
	if left > 0 && (next == 0 || left < next) {
		next = left
	}
	return next
}

// waitForTLSLocked tells whether a charger is on its way from the port without TLS to
// one with it: the way back stays open until it is there (A05.FR.08).
func (s *Service) waitForTLSLocked() bool {
	for _, c := range s.records {
		if c.Target != 0 && c.Profile < 2 {
			return true
		}
	}
	return false
}

// mustLeaveLocked are the connections that only the window allowed.
func (s *Service) mustLeaveLocked() []*link {
	var out []*link
	for station, l := range s.links {
		rec := s.records[station]
		onlyPlain := l.profile == 1 && !s.cfg.Plain && (rec.Target == 0 || rec.Profile >= 2)
		if l.alive() && (onlyPlain || l.stranger && s.cfg.Onboarding != "approve") {
			out = append(out, l)
		}
	}
	return out
}

// flush writes down what chargers did; false: some of it failed.
func (s *Service) flush(ctx context.Context) bool {
	s.mu.Lock()
	unsaved := s.unsaved
	s.unsaved = map[string]Entry{}
	s.mu.Unlock()
	ok := true
	for station, entry := range unsaved {
		if _, err := s.change(ctx, station, func(*Credential) {}); err != nil {
			s.log.Warn("cannot write down what a charger did", "station", station, "err", err)
			s.mu.Lock()
			if _, newer := s.unsaved[station]; !newer {
				s.unsaved[station] = entry
			}
			s.mu.Unlock()
			ok = false
			continue
		}
		s.note(ctx, station, entry.Code, entry.Text)
	}
	return ok
}

// askForRenewals has chargers whose certificate ends within a month ask for a new one.
func (s *Service) askForRenewals() {
	now := time.Now()
	s.mu.Lock()
	links := maps.Clone(s.links)
	s.mu.Unlock()
	for station, l := range links {
		s.mu.Lock()
		due := l.profile == 3 && l.alive() && now.After(l.certEnd.Add(-renewBefore)) && now.Sub(l.askedAt) > askAgainAfter
		if due {
			l.askedAt = now
		}
		s.mu.Unlock()
		if !due {
			continue
		}
		if err := s.enqueue(func(ctx context.Context) {
			if err := s.obtainCertificate(ctx, station, l); err != nil {
				s.log.Warn("a charger did not renew its certificate", "station", station, "err", err)
			}
		}); err != nil {
			s.log.Warn("a charger is not asked to renew its certificate now", "station", station, "err", err)
		}
	}
}

// wish raises a charger that was approved for a higher profile, once it has booted.
func (s *Service) wish(station string, profile int) {
	err := s.enqueue(func(ctx context.Context) {
		select {
		case <-time.After(settleAfter):
		case <-ctx.Done():
			return
		}
		s.raiseAlone(ctx, "box", station, profile)
	})
	if err != nil {
		s.log.Warn("a charger is not raised now", "station", station, "err", err)
	}
}
