package loadbalance

import "time"

const (
	// window is the number of one-second buckets kept; Tuning.Release of them make the
	// slow base load. That should not be shorter than the usual time between two
	// reports of a charger, or a car that stops would look like a building that stops.
	window = 60
	// comeback is how many fresh readings in a row end the fail-safe state.
	comeback = 3
	// maxPeriod bounds how much a slow meter can stretch its limits of age.
	maxPeriod = 10 * time.Second
	// maxAhead is how far a reading's time may be ahead of ours.
	maxAhead = 2 * time.Second
	// frozenMove is how much the chargers must have moved for a standing reading to
	// be impossible.
	frozenMove = 2 * int64(Amp)
)

// brief is how many readings in a row a load must last to count for releases: as
// long as an overload may last before it is cut. A lift's start costs no headroom for
// a minute.
const brief = int(lasting / time.Second)

// moment is the base load of one reading.
type moment struct {
	at   time.Time
	base [3]int64
}

// meter is what is remembered of one node's meter.
type meter struct {
	read    bool // there was a reading
	at      time.Time
	current PerPhase
	period  time.Duration

	baseKnown bool
	base      [3]int64 // uncontrolled load, may be negative (export)
	ring      [window][3]int64
	ringAt    [window]int64 // second of each bucket, 0: empty
	latest    [brief]moment // the newest base loads, newest first

	reserve reserve

	stands [3]standing // each conductor's value, as long as it doesn't change

	age    time.Duration
	fresh  bool
	frozen bool
	dead   bool // too old, never read, or frozen
	lost   bool // dead, or back but not long enough
	good   int  // fresh readings since dead
	once   bool // it was good before
	backAt time.Time

	overAt time.Time // measured above the limit since
	stress [3]Stress
}

// standing is a value that doesn't change, and what the connectors below drew meanwhile.
type standing struct {
	since time.Time
	least int64     // the largest that they drew at least at some time
	most  int64     // the smallest that they drew at most at some time
	moved time.Time // when these two had parted for certain
}

// better reports whether r is to be taken rather than what is there; of two readings
// of one time the larger, so that their order doesn't matter.
func (m *meter) better(r *Reading, now time.Time) bool {
	if r.At.After(now.Add(maxAhead)) {
		return false
	}
	if !m.read || r.At.After(m.at) || m.at.After(now.Add(maxAhead)) {
		return true // also when the clock was set back
	}
	if r.At.Before(m.at) {
		return false
	}
	for p := range m.current {
		if r.Current[p] != m.current[p] {
			return r.Current[p] > m.current[p]
		}
	}
	return false
}

// take books a new reading. lo and hi is what the connectors below draw at least and
// at most.
func (m *meter) take(r *Reading, lo, hi [3]int64, t *Tuning) {
	for p := range m.stands {
		if !m.read || r.Current[p] != m.current[p] {
			m.stands[p] = standing{since: r.At, least: lo[p], most: hi[p]}
		}
	}
	for p := range m.stress {
		if dt := r.At.Sub(m.at); m.read && dt < maxPeriod {
			m.stress[p].Add(dt, bounded(m.current[p]))
		}
	}
	m.read, m.at, m.current = true, r.At, r.Current
	m.period = min(max(r.Period, 0), maxPeriod)
	m.good++
	for p := range m.base {
		m.base[p] = m.observe(p, lo[p], hi[p])
	}
	m.baseKnown = true
	lasts := m.sustained()
	m.remember(lasts)
	m.reserve.note(m.at, lasts, t)
}

// observe is the base load after a reading: the last one as far as the reading
// allows. While a car is on its way to a new current both the car and the building
// may have moved; what the car can explain is the car's.
func (m *meter) observe(p int, lo, hi int64) int64 {
	most, least := int64(bounded(m.current[p]))-lo, int64(bounded(m.current[p]))-hi
	if !m.baseKnown {
		return most
	}
	return min(max(m.base[p], least), most)
}

// sustained is the base load that has lasted: the least of the last seconds, as far
// as the meter reads that often.
func (m *meter) sustained() [3]int64 {
	copy(m.latest[1:], m.latest[:])
	m.latest[0] = moment{m.at, m.base}
	out := m.base
	for _, x := range m.latest[1:] {
		if age := m.at.Sub(x.at); age < 0 || age >= lasting {
			break
		}
		for p := range out {
			out[p] = min(out[p], x.base[p])
		}
	}
	return out
}

func (m *meter) remember(base [3]int64) {
	sec := m.at.Unix()
	i := int(uint64(sec) % window)
	if m.ringAt[i] != sec {
		m.ringAt[i], m.ring[i] = sec, base
		return
	}
	for p := range base {
		m.ring[i][p] = max(m.ring[i][p], base[p])
	}
}

// slow is the maximum of the base load over the last seconds before now.
func (m *meter) slow(now time.Time, p Phase, over int64) int64 {
	most := m.base[p]
	for i, at := range m.ringAt {
		if at > now.Unix()-over && at <= now.Unix()+1 {
			most = max(most, m.ring[i][p])
		}
	}
	return most
}

// noteMovement remembers what the connectors below draw while the values stand still.
func (m *meter) noteMovement(lo, hi [3]int64) {
	for p := range m.stands {
		s := &m.stands[p]
		s.least, s.most = max(s.least, lo[p]), min(s.most, hi[p])
		if s.moved.IsZero() && s.least-s.most >= frozenMove {
			s.moved = m.at
		}
	}
}

// standsStill reports whether a conductor's value didn't change for so long although the
// connectors below have moved for certain, and not just now: it can't be what flows there.
func (m *meter) standsStill(long time.Duration) bool {
	for p := range m.stands {
		s := &m.stands[p]
		if !s.moved.IsZero() && m.at.Sub(s.since) >= long && m.at.Sub(s.moved) >= max(long/3, 3*m.period) {
			return true
		}
	}
	return false
}

// judge decides what the reading is worth at now.
func (m *meter) judge(now time.Time, cfg *Config) {
	m.age = now.Sub(m.at)
	m.frozen = m.read && m.standsStill(cfg.FrozenAfter)
	m.dead = !m.read || m.frozen || m.age > m.lostAfter(cfg) || m.age < -maxAhead
	switch {
	case m.dead:
		m.lost, m.good = true, 0
		if !m.frozen {
			m.baseKnown = false
			m.reserve.forget()
		}
	case m.lost && m.good >= comeback:
		m.lost = false
		if m.once {
			m.backAt = now
		}
		m.once = true
	}
	m.fresh = !m.dead && m.age <= m.staleAfter(cfg)
}

func (m *meter) staleAfter(cfg *Config) time.Duration { return max(cfg.StaleAfter, 3*m.period) }
func (m *meter) lostAfter(cfg *Config) time.Duration  { return max(cfg.FailsafeWhen, 3*m.period) }
