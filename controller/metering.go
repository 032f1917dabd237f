package controller

import (
	"crypto/sha256"
	"encoding/json"
	"slices"
	"strconv"
	"time"
)

// meterReported takes MeterValues: the newest sample feeds the balancer, what is due
// for billing is persisted before the answer, all else goes to the history.
func (s *Site) meterReported(ev MeterReported) {
	st := s.stations[ev.Station]
	if st == nil {
		s.answer(ev.Reply, Done{})
		return
	}
	st.lastHeard = s.now
	sl := st.slotAt(ev.Connector)
	t := s.txOfValues(st, sl, ev)
	if t != nil && t.slot != nil {
		sl = t.slot
	}
	if t != nil && ev.Tx > 0 { // an idle connector has values, too
		t.heardAt = s.now
	}
	billing, repeated := s.takeSamples(sl, t, ev.Samples)
	switch {
	case len(billing) > 0:
	case repeated: // what it repeats may still be on its way to the disk
		s.answerWhenDurable(ev.Reply, Done{})
		return
	default:
		s.answer(ev.Reply, Done{})
		return
	}
	reply := ev.Reply
	s.persist(func() { s.answer(reply, Done{}) }, t.row, s.outboxRow(t, OutboxMeter, t.meterBody(billing)))
}

// takeSamples feeds the newest of samples to the balancer and all to the history, and
// returns those that are due for billing. sl and t may be nil. repeated tells that some
// were billed before.
func (s *Site) takeSamples(sl *slot, t *transaction, samples []MeterSample) (billing [][]byte, repeated bool) {
	for _, sample := range samples {
		if sl != nil {
			s.observe(sl, t, sample)
		}
		switch {
		case t == nil:
		case t.sighted(sample):
			repeated = true
		case s.dueUpstream(t, sample):
			billing = append(billing, sample.Raw)
			t.sight(sample.Raw)
			t.billedAt = sample.At
		}
	}
	return billing, repeated
}

// meterBody is what of a transaction's values goes to the outbox.
func (t *transaction) meterBody(values [][]byte) MeterBody {
	if t.row.ChargerTx != "" {
		return MeterBody{Values: values, Form: FormV2}
	}
	return MeterBody{Values: values}
}

// txOfValues finds the transaction by its id, or by the connector where the charger
// gives none (field pitfall 7). Values of an ended transaction stay its own until its
// Stop is on its way.
func (s *Site) txOfValues(st *station, sl *slot, ev MeterReported) *transaction {
	if ev.Tx > 0 {
		if t := s.txs[ev.Tx]; t != nil && t.row.Station == st.id {
			if t.row.Ended {
				return nil // the Stop is in the outbox: nothing may follow it
			}
			return t
		}
	}
	if sl != nil && sl.tx != nil && (ev.Tx <= 0 || sl.tx.row.Tx == ev.Tx) {
		return sl.tx
	}
	return nil
}

func (s *Site) observe(sl *slot, t *transaction, sample MeterSample) {
	if sample.HasEnergy && t != nil && sample.Energy >= t.row.LastRegister {
		if sample.Energy > t.row.LastRegister {
			t.heardAt = s.now
		}
		t.row.LastRegister, t.row.LastSampleAt = sample.Energy, sample.At
	}
	if s.now.Sub(sample.At).Abs() < liveSample {
		if sample.CurrentPhases != 0 {
			sl.measured = sl.wires.onGrid(sl.layout.Wiring, sample.Current, sample.CurrentPhases)
			sl.measuredAt = s.now // the next pass, at most a second away, looks at it
			if t != nil && t == sl.tx {
				s.watchCar(sl)
			}
		}
		if sample.HasEnergy {
			sl.register = sample.Energy
		}
		if sample.SoC >= 0 {
			sl.soc = sample.SoC
			if t != nil {
				sl.socRegister = t.row.LastRegister
			}
		}
	}
	id := TxID(0)
	if t != nil {
		id = t.id
	}
	s.do(Telemetry{Slot: sl.number, Tx: id, Sample: sample})
}

// dueUpstream is the rule of what is billing (decision 23): signed values, the
// contexts that frame a transaction or an aligned interval, and one sample per
// MeterValueSampleInterval of the cloud.
func (s *Site) dueUpstream(t *transaction, sample MeterSample) bool {
	if sample.Billing {
		return true
	}
	interval, err := strconv.Atoi(s.settings[SettingSampleInterval])
	if err != nil || interval <= 0 {
		return false
	}
	if t.billedAt.IsZero() {
		return sample.At.Sub(t.row.StartedAt) >= time.Duration(interval)*time.Second-sampleSlack
	}
	return sample.At.Sub(t.billedAt) >= time.Duration(interval)*time.Second-sampleSlack
}

// sighted tells whether a sample was billed already: a charger that got no answer sends
// it again, with another message id perhaps (6.3), and perhaps to the box's next life.
// Of an interval's samples, one without a time can't be told from the next.
func (t *transaction) sighted(sample MeterSample) bool {
	return (sample.Billing || sample.AtText != "") && slices.Contains(t.sights, sha256.Sum256(sample.Raw))
}

// sight remembers a billed sample.
func (t *transaction) sight(raw json.RawMessage) {
	if len(t.sights) >= BilledKept {
		t.sights = slices.Delete(t.sights, 0, 1)
	}
	t.sights = append(t.sights, sha256.Sum256(raw))
}

// sampleSlack lets a charger's sample that comes a little early count for its
// interval, so that 10 s metering meets a 60 s interval every 60 s.
const sampleSlack = 2 * time.Second
