package downstream

import (
	"slices"
	"sync"
	"time"

	"busbar/controller"
)

// A charger's clock is judged by the times in what it sends at once.
const (
	clockSlack = 10 * time.Second // decision 10
	// clockWitnesses is how many messages in a row must agree that it is wrong: after an
	// outage a charger sends old ones.
	clockWitnesses = 3
	skewStep       = 5 * time.Second // smaller changes of the skew are not told
)

// clockJudge compares a charger's times with the box's. It may be used from any
// goroutine.
type clockJudge struct {
	mu    sync.Mutex
	wrong int           // messages in a row that were off
	least time.Duration // the smallest offset of those
	skew  time.Duration // judged; 0: right
	told  time.Duration
	ever  bool
}

// hear takes the time of a message that was made when it was sent. news is true for the
// first judgement and if it changed: skew is 0 for a clock that is right.
func (j *clockJudge) hear(at, received time.Time) (skew time.Duration, news bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	off := received.Sub(at)
	switch {
	case off.Abs() <= clockSlack:
		j.wrong, j.skew = 0, 0
	case j.wrong == 0 || (off < 0) != (j.least < 0):
		j.wrong, j.least = 1, off
	default:
		j.wrong++
		if off.Abs() < j.least.Abs() {
			j.least = off
		}
	}
	if j.wrong >= clockWitnesses {
		j.skew, j.least = j.least, off // what comes next may show a smaller one again
	}
	judged := j.wrong == 0 || j.wrong >= clockWitnesses
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

// heardTime takes the time of a message that was made when it was sent.
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
