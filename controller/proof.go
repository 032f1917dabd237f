package controller

import (
	"fmt"
	"time"

	"busbar/loadbalance"
)

// proof is the dead-man test of one connector: a setpoint with a short lease is left to
// end, and the current must fall to the fall-back by itself. Everything else that the
// box knows of the connector stays true meanwhile: what it books is what the charger
// was told, and a reduction goes out at once and ends the test.
type proof struct {
	reply        ReplyID
	lease, watch time.Duration
	tx           *transaction
	giveUp       time.Time // if it could not begin by then
	seq          Seq       // of the setpoint with the short lease; 0: not sent yet
	ends         time.Time // of its lease; zero until the charger took it
	high         bool      // the newest sample before the end was above the fall-back
	stayed       time.Time // the newest sample after the end that was, too
}

const (
	// proofBegins is how long a car may take to draw more than the fall-back.
	proofBegins = time.Minute
	// proofSettles is what a car may take to follow (decision 27).
	proofSettles = 12 * time.Second
	// proofFresh is how old the sample may be that lets the test begin.
	proofFresh = 30 * time.Second
)

// proofRequested begins the test of a slot that has a running transaction.
func (s *Site) proofRequested(ev ProofRequested) {
	open := func(why string) { s.answer(ev.Reply, ProofAnswer{Why: why}) }
	sl := s.slotBy(ev.Slot)
	switch {
	case sl == nil || sl.station == nil:
		open("there is no such connector")
	case sl.proof != nil:
		open("a test runs already")
	case !sl.station.online:
		open("the charger is not connected")
	case sl.station.installed != int32(sl.station.failsafe):
		open("the charger has not taken its fall-back current")
	case sl.tx == nil:
		open("no car charges there")
	default:
		sl.proof = &proof{reply: ev.Reply, lease: ev.Lease, watch: ev.Watch, tx: sl.tx, giveUp: s.now.Add(proofBegins)}
		s.note(SeverityInfo, "connector.proof", fmt.Sprint(sl.number), "the test of the fall-back begins")
		s.passDue = true
	}
}

// proving carries the test on in a control pass; true if nothing else may be sent.
func (s *Site) proving(sl *slot, sp loadbalance.Setpoint) bool {
	p := sl.proof
	switch {
	case p == nil:
		return false
	case sl.tx != p.tx:
		s.endProof(sl, ProofAnswer{Why: "the transaction ended"})
	case !sl.station.online:
		s.endProof(sl, ProofAnswer{Why: "the connection was lost"})
	case sp.Action == loadbalance.Reduce && p.stays():
		s.endProof(sl, p.refuted(sl))
	case sp.Action == loadbalance.Reduce:
		s.endProof(sl, ProofAnswer{Why: "the connector had to be reduced meanwhile"})
	case p.seq == 0:
		return s.beginProof(sl)
	case p.ends.IsZero():
		return true
	default:
		return s.watchProof(sl)
	}
	return false
}

// beginProof sends the setpoint that the charger holds once more, with the short lease,
// when the car draws more than the fall-back.
func (s *Site) beginProof(sl *slot) bool {
	p, failsafe := sl.proof, sl.failsafe()
	present := sl.lim.present(s.now, failsafe)
	switch {
	case !s.now.Before(p.giveUp):
		s.endProof(sl, ProofAnswer{Why: "no car draws more than the fall-back there"})
	case len(sl.lim.sends) > 0, present <= failsafe, s.now.Sub(sl.measuredAt) > proofFresh, !sl.aboveFallback():
	default:
		s.sendLimit(sl, present, p.lease, false)
		p.seq = s.seq
		return true
	}
	return false
}

// provingAnswered hears what the charger said to the setpoint of the test.
func (s *Site) provingAnswered(sl *slot, ev LimitAnswered) {
	switch p := sl.proof; {
	case p == nil || p.seq == 0 || p.seq != ev.Seq:
	case ev.Accepted:
		p.ends = sl.lim.leaseUntil
	default:
		s.endProof(sl, ProofAnswer{Why: "the charger did not take the setpoint of the test: " + ev.Err})
	}
}

// watchProof looks at the newest sample.
func (s *Site) watchProof(sl *slot) bool {
	p := sl.proof
	above := sl.aboveFallback()
	switch {
	case sl.measuredAt.Before(p.ends):
		p.high = above
	case !p.high:
		s.endProof(sl, ProofAnswer{Why: "the car drew no more than the fall-back before the setpoint ended"})
		return false
	case above:
		p.stayed = sl.measuredAt
	case sl.belowFallback():
		s.endProof(sl, ProofAnswer{Why: "the car stopped charging meanwhile"})
		return false
	default:
		s.endProof(sl, ProofAnswer{Result: Yes, Fallback: sl.failsafe(), Took: sl.measuredAt.Sub(p.ends)})
		return false
	}
	if s.now.Before(p.ends.Add(p.watch)) {
		return true
	}
	if p.stays() {
		s.endProof(sl, p.refuted(sl))
	} else {
		s.endProof(sl, ProofAnswer{Why: "the charger sent no meter values in time"})
	}
	return false
}

// stays tells whether the current was still high when it had the time to fall.
func (p *proof) stays() bool { return !p.ends.IsZero() && !p.stayed.Before(p.ends.Add(proofSettles)) }

func (p *proof) refuted(sl *slot) ProofAnswer {
	return ProofAnswer{Result: No, Fallback: sl.failsafe(), Why: fmt.Sprintf("%v after the end of its setpoint the car still drew %v", p.stayed.Sub(p.ends).Round(time.Second), sl.strongest())}
}

func (s *Site) endProof(sl *slot, a ProofAnswer) {
	s.answer(sl.proof.reply, a)
	sl.proof = nil
	s.passDue = true
	text := "the test of the fall-back is open: " + a.Why
	switch a.Result {
	case Yes:
		text = fmt.Sprintf("the fall-back is proven: %v after %v", a.Fallback, a.Took.Round(time.Second))
	case No:
		text = "the charger does not fall back: " + a.Why
	}
	s.note(SeverityInfo, "connector.proof", fmt.Sprint(sl.number), text)
	s.stir()
}

// aboveFallback tells whether the newest sample is more than the fall-back with what
// meters and cars may be off (decision 27).
func (sl *slot) aboveFallback() bool {
	f := sl.failsafe()
	return sl.strongest() > f+f/10+loadbalance.Amp/2
}

// belowFallback tells that the car draws so little that it must have its own reason.
func (sl *slot) belowFallback() bool { return 2*sl.strongest() < sl.failsafe() }

func (sl *slot) strongest() loadbalance.MilliAmp {
	return max(sl.measured[0], sl.measured[1], sl.measured[2])
}
