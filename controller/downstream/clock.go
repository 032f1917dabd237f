package downstream

import (
	"slices"
	"sync"
	"time"

	"busbar/controller"
)

// A charger's clock is judged by the times in what it sends. Many send old ones: after an
// outage what was queued, on request the time of a connector's last change. Those differ
// from now by ever other amounts; a clock that is off, by the same amount for a while.
const (
	clockSlack     = 10 * time.Second // decision 10
	clockWitnesses = 3                // messages in a row that must agree,
	clockSpan      = 15 * time.Second // over at least this time: longer than the slack, so that one fixed time never does
	skewStep       = 5 * time.Second  // smaller changes of the skew are not told
)

// clockJudge compares a charger's times with the box's. It may be used from any
// goroutine.
type clockJudge struct {
	mu    sync.Mutex
	wrong int // messages in a row that were off by about as much as the first of them
	first time.Duration
	since time.Time     // when that came
	skew  time.Duration // judged; 0: right
	told  time.Duration
	ever  bool // judged at all
}

// hear takes the time of a message. news is true for the first judgement and if it
// changed: skew is 0 for a clock that is right.
func (j *clockJudge) hear(at, received time.Time) (skew time.Duration, news bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	off := received.Sub(at)
	judged := true
	switch {
	case off.Abs() <= clockSlack:
		j.wrong, j.skew = 0, 0
	case j.wrong == 0 || (off-j.first).Abs() > clockSlack:
		j.wrong, j.first, j.since = 1, off, received
		judged = false
	default:
		j.wrong++
		if judged = j.wrong >= clockWitnesses && received.Sub(j.since) >= clockSpan; judged {
			j.skew = off
		}
	}
	news = judged && (!j.ever || (j.skew-j.told).Abs() >= skewStep)
	if news {
		j.told, j.ever = j.skew, true
	}
	return j.skew, news
}

// off is the judged skew, 0 for a clock that is right or not judged yet.
func (j *clockJudge) off() time.Duration {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.skew
}

// reset is called when the charger was told the time.
func (j *clockJudge) reset() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.wrong = 0
}

// heardTime takes the time of a message.
func (s *session) heardTime(at, received time.Time) {
	if at.IsZero() {
		return
	}
	if _, news := s.clock.hear(at, received); news {
		s.tellClock()
	}
}

// tellClock reports the judgement, and whether setpoints can have an end in spite of
// it: a profile that is relative needs no clock.
func (s *session) tellClock() {
	skew := s.clock.off()
	relative := slices.Contains(s.hub.memory.abilities(s.id).Kinds, controller.KindRelative)
	s.hub.reports.add(controller.ClockJudged{Station: s.id, Skew: skew.Round(time.Second), LeaseOK: skew == 0 || relative})
}
