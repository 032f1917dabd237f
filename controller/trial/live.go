package trial

import (
	"fmt"

	"busbar/controller"
)

// live is what a charger does by itself: power, connection, cars, reports.
func (w *world) live(p *point) {
	w.livePower(p)
	w.liveLink(p)
	for _, o := range p.outlets {
		w.liveCar(o)
		o.remember(w.t)
		if !o.told || !o.began || w.t < o.shown {
			continue
		}
		o.shown += p.sc.Metering
		if p.linked && p.powered && w.site != nil {
			w.report(o)
		}
	}
}

func (w *world) livePower(p *point) {
	f := p.fault(FaultReboot, w.t)
	switch {
	case f != nil && p.powered:
		w.tracef("%s loses its power", p.id)
		p.powered = false
		w.loseLink(p, f.Arg)
		for _, o := range p.outlets {
			o.has, o.heldOn = false, false
		}
		if p.fault(FaultForgets, w.t) != nil {
			p.floor = -1
		}
	case f == nil && !p.powered:
		w.tracef("%s has its power back", p.id)
		p.powered, p.boots, p.linksAt = true, true, w.t+3+7*p.rand.Float64()
	}
}

// loseLink cuts the connection; the box notices it some seconds later.
func (w *world) loseLink(p *point, noticed float64) {
	if p.linked {
		p.linked, p.lostAt, p.goneAt = false, w.t, w.t+noticed+tick
		w.tracef("%s loses its connection", p.id)
	}
}

func (w *world) liveLink(p *point) {
	if f := p.fault(FaultOffline, w.t); f != nil {
		w.loseLink(p, f.Arg)
		p.linksAt = w.t + 3*p.rand.Float64()
	}
	if p.linked || !p.powered || w.site == nil || w.t < p.linksAt {
		return
	}
	if p.believed {
		w.unlink(p)
	}
	p.generation++
	p.linked, p.believed = true, true
	w.post(controller.ChargerConnected{Station: p.id, Generation: p.generation, Protocol: "ocpp1.6"})
	if !p.boots {
		return
	}
	generation := p.generation
	reply := w.wait(func(body controller.AnswerBody) {
		if a, ok := body.(controller.BootAnswer); !ok || a.Status != "Accepted" || p.generation != generation {
			return
		}
		p.boots = false
		for _, o := range p.outlets {
			w.status(o, o.stands())
		}
	})
	w.post(controller.Booted{Station: p.id, Reply: reply, Info: controller.ChargerInfo{Vendor: "Trial", Model: "T1"}})
}

// stands is the connector's status.
func (o *outlet) stands() controller.ConnectorStatus {
	switch {
	case o.began:
		return controller.StatusCharging
	case o.car != nil:
		return controller.StatusPreparing
	}
	return controller.StatusAvailable
}

func (w *world) status(o *outlet, s controller.ConnectorStatus) {
	if p := o.of; p.linked && p.powered && !p.boots && w.site != nil {
		w.post(controller.StatusReported{Station: p.id, Reply: w.wait(func(controller.AnswerBody) {}), Connector: o.number, Status: s, ErrorCode: controller.NoError, At: w.at(w.t)})
	}
}

func (w *world) liveCar(o *outlet) {
	switch {
	case o.car == nil && o.next < len(o.sc.Cars) && w.t >= o.sc.Cars[o.next].Comes:
		o.car = &o.sc.Cars[o.next]
		o.next++
		o.wanted, o.beginAt, o.ended = false, 0, false
		w.status(o, controller.StatusPreparing)
	case o.car != nil && w.t >= o.car.Goes:
		w.endTx(o)
		o.car, o.ended = nil, false
		w.status(o, controller.StatusAvailable)
	case o.car != nil && !o.began && !o.ended && o.of.powered:
		w.ask(o)
	}
}

// ask is the way from a plugged car to a transaction.
func (w *world) ask(o *outlet) {
	p := o.of
	switch {
	case o.beginAt > 0:
		if w.t >= o.beginAt {
			w.begin(o)
		}
	case o.wanted:
	case p.sc.Free || !p.linked || w.site == nil:
		o.wanted, o.beginAt = true, w.t+1+2*p.rand.Float64()
	case !p.boots:
		o.wanted = true
		car := o.car
		reply := w.wait(func(body controller.AnswerBody) {
			if a, ok := body.(controller.AuthorizeAnswer); ok && a.Info.Status == controller.TokenAccepted && o.car == car && !o.began {
				o.beginAt = w.t + 1 + 2*p.rand.Float64()
			}
		})
		w.post(controller.AuthorizeAsked{Station: p.id, Reply: reply, Token: tokenOf(o)})
	}
}

func (w *world) begin(o *outlet) {
	o.began, o.told, o.tx, o.has, o.beginAt = true, false, 0, false, 0
	o.book, o.opened, o.shownAt, o.reportAt = book{rose: -1}, w.t, -1, -1000
	o.startID = fmt.Sprintf("%s-%d-%d-%d", o.of.sc.ID, o.number, o.next, w.n)
	o.of.tx = append(o.of.tx, message{o: o, id: o.startID, at: w.t, reg: controller.WattHour(o.energy)})
	w.tracef("%v begins, car takes %.0f A on %d", o, o.car.Takes, o.phases())
	w.status(o, controller.StatusCharging)
}

func (w *world) endTx(o *outlet) {
	if !o.began {
		return
	}
	o.of.tx = append(o.of.tx, message{o: o, stop: true, id: o.startID + "-stop", at: w.t, reg: controller.WattHour(o.energy), tx: o.tx})
	o.began, o.told, o.has, o.tx, o.startID = false, false, false, 0, ""
	o.book = book{rose: o.book.rose}
	w.tracef("%v ends", o)
	w.status(o, controller.StatusFinishing)
}

// report sends what the connector measures.
func (w *world) report(o *outlet) {
	own, given, ok := o.reported(w.t)
	s := controller.MeterSample{At: w.at(w.t), SoC: -1, Current: own, CurrentPhases: given, HasEnergy: true, Energy: controller.WattHour(o.energy)}
	if ok {
		w.seeReport(o, own)
	}
	w.post(controller.MeterReported{Station: o.of.id, Reply: w.wait(func(controller.AnswerBody) {}), Connector: o.number, Tx: o.tx, Samples: []controller.MeterSample{s}})
}
