package trial

import (
	"slices"

	"busbar/controller"
)

// wire is what lies between the box and one charger, as the adapter of the box keeps it:
// one message is on its way, and of the setpoints of a connector only the newest waits.
type wire struct {
	limits   []controller.SetLimit
	failsafe *controller.InstallFailsafe
	commands []controller.Command
	sent     controller.Effect // on its way; nil: none
	done     float64           // when it is answered
	tx       []message         // of transactions, to the box, oldest first
	waits    bool              // the first of tx is sent and not answered
}

// answerWithin is how long a charger may take to answer a setpoint.
const answerWithin = 15

// message is one of a transaction that a charger keeps until it is answered.
type message struct {
	o    *outlet
	stop bool
	id   string
	at   float64
	reg  controller.WattHour
	tx   controller.TxID // of a stop, if it was known
}

// take puts an effect into the wire. The charger is connected, as far as the box knows.
func (w *world) take(p *point, e controller.Effect) {
	switch e := e.(type) {
	case controller.SetLimit:
		if !p.believed {
			w.unsent(e)
			return
		}
		if i := slices.IndexFunc(p.limits, func(o controller.SetLimit) bool { return o.Slot == e.Slot }); i >= 0 {
			old := p.limits[i]
			w.unsent(old)
			e.Urgent = e.Urgent || old.Urgent && e.Limit <= old.Limit
			p.limits[i] = e
			return
		}
		p.limits = append(p.limits, e)
	case controller.InstallFailsafe:
		if p.believed {
			p.failsafe = &e
		}
	case controller.Command:
		if !p.believed {
			w.post(controller.CommandAnswered{Op: e.Op, Err: "the charger is not connected"})
			return
		}
		p.commands = append(p.commands, e)
	}
}

// unsent ends a setpoint that never left the box.
func (w *world) unsent(l controller.SetLimit) {
	w.post(controller.LimitAnswered{Station: l.Station, Slot: l.Slot, Seq: l.Seq, Err: "not sent"})
}

// next is the weightiest thing that waits: a reduction, the fall-back, another setpoint,
// a command.
func (p *wire) next() controller.Effect {
	i := slices.IndexFunc(p.limits, func(l controller.SetLimit) bool { return l.Urgent || l.Reduction })
	switch {
	case i >= 0:
	case p.failsafe != nil:
		f := *p.failsafe
		p.failsafe = nil
		return f
	case len(p.limits) > 0:
		i = 0
	case len(p.commands) > 0:
		c := p.commands[0]
		p.commands = p.commands[1:]
		return c
	default:
		return nil
	}
	l := p.limits[i]
	p.limits = slices.Delete(p.limits, i, i+1)
	return l
}

// carry moves what is on the wire.
func (w *world) carry(p *point) {
	if p.believed && p.goneAt > 0 && w.t >= p.goneAt {
		w.unlink(p)
		w.post(controller.ChargerGone{Station: p.id, Generation: p.generation, Cause: "silence"})
	}
	if p.sent != nil && w.t >= p.done {
		e := p.sent
		p.sent = nil
		w.arrive(p, e, true)
	}
	if p.sent == nil && p.believed && w.site != nil {
		if p.sent = p.next(); p.sent != nil {
			p.done = w.t + p.sc.Latency*(0.5+p.rand.Float64())
			if _, limit := p.sent.(controller.SetLimit); !p.linked || limit && p.fault(FaultMute, w.t) != nil {
				p.done = w.t + answerWithin
			}
		}
	}
	w.tell(p)
}

// unlink ends the connection as the box sees it: what is on the way has an unknown end,
// what waits has not left.
func (w *world) unlink(p *point) {
	if p.sent != nil {
		e := p.sent
		p.sent = nil
		w.arrive(p, e, p.rand.IntN(2) == 0 && p.linked)
	}
	for _, l := range p.limits {
		w.unsent(l)
	}
	for _, c := range p.commands {
		w.post(controller.CommandAnswered{Op: c.Op, Err: "the connection was lost"})
	}
	p.limits, p.commands, p.failsafe, p.believed, p.goneAt, p.waits = nil, nil, nil, false, 0, false
}

