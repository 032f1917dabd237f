package trial

import (
	"fmt"
	"time"

	"busbar/controller"
	"busbar/loadbalance"
)

// layout is the site as the box is told.
func (w *world) layout() controller.Layout {
	told := loadbalance.MilliAmp(100)
	if w.sc.Told > 0 {
		told = loadbalance.MilliAmp(w.sc.Told)
	}
	l := controller.Layout{ID: "trial", NominalV: 230, Onboarding: "closed", UnknownAccepted: true, OfflineUnknownAccepted: true}
	for i := range w.nodes {
		c := w.nodes[i].sc
		n := loadbalance.Node{ID: loadbalance.NodeID(c.ID), Parent: loadbalance.NodeID(c.Parent), Limit: loadbalance.Uniform(c.Limit * told / 100),
			Metered: w.nodes[i].meter != nil, WorstBase: c.WorstBase, LargestStep: c.LargestStep}
		if c.Fuse {
			n.Breaker = loadbalance.BreakerGG
		}
		l.Nodes = append(l.Nodes, n)
	}
	for _, m := range w.sc.Meters {
		l.Meters = append(l.Meters, controller.MeterLayout{ID: m.ID, Node: loadbalance.NodeID(m.Circuit), Period: time.Duration(m.Period * float64(time.Second))})
	}
	for _, p := range w.points {
		c := controller.ChargerLayout{Station: p.id, Node: loadbalance.NodeID(p.sc.Circuit), Failsafe: p.sc.Failsafe}
		for _, o := range p.outlets {
			c.Connectors = append(c.Connectors, controller.ConnectorLayout{Number: o.number, Slot: o.slot, Min: least * loadbalance.Amp, Max: o.sc.Max, Wiring: o.sc.Wiring})
		}
		l.Chargers = append(l.Chargers, c)
	}
	if w.sc.Cloud {
		l.Uplink = controller.UplinkLayout{Station: "SITE", URL: "ws://cloud", Protocol: "ocpp1.6"}
	}
	return l
}

// startBox makes a Site of what is durable.
func (w *world) startBox() error {
	site, err := controller.NewSite(controller.SiteConfig{Layout: w.layout(), Recovered: w.journal.recover()})
	if err != nil {
		return fmt.Errorf("cannot start the box: %w", err)
	}
	w.site, w.wake, w.ticked = site, time.Time{}, w.t
	for _, p := range w.points {
		for _, o := range p.outlets {
			o.book.rose = -1
			if o.began && w.journal.holds(o) { // what it was given before may still be in force
				o.book.limit, o.book.until, o.book.has = o.sc.Max, w.t+longestLease, true
			}
		}
	}
	w.tracef("the box starts")
	return nil
}

// boxLives kills the box and starts it again, and makes durable what was written.
func (w *world) boxLives() {
	w.journal.age(w)
	down := false
	for i := range w.sc.Faults {
		f := &w.sc.Faults[i]
		down = down || f.Kind == FaultBox && f.on(w.t)
	}
	switch {
	case down && w.site != nil:
		w.killBox()
	case !down && w.site == nil:
		if err := w.startBox(); err != nil {
			panic("trial: what the box remembers does not let it start: " + err.Error())
		}
	}
}

func (w *world) killBox() {
	w.tracef("the box dies")
	w.site, w.events = nil, nil
	clear(w.replies)
	w.journal.crash()
	w.cloud.up = false
	for _, p := range w.points {
		if p.sent != nil && p.linked { // it is on the wire, nobody hears the answer
			e := p.sent
			p.sent = nil
			w.arrive(p, e, false)
		}
		p.wire = wire{tx: p.tx}
		p.linked, p.believed, p.goneAt = false, false, 0
		p.linksAt = w.t + 1 + 14*p.rand.Float64()
		for _, o := range p.outlets {
			o.book.sends, o.wanted, o.beginAt = nil, o.began, 0
		}
	}
	w.events = nil
}

// post hands the box an event; without a box it is lost.
func (w *world) post(ev controller.Event) {
	if w.site != nil {
		w.events = append(w.events, ev)
	}
}

// wait gives an id under which an answer is awaited.
func (w *world) wait(then func(controller.AnswerBody)) controller.ReplyID {
	w.reply++
	w.replies[w.reply] = then
	return w.reply
}

// settle lets the box take all that came, and a Tick when it asked for one.
func (w *world) settle() {
	if w.site == nil {
		w.events = w.events[:0]
		return
	}
	now := w.at(w.t)
	for i := 0; i < len(w.events) && w.site != nil; i++ {
		w.stepBox(now, w.events[i])
	}
	w.events = w.events[:0]
	if !w.wake.IsZero() && !now.Before(w.wake) || w.t-w.ticked >= 1-epsilon {
		w.stepBox(now, controller.Tick{})
		for i := 0; i < len(w.events); i++ {
			w.stepBox(now, w.events[i])
		}
		w.events = w.events[:0]
	}
}

func (w *world) stepBox(now time.Time, ev controller.Event) {
	w.out.Steps++
	w.traceEvent(ev)
	w.hears(ev)
	w.ticked, w.wake = w.t, time.Time{}
	for _, e := range w.site.Step(now, ev) {
		w.carryOut(e)
	}
}

// carryOut is the adapters of the box.
func (w *world) carryOut(e controller.Effect) {
	switch e := e.(type) {
	case controller.Wake:
		w.wake = e.At
	case controller.Answer:
		then := w.replies[e.Reply]
		if then == nil {
			w.broken("B1", "reply %d is answered, nobody or nobody any more waits", e.Reply)
			return
		}
		delete(w.replies, e.Reply)
		then(e.Body)
	case controller.Persist:
		w.journal.persist(w, e)
	case controller.LookupToken:
		w.post(controller.Found{Lookup: e.Lookup, Token: w.journal.token(e.Token)})
	case controller.LookupTx:
		w.post(controller.Found{Lookup: e.Lookup})
	case controller.AskToken:
		w.cloud.ask(w, e)
	case controller.SetLimit:
		w.setLimit(e)
	case controller.InstallFailsafe:
		w.to(e.Station, e)
	case controller.Command:
		w.to(e.Station, e)
	}
}

func (w *world) to(id controller.StationID, e controller.Effect) {
	for _, p := range w.points {
		if p.id == id {
			w.take(p, e)
		}
	}
}

func (w *world) setLimit(e controller.SetLimit) {
	o := w.bySlot[e.Slot]
	if w.leads() && o != nil && o.of.obeys(w.t) && e.Limit > 0 {
		w.post(controller.LimitAnswered{Station: e.Station, Slot: e.Slot, Seq: e.Seq, Err: "somebody else leads"})
		return
	}
	w.tracef("box -> %v: %v for %v urgent=%v", o, e.Limit, e.Lease, e.Urgent)
	w.out.Setpoints++
	w.checkLimit(e)
	w.to(e.Station, e)
}
