package loadbalance

import "time"

const (
	// unusedAbove is how much less than its setpoint a car must draw to count as
	// leaving something over: more than the tolerance of cars and pilots.
	unusedAbove = 12 * Amp / 10
	// reaches is how near to its cap a car must come to get more.
	reaches = 7 * Amp / 10
	// capSpare is what a car keeps above what it draws, capStep what it gets more
	// when it takes that.
	capSpare = Amp
	capStep  = 2 * Amp
	// probeEvery is the time between two offers to take more.
	probeEvery = 5 * time.Minute
	// asleepBelow is the current of a car that doesn't charge, sleepsAfter how long it
	// must stay below before it counts as asleep, and after a wake-up in vain.
	asleepBelow = Amp
	sleepsAfter = 5 * time.Minute
	sleepsAgain = 2 * time.Minute
)

// naps is the time until the next try to wake a car that was sent to 0 A because it
// didn't charge.
func naps(wakings int) time.Duration {
	switch wakings {
	case 0:
		return 10 * time.Minute
	case 1:
		return 30 * time.Minute
	}
	return time.Hour
}

// unused is what is known of a car that draws less than it might.
type unused struct {
	cap      MilliAmp // 0: none
	setAt    time.Time
	reads    int // reports so far
	lowReads int // of them in a row below the setpoint, settled
	judged   int // last report judged

	restSince time.Time // draws next to nothing since
	asleep    bool      // and long enough to count
	sleptAt   time.Time
	wakings   int // in vain so far
}

// watchUnused bounds what a car is given to what it takes, so that others get the
// rest. The bound is followed only where somebody else wants the current.
func (b *Balancer) watchUnused(w *work) {
	w.s.unused.wake(w, b.now)
	b.judgeUnused(w)
}

func (b *Balancer) judgeUnused(w *work) {
	u := &w.s.unused
	if u.judged == u.reads {
		return
	}
	u.judged = u.reads
	u.judgeSleep(w, b.now)
	settled := !w.c.SentOpen && w.settled
	switch {
	case w.draws < 0 || w.present < w.min:
		u.lowReads = 0
	case u.cap > 0 && w.draws > w.present-reaches && w.present >= u.cap-b.cfg.Tuning.LeastChange:
		u.cap, u.setAt, u.lowReads = u.cap+capStep, b.now, 0
		if u.cap >= w.max {
			u.cap = 0
		}
	case !settled || w.draws >= w.present-unusedAbove:
		u.lowReads = 0
	default:
		if u.lowReads++; u.lowReads >= 2 {
			u.cap, u.setAt = b.roundUp(max(w.draws, w.min)+capSpare), b.now
		}
	}
}

// probeOne lifts the oldest bound every five minutes, to see whether the car takes
// more by now.
func (b *Balancer) probeOne() {
	if b.capped == 0 || b.now.Sub(b.probed) < probeEvery {
		return
	}
	var oldest *work
	for i := range b.works {
		w := &b.works[i]
		if w.cap <= 0 {
			continue
		}
		if at := w.s.unused.setAt; b.now.Sub(at) >= probeEvery && (oldest == nil || at.Before(oldest.s.unused.setAt)) {
			oldest = w
		}
	}
	if oldest != nil {
		b.probed = b.now
		oldest.cap, oldest.s.unused.cap, oldest.s.unused.lowReads = 0, 0, 0
	}
}

// judgeSleep finds out whether a car that may charge does.
func (u *unused) judgeSleep(w *work, now time.Time) {
	switch {
	case w.draws < 0 || w.present < w.min:
		u.restSince = time.Time{}
	case w.draws >= asleepBelow:
		u.restSince, u.asleep, u.wakings = time.Time{}, false, 0
	case u.restSince.IsZero():
		u.restSince = now
	case now.Sub(u.restSince) >= sleepsAfter || u.wakings > 0 && now.Sub(u.restSince) >= sleepsAgain:
		if !u.asleep {
			u.asleep, u.sleptAt = true, now
		}
	}
}

// wake lets a car that was sent to 0 A try again; one that kept its minimum wakes by
// itself.
func (u *unused) wake(w *work, now time.Time) {
	if u.asleep && w.final < w.min && now.Sub(later(u.sleptAt, w.s.shedAt)) >= naps(u.wakings) {
		u.asleep, u.restSince = false, time.Time{}
		u.wakings++
	}
}