// arrive is the end of a message's way: known tells that the box hears of it.
func (w *world) arrive(p *point, e controller.Effect, known bool) {
	reached := p.linked && p.powered
	switch e := e.(type) {
	case controller.SetLimit:
		w.limitArrives(p, e, reached, known)
	case controller.InstallFailsafe:
		if reached {
			p.floor = e.Limit
		}
		if reached && known {
			w.post(controller.FailsafeAnswered{Station: p.id, Accepted: true})
		}
	case controller.Command:
		if !reached || !known {
			w.post(controller.CommandAnswered{Op: e.Op, Err: "no answer"})
			return
		}
		w.post(controller.CommandAnswered{Op: e.Op, Accepted: true, Status: "Accepted"})
		w.obeyCommand(p, e)
	}
}

func (w *world) limitArrives(p *point, e controller.SetLimit, reached, known bool) {
	a := controller.LimitAnswered{Station: e.Station, Slot: e.Slot, Seq: e.Seq, Sent: true}
	o := w.bySlot[e.Slot]
	switch {
	case p.fault(FaultMute, w.t) != nil || !reached:
		a.Unknown, a.Err = true, "no answer"
	case p.fault(FaultRefuses, w.t) != nil || o == nil || !o.told || o.tx != e.Tx:
		a.Err = "Rejected"
	default:
		p.nth++
		if p.fault(FaultHalf, w.t) == nil || p.nth%2 == 0 {
			o.limit, o.until, o.has = e.Limit, w.t+e.Lease.Seconds(), true
		}
		a.Accepted = true
		if !known {
			a.Accepted, a.Unknown = false, true
		}
	}
	w.post(a)
}

// obeyCommand does what a command says.
func (w *world) obeyCommand(p *point, c controller.Command) {
	for _, o := range p.outlets {
		switch {
		case c.Kind == controller.CommandStop && o.told && o.tx == c.Tx:
			w.endTx(o)
			o.ended = true
		case c.Kind == controller.CommandStart && o.number == c.Connector && o.car != nil && !o.began:
			w.begin(o)
		}
	}
}

// tell sends the oldest message of a transaction, one at a time; it stays until it is
// answered.
func (w *world) tell(p *point) {
	if len(p.tx) == 0 || p.waits || !p.linked || !p.powered || w.site == nil || p.boots {
		return
	}
	m := p.tx[0]
	reply := w.wait(func(body controller.AnswerBody) {
		if len(p.tx) == 0 || p.tx[0].id != m.id {
			return // of a connection before
		}
		p.tx, p.waits = p.tx[1:], false
		if a, ok := body.(controller.StartAnswer); ok {
			w.answered(m, a)
		}
	})
	p.waits = true
	if m.stop {
		w.post(controller.TxStopped{Station: p.id, Reply: reply, Tx: m.tx, MeterStop: m.reg, At: w.at(m.at), AtText: w.at(m.at).Format(timeForm)})
		return
	}
	w.post(controller.TxStarted{Station: p.id, Reply: reply, MessageID: m.id, Connector: m.o.number, Token: tokenOf(m.o), MeterStart: m.reg, At: w.at(m.at), AtText: w.at(m.at).Format(timeForm)})
}

const timeForm = "2006-01-02T15:04:05.000Z"

func tokenOf(o *outlet) controller.IDToken {
	return controller.IDToken{Value: o.of.sc.ID + "-" + string(rune('0'+o.number)) + "-" + string(rune('A'+o.next))}
}

// answered is the box's word on a start.
func (w *world) answered(m message, a controller.StartAnswer) {
	if m.o.startID != m.id { // its car has gone: the stop waits behind it
		for i := range m.o.of.tx {
			if n := &m.o.of.tx[i]; n.stop && n.o == m.o && n.tx == 0 {
				n.tx = a.Tx
				break
			}
		}
		return
	}
	m.o.tx, m.o.told, m.o.shown = a.Tx, true, w.t+m.o.of.sc.Metering*m.o.of.rand.Float64()
	w.status(m.o, controller.StatusCharging)
}
