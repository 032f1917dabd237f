package upstream

import (
	"context"
	"errors"
	"time"

	"busbar/controller"
	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

const (
	// headsAtOnce is how many lanes are looked at for the next message, of the oldest and
	// of the newest.
	headsAtOnce = 64
	// idleLook bounds how long the pump rests.
	idleLook = time.Minute
	// diskRetry is the wait after the outbox could not be read or written.
	diskRetry = 5 * time.Second
	// settleWithin is how long settling may take when everything is ending.
	settleWithin = 10 * time.Second
)

// pump sends what waits on one accepted connection, one CALL at a time.
type pump struct {
	line
	beaten     time.Time // last heartbeat
	statusNext bool      // whose turn it is when both a frame and a status wait
	diskAfter  time.Time // the outbox is not asked before
}

// run works until the connection or ctx ends.
func (p *pump) run(ctx context.Context) {
	p.beaten, p.statusNext = time.Now(), true
	for ctx.Err() == nil && !p.ended() {
		if p.rebootDue() {
			p.conn.Close(1000, "connectors changed")
			return
		}
		busy, err := p.next(ctx)
		switch {
		case errors.Is(err, ocpp.ErrClosed):
			return
		case errors.Is(err, ocpp.ErrCongested): // by triggered messages
			p.rest(ctx, time.Second)
		case !busy:
			p.rest(ctx, p.idle(time.Now()))
		}
	}
}

// ended tells that the connection is gone. Without anything to send nothing else would.
func (p *pump) ended() bool {
	select {
	case <-p.conn.Done():
		return true
	default:
		return false
	}
}

// idle is how long there is surely nothing to do unless somebody says so.
func (p *pump) idle(now time.Time) time.Duration {
	wait := min(p.lanes.pause(now), p.beaten.Add(p.seconds(keyHeartbeat)).Sub(now))
	if d := p.diskAfter.Sub(now); d > 0 {
		wait = min(wait, d)
	}
	return max(wait, 0)
}

func (p *pump) rest(ctx context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-p.conn.Done():
	case <-ctx.Done():
	case <-p.kick:
	case <-p.cfg.Outbox.Wait():
	case <-timer.C:
	}
}

// next sends one thing; busy is false if nothing waits. Starts, stops and statuses
// take turns, so that neither a thousand of one kind delays the other; meter values
// come after them (Q6). err is that of a CALL, whose consequences are noted already.
func (p *pump) next(ctx context.Context) (busy bool, err error) {
	now := time.Now()
	if !now.Before(p.beaten.Add(p.seconds(keyHeartbeat))) {
		p.beaten = now
		_, err := ocpp16.Heartbeat.Call(ctx, p, ocpp16.HeartbeatRequest{})
		return true, err
	}
	if d := p.lanes.debtDue(now); d != nil {
		p.settleDelivered(ctx, d)
		return true, nil
	}
	item, waits := p.lanes.pick(p.heads(ctx, now), now)
	if !waits || item.Kind == controller.OutboxMeter || p.statusNext {
		if st, ok := p.statuses.take(); ok {
			p.statusNext = false
			return true, p.sendStatus(ctx, st)
		}
	}
	if !waits {
		return false, nil
	}
	p.statusNext = true
	p.lanes.turn()
	return true, p.sendRow(ctx, item)
}

// heads asks the outbox, with a long backlog also for its newest lanes, so that a
// driver does not wait until the oldest are sent; trouble with it is no reason to keep statuses back.
func (p *pump) heads(ctx context.Context, now time.Time) []controller.OutboxItem {
	if now.Before(p.diskAfter) {
		return nil
	}
	heads, err := p.cfg.Outbox.Heads(ctx, headsAtOnce)
	if err == nil && len(heads) == headsAtOnce {
		var newest []controller.OutboxItem
		newest, err = p.cfg.Outbox.NewestHeads(ctx, headsAtOnce)
		for _, h := range newest {
			if h.ID > heads[headsAtOnce-1].ID {
				heads = append(heads, h)
			}
		}
	}
	if err != nil {
		p.diskTrouble(ctx, "cannot read the outbox", err)
		return nil
	}
	return heads
}

func (p *pump) diskTrouble(ctx context.Context, what string, err error) {
	p.diskAfter = time.Now().Add(diskRetry)
	if ctx.Err() == nil {
		p.cfg.Logger.Error(what, "err", err)
	}
}

