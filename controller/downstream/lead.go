package downstream

import (
	"context"
	"errors"
	"time"

	"busbar/controller"
	"busbar/ocpp"
)

// leader is the part of a dialect that leads a charger by profiles: which ones are
// written, and in which form. How one is said is the writer's. Its methods are called
// from the session's worker, those of outlets and settle from any goroutine.
type leader struct {
	*session
	*outlets
	writer profileWriter

	lastFloor     *controller.InstallFailsafe // the fall-back last asked for
	refusals      int                         // of setpoints, in a row
	triedRelative bool
}

// profileWriter says profiles in the words of one version. The errors are a dialect's.
type profileWriter interface {
	writeProfile(ctx context.Context, p profile, opt func(*ocpp.Call)) error
	// clearID and clearPlace remove a profile by its id, or by its connector, purpose and
	// stack level.
	clearID(ctx context.Context, id int, opt func(*ocpp.Call)) error
	clearPlace(ctx context.Context, connector int, purpose controller.ProfilePurpose, stack int, opt func(*ocpp.Call)) error
}

func newLeader(s *session, w profileWriter) *leader {
	return &leader{session: s, outlets: newOutlets(s), writer: w}
}

// form is how profiles are dressed for this charger now.
func (s *session) form() form { return formOf(s.hub.memory.abilities(s.id), s.clock.off() != 0) }

// setLimit writes row O. A charger that refuses is tried with other forms, but only
// the second time: right after a Start some don't know their own transaction yet, and
// one that was accepted before refuses for another reason.
func (d *leader) setLimit(ctx context.Context, l controller.SetLimit, opt func(*ocpp.Call)) error {
	f := d.form()
	if d.clock.off() != 0 && f.kind == controller.KindAbsolute && !d.triedRelative {
		d.triedRelative = true
		d.hub.memory.learn(d.id, func(a *controller.Abilities) { // the first choice again when the clock is right
			if len(a.Kinds) == 0 {
				a.Kinds = []controller.ProfileKind{controller.KindAbsolute}
			}
		})
		f.kind = controller.KindRelative
		if err := d.lead(ctx, f, l, opt); !isRefusal(err) {
			d.tellClock()
			return err
		}
		f.kind = controller.KindAbsolute
	}
	err := d.lead(ctx, f, l, opt)
	if !isRefusal(err) {
		d.refusals = 0
		return err
	}
	if isTooEarly(err) {
		return err
	}
	if d.refusals++; d.refusals%formsAgain != 2 {
		return err
	}
	for _, o := range f.others(true) {
		again := d.lead(ctx, o, l, opt)
		if isRefusal(again) {
			continue
		}
		if again == nil {
			d.refusals = 0
			d.hub.memory.learn(d.id, func(a *controller.Abilities) { o.instead(a, f) })
			d.refloor(ctx, o, l.Connector)
		}
		return again
	}
	return err
}

// formsAgain: other forms are tried at the second refusal in a row, and after so many
// more again.
const formsAgain = 20

// lead writes a setpoint in one form.
func (d *leader) lead(ctx context.Context, f form, l controller.SetLimit, opt func(*ocpp.Call)) error {
	err := d.write(ctx, f, f.setpoint(time.Now(), l, d.outletAt(l.Connector)), opt)
	if f.mode != controller.DeadManTx && !isRefusal(err) {
		d.hub.memory.leads(place{d.id, l.Connector}, l.Tx)
	}
	return err
}

// refloor writes the fall-back of the other connectors, where a setpoint has taken the
// place of the one for all.
func (d *leader) refloor(ctx context.Context, f form, connector int) {
	if f.mode != controller.DeadManNone || d.lastFloor == nil {
		return
	}
	rest := *d.lastFloor
	if rest.Connectors = without(rest.Connectors, connector); len(rest.Connectors) > 0 {
		if err := d.floor(ctx, f, rest); err != nil {
			d.hub.log.Warn("charger lost its fall-back", "station", d.id, "err", err)
		}
	}
}

