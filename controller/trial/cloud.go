package trial

import (
	"fmt"
	"slices"

	"busbar/controller"
	"busbar/loadbalance"
)

// cloud is the system above the box.
type cloud struct {
	up    bool
	next  float64 // when it takes the next message
	asks  []question
	begun []bool // by fault
	over  []bool
}

type question struct {
	at float64
	e  controller.AskToken
}

// slowest is how long the cloud takes for a message or a question.
const cloudTakes = 0.6

// cloudLives lets the cloud come, go, answer and command.
func (w *world) cloudLives() {
	c := &w.cloud
	if c.begun == nil {
		c.begun, c.over = make([]bool, len(w.sc.Faults)), make([]bool, len(w.sc.Faults))
	}
	if w.site == nil {
		return
	}
	dead := !w.sc.Cloud || w.t < 1
	for i := range w.sc.Faults {
		f := &w.sc.Faults[i]
		dead = dead || f.Kind == FaultCloudDead && f.on(w.t)
	}
	switch {
	case dead && c.up:
		c.up, c.asks = false, nil
		w.post(controller.UplinkChanged{State: controller.UplinkDisconnected, Detail: "no answer"})
	case !dead && !c.up:
		c.up = true
		w.post(controller.UplinkChanged{State: controller.UplinkAccepted, Booted: true})
	}
	if c.up {
		w.deliver()
	}
	for i := range w.sc.Faults {
		w.command(i)
	}
}

// deliver answers one message and the questions that are due.
func (w *world) deliver() {
	c, j := &w.cloud, &w.journal
	for len(c.asks) > 0 && w.t >= c.asks[0].at {
		w.post(controller.TokenAnswered{Ask: c.asks[0].e.Ask, OK: true, Info: controller.TokenInfo{Status: controller.TokenAccepted}})
		c.asks = c.asks[1:]
	}
	if len(j.outbox) == 0 || w.t < c.next {
		return
	}
	row := j.outbox[0]
	j.outbox, c.next = j.outbox[1:], w.t+cloudTakes
	d := controller.Delivered{Tx: row.Tx, Kind: row.Kind}
	if row.Kind == controller.OutboxStart {
		d.UpTx, d.Info = controller.UpstreamTx(fmt.Sprint(row.Tx)), &controller.TokenInfo{Status: controller.TokenAccepted}
		t := j.open[row.Tx]
		t.UpTx = d.UpTx
		j.open[row.Tx] = t
	}
	w.post(d)
}

func (c *cloud) ask(w *world, e controller.AskToken) {
	if c.up {
		c.asks = append(c.asks, question{w.t + cloudTakes, e})
	}
}

// command does what the cloud does at a time: limits that come and go, starts and stops.
func (w *world) command(i int) {
	f, c := &w.sc.Faults[i], &w.cloud
	if !c.up && f.Kind != FaultStop {
		return
	}
	switch {
	case !c.begun[i] && w.t >= f.From:
		c.begun[i] = true
		w.commandBegins(f)
	case c.begun[i] && !c.over[i] && f.To > 0 && w.t >= f.To:
		c.over[i] = true
		w.commandEnds(f)
	}
}

const (
	capID     = 101
	profileID = 102
)

func (w *world) commandBegins(f *Fault) {
	limit := loadbalance.MilliAmp(f.Arg * 1000)
	switch f.Kind {
	case FaultCap:
		w.post(controller.ProfileSet{Slot: 0, Profile: profileOf(capID, controller.PurposeStationMax, limit), Reply: w.wait(func(b controller.AnswerBody) {
			if a, ok := b.(controller.CommandAnswer); ok && a.Status == "Accepted" {
				w.nodes[0].cap = max(1, limit)
			}
		})})
	case FaultProfile:
		w.post(controller.ProfileSet{Slot: 0, Profile: profileOf(profileID, controller.PurposeTxDefault, limit), Reply: w.wait(func(controller.AnswerBody) {})})
	case FaultStop, FaultRemote:
		i := slices.IndexFunc(w.points, func(p *point) bool { return p.sc.ID == f.At })
		if i < 0 {
			return
		}
		for _, o := range w.points[i].outlets {
			if f.Kind == FaultStop {
				w.post(controller.StopRequested{Reply: w.wait(func(controller.AnswerBody) {}), Origin: controller.FromLocal, Slot: o.slot})
			} else {
				w.post(controller.StartRequested{Reply: w.wait(func(controller.AnswerBody) {}), Origin: controller.FromCloud, Slot: o.slot, Token: controller.IDToken{Value: "REMOTE"}})
			}
		}
	}
}

func (w *world) commandEnds(f *Fault) {
	id := profileID
	switch f.Kind {
	case FaultCap:
		id = capID
		w.nodes[0].cap = 0
	case FaultProfile:
	default:
		return
	}
	w.post(controller.ProfileCleared{Reply: w.wait(func(controller.AnswerBody) {}), ID: &id})
}

func profileOf(id int, purpose controller.ProfilePurpose, limit loadbalance.MilliAmp) controller.Profile {
	return controller.Profile{ID: id, StackLevel: 1, Purpose: purpose, Kind: controller.KindRelative, Periods: []controller.Period{{Limit: int64(limit)}}}
}