func (p *pump) sendStatus(ctx context.Context, st controller.SlotStatus) error {
	_, err := ocpp16.StatusNotification.Call(ctx, p, statusRequest(st))
	_, refused := errors.AsType[*ocpp.Error](err)
	_, unfit := errors.AsType[*ocpp.Violation](err)
	switch {
	case err == nil:
	case refused || unfit: // the same again would meet the same; the slot's next change is sent
		p.cfg.Logger.Warn("a status was not taken", "slot", st.Slot, "status", st.Status, "err", err)
	default:
		p.statuses.restore(st)
	}
	return err
}

// sendRow sends a message of a transaction and settles the attempt.
func (p *pump) sendRow(ctx context.Context, item controller.OutboxItem) error {
	m, err := p.message(ctx, item)
	if unfit, ok := errors.AsType[*unfitError](err); ok {
		p.park(ctx, controller.Settlement{IDs: []int64{item.ID}, Tx: item.Tx, Kind: item.Kind, Err: unfit.Error()})
		return nil
	}
	if err != nil {
		p.diskTrouble(ctx, "cannot prepare a message", err)
		return nil
	}
	s := controller.Settlement{IDs: m.ids, Tx: item.Tx, Kind: item.Kind, Outcome: controller.OutcomeDelivered}
	if m.unsaid() {
		p.settleDelivered(ctx, &debt{settlement: s, ev: controller.Delivered{Tx: item.Tx, Kind: item.Kind}})
		return nil
	}
	answer, err := p.Call(ctx, ocpp.Call{ID: m.id, Action: m.action, Payload: m.wire})
	var usable error
	ev := controller.Delivered{Tx: item.Tx, Kind: item.Kind}
	if err == nil {
		usable = readAnswer(answer, &ev)
	}
	switch {
	case err == nil && usable == nil:
		s.UpTx = ev.UpTx
		p.lanes.succeeded(item.Tx)
		p.settleDelivered(ctx, &debt{settlement: s, ev: ev})
	case errors.Is(err, ocpp.ErrNotSent):
	case errors.Is(err, ocpp.ErrClosed):
		p.lanes.lost(item.Tx) // no attempt (decision 7)
	case ctx.Err() != nil:
	default:
		p.failed(ctx, s, errors.Join(err, usable))
	}
	return err
}

// failed settles an attempt without usable answer.
func (p *pump) failed(ctx context.Context, s controller.Settlement, cause error) {
	s.Outcome, s.Err = controller.OutcomeRetry, cause.Error()
	if p.lanes.failed(s.Tx, time.Now(), policy{attempts: int(p.number(keyAttempts)), interval: p.seconds(keyRetryInterval)}) {
		p.park(ctx, s)
		return
	}
	if err := p.cfg.Outbox.Settle(ctx, s); err != nil {
		p.diskTrouble(ctx, "cannot note a failed attempt", err)
	}
}

// park sets a lane aside for a person; the others go on.
func (p *pump) park(ctx context.Context, s controller.Settlement) {
	s.Outcome = controller.OutcomeParked
	if err := p.cfg.Outbox.Settle(ctx, s); err != nil {
		p.diskTrouble(ctx, "cannot park a transaction", err)
		return
	}
	p.lanes.forget(s.Tx)
	p.cfg.Logger.Error("the cloud refuses a message; its transaction is parked", "tx", s.Tx, "err", s.Err)
	p.tell(controller.ParkedLane{Tx: s.Tx, Err: s.Err})
}

// settleDelivered writes down that the cloud has a message, first on the disk, then
// for the Site, even while everything ends. What can't be written stays owed: the
// message is not sent again for that, and its lane waits.
func (p *pump) settleDelivered(ctx context.Context, d *debt) {
	tx := d.settlement.Tx
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleWithin)
	defer cancel()
	if err := p.cfg.Outbox.Settle(within, d.settlement); err != nil {
		d.notBefore = time.Now().Add(diskRetry)
		p.lanes.owed[tx] = d
		p.cfg.Logger.Error("cannot note that the cloud has a message", "tx", tx, "err", err)
		return
	}
	delete(p.lanes.owed, tx)
	p.tell(d.ev)
}