// settle ends what a transaction's setpoint leaves behind in the modes where it does
// not end with it: the next car must begin at the fall-back.
func (d *leader) settle(tx controller.TxID) {
	connector := d.hub.memory.unled(d.id, tx)
	if connector == 0 {
		return
	}
	d.plan(func(ctx context.Context) {
		f := d.form()
		if f.mode != controller.DeadManNone {
			d.clear(ctx, f, connector)
		} else if d.lastFloor != nil {
			one := *d.lastFloor
			one.Connectors = []int{connector}
			if err := d.floor(ctx, f, one); err != nil {
				d.hub.log.Warn("charger keeps the setpoint of an ended transaction", "station", d.id, "connector", connector, "err", err)
			}
		}
	})
	d.stir()
}

// clear removes a setpoint by its id, or by its place where the charger can't do that
// (pitfall 28). A stack level of 0 is not named: some take it for none.
func (d *leader) clear(ctx context.Context, f form, connector int) {
	within := d.within(d.hub.cfg.CallTimeout)
	if d.writer.clearID(ctx, operatingID(connector), within) == nil {
		d.hub.memory.learn(d.id, func(a *controller.Abilities) { a.ClearByID = controller.Yes })
		return
	}
	if f.stack == 0 {
		return // it would clear the fall-back too; the lease ends by itself
	}
	place := connector
	if f.floor == controller.PurposeStationMax {
		place = 0
	}
	err := d.writer.clearPlace(ctx, place, f.floor, f.stack, within)
	if err == nil {
		d.hub.memory.learn(d.id, func(a *controller.Abilities) { a.ClearByID = controller.No })
		return
	}
	d.hub.log.Info("charger does not clear a setpoint; it ends with its lease", "station", d.id, "connector", connector, "err", err)
}

// setFailsafe writes row F for the whole charger, or for each connector if it refuses
// that, and in other forms if it refuses that too.
func (d *leader) setFailsafe(ctx context.Context, e controller.InstallFailsafe) error {
	d.lastFloor = &e
	f := d.form()
	err := d.floor(ctx, f, e)
	if !isRefusal(err) {
		return err
	}
	for _, o := range f.others(false) {
		if o.floor == controller.PurposeStationMax && len(e.Connectors) != 1 {
			continue // one limit for all of them would be none for each
		}
		again := d.floor(ctx, o, e)
		if isRefusal(again) {
			continue
		}
		if again == nil {
			d.hub.memory.learn(d.id, func(a *controller.Abilities) { o.instead(a, f) })
		}
		return again
	}
	return err
}

// floor writes row F in one form.
func (d *leader) floor(ctx context.Context, f form, e controller.InstallFailsafe) error {
	within := d.within(d.hub.cfg.LimitTimeout)
	station := d.hub.memory.abilities(d.id).StationWide
	if station != controller.No && f.mode != controller.DeadManNone {
		err := d.write(ctx, f, f.fallback(time.Now(), 0, e.Limit, d.narrowest(e.Connectors)), within)
		if err == nil && station != controller.Yes {
			d.hub.memory.learn(d.id, func(a *controller.Abilities) { a.StationWide = controller.Yes })
		}
		if !isRefusal(err) || f.floor == controller.PurposeStationMax || len(e.Connectors) == 0 {
			return err
		}
	}
	for _, connector := range e.Connectors {
		if err := d.write(ctx, f, f.fallback(time.Now(), connector, e.Limit, d.narrowest([]int{connector})), within); err != nil {
			return err
		}
	}
	if f.mode != controller.DeadManNone {
		d.hub.memory.learn(d.id, func(a *controller.Abilities) { a.StationWide = controller.No })
	}
	return nil
}

// write sends one profile, counts it, and learns from its acceptance. The errors are
// a dialect's.
func (d *leader) write(ctx context.Context, f form, p profile, opt func(*ocpp.Call)) error {
	err := d.writer.writeProfile(ctx, p, opt)
	if !errors.Is(err, ocpp.ErrNotSent) {
		d.hub.memory.wrote(d.id, time.Now())
	}
	if err == nil {
		d.hub.memory.learn(d.id, func(a *controller.Abilities) { f.learnt(a, p.purpose) })
	}
	return err
}
