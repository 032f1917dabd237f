package loadbalance

import (
	"math"
	"time"
)

// breakerModel is the first-order thermal model of a protective device: theta
// follows the square of current over rated current with tau, and it opens at trip.
type breakerModel struct {
	trip float64 // theta at which it opens
	tau  float64 // seconds
}

// Conventional currents are of IEC 60898-1 (1.13, no trip) and IEC 60269 (1.25, no
// fusing); tau is chosen so that the cold device is inside the gates of the
// standards: an MCB at 2.55 In opens after 22 s, gG fuses stay inside their 63 A
// gates.
func (k Breaker) model() breakerModel {
	if k == BreakerGG {
		return breakerModel{trip: 1.25 * 1.25, tau: 80}
	}
	return breakerModel{trip: 1.13 * 1.13, tau: 100}
}

// conventional is the current, in percent of the rated one, that the device carries
// for ever, and the one at which it must have opened after an hour or more.
func (k Breaker) conventional() (never, must int64) {
	if k == BreakerGG {
		return 125, 160
	}
	return 113, 145
}

// Stress is what one conductor's protective device goes through. It starts warm, as
// after hours at its rated current. The zero Stress is useless; make it with
// NewStress. It is a value: copies are independent. Not safe for concurrent use.
type Stress struct {
	limit    float64 // mA
	model    breakerModel
	theta    float64
	maxTheta float64
	tripped  bool
	event    event
	excess   MilliAmp
	longest  time.Duration
	over     time.Duration
	over113  time.Duration
	worstJ   float64
}

// event is one unbroken time above the rated current.
type event struct {
	length time.Duration
	j      float64
}

// NewStress makes the record of a device of kind k rated limit; limit must be
// positive.
func NewStress(k Breaker, limit MilliAmp) Stress {
	return Stress{limit: float64(max(1, limit)), model: k.model(), theta: 1, maxTheta: 1}
}

// rate has the record go on with a device of another rated current, as warm as this one.
func (s *Stress) rate(limit MilliAmp) { s.limit = float64(max(1, limit)) }

// Add lets current flow for dt. Negative times and currents count as none.
func (s *Stress) Add(dt time.Duration, current MilliAmp) {
	if dt <= 0 {
		return
	}
	ratio := float64(max(0, current)) / s.limit
	sq, sec := ratio*ratio, dt.Seconds()
	s.theta = sq + (s.theta-sq)*math.Exp(-sec/s.model.tau)
	s.maxTheta = max(s.maxTheta, s.theta)
	s.tripped = s.tripped || s.theta >= s.model.trip
	if ratio <= 1 {
		s.event = event{}
		return
	}
	s.event.length += dt
	s.event.j += (sq - 1) * sec
	s.over += dt
	if ratio > 1.13 {
		s.over113 += dt
	}
	s.excess = max(s.excess, current-MilliAmp(s.limit))
	s.longest = max(s.longest, s.event.length)
	s.worstJ = max(s.worstJ, s.event.j)
}

// Theta is the present thermal state: 1 is warm at rated current.
func (s *Stress) Theta() float64 { return s.theta }

// Used is the largest thermal state so far over the one at which the device opens.
func (s *Stress) Used() float64 { return s.maxTheta / s.model.trip }

// near reports whether the device is at more than share of its opening state now.
func (s *Stress) near(share float64) bool { return s.theta > share*s.model.trip }

// Tripped reports whether the device has opened.
func (s *Stress) Tripped() bool { return s.tripped }

// WorstExcess is the largest current above the limit so far.
func (s *Stress) WorstExcess() MilliAmp { return s.excess }

// LongestEvent is the longest unbroken time above the limit.
func (s *Stress) LongestEvent() time.Duration { return s.longest }

// Over is all the time above the limit, OverConventional all above 1.13 of it.
func (s *Stress) Over() time.Duration { return s.over }

// OverConventional is all the time above 1.13 of the limit.
func (s *Stress) OverConventional() time.Duration { return s.over113 }

// WorstJ is the overload integral of the worst event, in seconds: the integral of
// (I/In)^2 - 1 over its time. A hot MCB stands 27.7 s, a hot gG fuse 45 s.
func (s *Stress) WorstJ() float64 { return s.worstJ }
