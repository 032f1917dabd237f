package upstream

import (
	"context"
	"errors"
	"time"

	"busbar/controller"
	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

// headsAtOnce is how many lanes are looked at for the next message.
const headsAtOnce = 64

// pump sends what waits, one thing at a time, until the connection ends: starts and
// stops first, then statuses, then meter values; heartbeats at their interval.
func (s *Station) pump(ctx context.Context, conn *ocpp.Conn) {
	beat := time.NewTimer(s.heartbeat())
	defer beat.Stop()
	timeouts := 0
	for ctx.Err() == nil {
		done, err := s.sendNext(ctx, conn)
		if err != nil {
			if errors.Is(err, ocpp.ErrTimeout) {
				if timeouts++; timeouts >= 2 { // a dead peer behind a live socket (Part 2 §3.2)
					conn.Close(1001, "no answers")
					return
				}
			}
			if errors.Is(err, ocpp.ErrClosed) {
				return
			}
			continue
		}
		if done {
			timeouts = 0
			continue
		}
		idle := time.NewTimer(s.lanes.pause(time.Now()))
		select {
		case <-conn.Done():
			idle.Stop()
			return
		case <-ctx.Done():
		case <-s.kick:
		case <-s.cfg.Outbox.Wait():
		case <-idle.C:
		case <-beat.C:
			if _, err := s.call(ctx, conn, func() (any, error) { return ocpp16.Heartbeat.Call(ctx, conn, ocpp16.HeartbeatRequest{}) }); errors.Is(err, ocpp.ErrClosed) {
				idle.Stop()
				return
			}
			beat.Reset(s.heartbeat())
			if s.inventoryChanged() {
				conn.Close(1000, "inventory changed")
			}
		}
		idle.Stop()
	}
}

// call measures the uplink's use around one CALL.
func (s *Station) call(_ context.Context, _ *ocpp.Conn, f func() (any, error)) (any, error) {
	from := time.Now()
	v, err := f()
	s.usage.add(from, time.Now())
	return v, err
}

// sendNext sends one thing; done is false if nothing waits. An error is that of the
// connection or of a message without usable answer, which is noted already.
func (s *Station) sendNext(ctx context.Context, conn *ocpp.Conn) (done bool, err error) {
	heads, err := s.cfg.Outbox.Heads(ctx, headsAtOnce)
	if err != nil {
		return false, s.diskTrouble(ctx, err)
	}
	item, ok := s.lanes.pick(heads, time.Now())
	if ok && item.Kind != controller.OutboxMeter {
		return true, s.sendRow(ctx, conn, item, false)
	}
	if st, waiting := s.nextStatus(); waiting {
		return true, s.sendStatus(ctx, conn, st)
	}
	if !ok {
		return false, nil
	}
	return true, s.sendRow(ctx, conn, item, true)
}

// diskTrouble waits a moment: the outbox can't be read, and spinning helps nobody.
func (s *Station) diskTrouble(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	s.cfg.Logger.Error("cannot read the outbox", "err", err)
	select {
	case <-ctx.Done():
	case <-time.After(5 * time.Second):
	}
	return nil
}

func (s *Station) sendStatus(ctx context.Context, conn *ocpp.Conn, st controller.SlotStatus) error {
	_, err := s.call(ctx, conn, func() (any, error) { return ocpp16.StatusNotification.Call(ctx, conn, statusRequest(st)) })
	if _, refused := errors.AsType[*ocpp.Error](err); refused {
		return nil // it was heard; the next change is sent again
	}
	if err != nil {
		s.requeueStatus(st)
	}
	return err
}

func statusRequest(st controller.SlotStatus) ocpp16.StatusNotificationRequest {
	req := ocpp16.StatusNotificationRequest{ConnectorID: int(st.Slot), ErrorCode: ocpp16.ChargePointErrorCode(st.ErrorCode), Status: ocpp16.ChargePointStatus(st.Status)}
	if !req.ErrorCode.Known() {
		req.ErrorCode = ocpp16.ChargePointErrorCodeOtherError
	}
	if st.Info != "" {
		req.Info = new(clip(st.Info, 50))
	}
	if !st.At.IsZero() {
		req.Timestamp = new(ocpp.NewDateTime(st.At))
	}
	if st.VendorID != "" {
		req.VendorID = new(clip(st.VendorID, 255))
	}
	if st.VendorErrorCode != "" {
		req.VendorErrorCode = new(clip(st.VendorErrorCode, 50))
	}
	return req
}

// sendRow sends a message of a transaction and settles the attempt.
func (s *Station) sendRow(ctx context.Context, conn *ocpp.Conn, item controller.OutboxItem, pack bool) error {
	m, err := s.message(ctx, item, pack)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		if unfit, ok := errors.AsType[*unfitError](err); ok {
			return s.park(ctx, controller.Settlement{IDs: []int64{item.ID}, Tx: item.Tx, Kind: item.Kind, Err: unfit.Error()})
		}
		return s.diskTrouble(ctx, err)
	}
	from := time.Now()
	answer, err := conn.Call(ctx, ocpp.Call{ID: m.id, Action: m.action, Payload: m.wire})
	s.usage.add(from, time.Now())
	settled := controller.Settlement{IDs: m.ids, Tx: item.Tx, Kind: item.Kind}
	if err == nil {
		return s.acknowledged(ctx, item, settled, answer)
	}
	if errors.Is(err, ocpp.ErrClosed) || errors.Is(err, ocpp.ErrNotSent) || ctx.Err() != nil {
		return err // the line went: no attempt (decision 7)
	}
	settled.Err = err.Error()
	if s.lanes.failed(item.Tx, time.Now()) {
		return s.park(ctx, settled)
	}
	settled.Outcome = controller.OutcomeRetry
	if serr := s.cfg.Outbox.Settle(ctx, settled); serr != nil {
		return s.diskTrouble(ctx, serr)
	}
	if errors.Is(err, ocpp.ErrTimeout) {
		return err
	}
	return nil
}

// park sets a lane aside for a person; the others go on.
func (s *Station) park(ctx context.Context, settled controller.Settlement) error {
	settled.Outcome = controller.OutcomeParked
	if err := s.cfg.Outbox.Settle(ctx, settled); err != nil {
		return s.diskTrouble(ctx, err)
	}
	s.lanes.forget(settled.Tx)
	s.cfg.Logger.Error("the cloud refuses a message; its transaction is parked", "tx", settled.Tx, "err", settled.Err)
	s.tell(controller.ParkedLane{Tx: settled.Tx, Err: settled.Err})
	return nil
}

// acknowledged settles a delivered message, first on disk, then for the Site.
func (s *Station) acknowledged(ctx context.Context, item controller.OutboxItem, settled controller.Settlement, answer []byte) error {
	settled.Outcome = controller.OutcomeDelivered
	ev := controller.Delivered{Tx: item.Tx, Kind: item.Kind}
	readAnswer(item.Kind, answer, &ev)
	settled.UpTx = ev.UpTx
	if err := s.cfg.Outbox.Settle(ctx, settled); err != nil {
		return s.diskTrouble(ctx, err)
	}
	s.lanes.succeeded(item.Tx)
	s.tell(ev)
	return nil
}
