package upstream

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"busbar/controller"
	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

// commandWithin is how long the cloud waits at most for the answer to a command
// (decision 3); one that a charger has to answer itself has a little more.
const commandWithin = 4 * time.Second

// handler answers the cloud's commands. Input from the cloud is read strictly.
func (s *Station) handler() ocpp.Handler {
	m := ocpp.NewMux(ocpp16.Known)
	ocpp.Handle(m, ocpp16.RemoteStartTransaction, s.remoteStart)
	ocpp.Handle(m, ocpp16.RemoteStopTransaction, s.remoteStop)
	ocpp.Handle(m, ocpp16.ChangeAvailability, s.changeAvailability)
	ocpp.Handle(m, ocpp16.GetConfiguration, s.getConfiguration)
	ocpp.Handle(m, ocpp16.ChangeConfiguration, s.changeConfiguration)
	ocpp.Handle(m, ocpp16.TriggerMessage, s.trigger)
	ocpp.Handle(m, ocpp16.SetChargingProfile, s.setProfile)
	ocpp.Handle(m, ocpp16.ClearChargingProfile, s.clearProfile)
	ocpp.Handle(m, ocpp16.UnlockConnector, s.unlock)
	ocpp.Handle(m, ocpp16.Reset, s.reset)
	ocpp.Handle(m, ocpp16.ClearCache, s.clearCache)
	ocpp.Handle(m, ocpp16.DataTransfer, func(context.Context, *ocpp.Conn, ocpp16.DataTransferRequest, *ocpp.Request) (ocpp16.DataTransferResponse, error) {
		return ocpp16.DataTransferResponse{Status: ocpp16.DataTransferStatusUnknownVendorId}, nil
	})
	ocpp.Handle(m, ocpp16.GetLocalListVersion, func(context.Context, *ocpp.Conn, ocpp16.GetLocalListVersionRequest, *ocpp.Request) (ocpp16.GetLocalListVersionResponse, error) {
		return ocpp16.GetLocalListVersionResponse{ListVersion: -1}, nil // no local list (16§5.10)
	})
	return m
}

// ask puts a command to the Site.
func (s *Station) ask(ctx context.Context, q func(controller.ReplyID) controller.Event) (controller.CommandAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, commandWithin)
	defer cancel()
	body, err := s.cfg.Loop.Ask(ctx, q)
	if err != nil {
		return controller.CommandAnswer{}, err
	}
	a, ok := body.(controller.CommandAnswer)
	if !ok {
		return a, fmt.Errorf("the site answered with %T", body)
	}
	return a, nil
}

// statusOf is the answer's word, or no where there is none.
func statusOf(a controller.CommandAnswer, err error, no string) string {
	if err != nil || a.Status == "" {
		return no
	}
	return a.Status
}

func (s *Station) remoteStart(ctx context.Context, _ *ocpp.Conn, req ocpp16.RemoteStartTransactionRequest, _ *ocpp.Request) (ocpp16.RemoteStartTransactionResponse, error) {
	rejected := ocpp16.RemoteStartTransactionResponse{Status: ocpp16.RemoteStartStopStatusRejected}
	ev := controller.StartRequested{Origin: controller.FromCloud, Token: controller.IDToken{Value: req.IDTag}}
	if req.ConnectorID != nil {
		if ev.Slot = controller.Slot(*req.ConnectorID); ev.Slot < 1 {
			return rejected, nil // connector 0 can't charge (16§5.11)
		}
	}
	if req.ChargingProfile != nil {
		p, why := profileOf(*req.ChargingProfile)
		if why != "" {
			return rejected, nil
		}
		ev.Profile = &p
	}
	a, err := s.ask(ctx, func(id controller.ReplyID) controller.Event { ev.Reply = id; return ev })
	return ocpp16.RemoteStartTransactionResponse{Status: ocpp16.RemoteStartStopStatus(statusOf(a, err, "Rejected"))}, nil
}

func (s *Station) remoteStop(ctx context.Context, _ *ocpp.Conn, req ocpp16.RemoteStopTransactionRequest, _ *ocpp.Request) (ocpp16.RemoteStopTransactionResponse, error) {
	a, err := s.ask(ctx, func(id controller.ReplyID) controller.Event {
		return controller.StopRequested{Reply: id, Origin: controller.FromCloud, UpTx: controller.UpstreamTx(strconv.Itoa(req.TransactionID))}
	})
	return ocpp16.RemoteStopTransactionResponse{Status: ocpp16.RemoteStartStopStatus(statusOf(a, err, "Rejected"))}, nil
}

func (s *Station) changeAvailability(ctx context.Context, _ *ocpp.Conn, req ocpp16.ChangeAvailabilityRequest, _ *ocpp.Request) (ocpp16.ChangeAvailabilityResponse, error) {
	if req.ConnectorID < 0 {
		return ocpp16.ChangeAvailabilityResponse{Status: ocpp16.AvailabilityStatusRejected}, nil
	}
	a, err := s.ask(ctx, func(id controller.ReplyID) controller.Event {
		return controller.AvailabilityRequested{Reply: id, Origin: controller.FromCloud, Slot: controller.Slot(req.ConnectorID), Operative: req.Type == ocpp16.AvailabilityTypeOperative}
	})
	return ocpp16.ChangeAvailabilityResponse{Status: ocpp16.AvailabilityStatus(statusOf(a, err, "Rejected"))}, nil
}

func (s *Station) unlock(ctx context.Context, _ *ocpp.Conn, req ocpp16.UnlockConnectorRequest, _ *ocpp.Request) (ocpp16.UnlockConnectorResponse, error) {
	a, err := s.ask(ctx, func(id controller.ReplyID) controller.Event {
		return controller.UnlockRequested{Reply: id, Origin: controller.FromCloud, Slot: controller.Slot(req.ConnectorID)}
	})
	resp := ocpp16.UnlockConnectorResponse{Status: ocpp16.UnlockStatus(statusOf(a, err, "UnlockFailed"))}
	if !resp.Status.Known() {
		resp.Status = ocpp16.UnlockStatusUnlockFailed
	}
	return resp, nil
}

func (s *Station) reset(ctx context.Context, _ *ocpp.Conn, req ocpp16.ResetRequest, r *ocpp.Request) (ocpp16.ResetResponse, error) {
	a, err := s.ask(ctx, func(id controller.ReplyID) controller.Event {
		return controller.ResetRequested{Reply: id, Origin: controller.FromCloud, Hard: req.Type == ocpp16.ResetTypeHard}
	})
	return ocpp16.ResetResponse{Status: ocpp16.ResetStatus(statusOf(a, err, "Rejected"))}, nil
}

func (s *Station) clearCache(ctx context.Context, _ *ocpp.Conn, _ ocpp16.ClearCacheRequest, _ *ocpp.Request) (ocpp16.ClearCacheResponse, error) {
	a, err := s.ask(ctx, func(id controller.ReplyID) controller.Event { return controller.CacheCleared{Reply: id} })
	return ocpp16.ClearCacheResponse{Status: ocpp16.ClearCacheStatus(statusOf(a, err, "Rejected"))}, nil
}

// trigger answers first and sends after (16§5.17).
func (s *Station) trigger(_ context.Context, conn *ocpp.Conn, req ocpp16.TriggerMessageRequest, r *ocpp.Request) (ocpp16.TriggerMessageResponse, error) {
	accepted := ocpp16.TriggerMessageResponse{Status: ocpp16.TriggerMessageStatusAccepted}
	rejected := ocpp16.TriggerMessageResponse{Status: ocpp16.TriggerMessageStatusRejected}
	snap := s.cfg.Loop.Snapshot()
	if req.ConnectorID != nil && (*req.ConnectorID < 0 || *req.ConnectorID > len(snap.Connectors)) {
		return rejected, nil
	}
	switch req.RequestedMessage {
	case ocpp16.MessageTriggerStatusNotification:
		r.After(func() {
			s.mu.Lock()
			for _, st := range snap.Statuses {
				if req.ConnectorID == nil || int(st.Slot) == *req.ConnectorID {
					s.queueStatus(st)
				}
			}
			s.mu.Unlock()
			s.wake()
		})
		return accepted, nil
	case ocpp16.MessageTriggerHeartbeat:
		s.send(r, conn, ocpp16.Heartbeat.Name, json.RawMessage(`{}`))
		return accepted, nil
	case ocpp16.MessageTriggerMeterValues:
		for _, c := range snap.Connectors {
			if req.ConnectorID == nil || int(c.Slot) == *req.ConnectorID {
				if wire, ok := triggered(c); ok {
					s.send(r, conn, ocpp16.MeterValues.Name, wire)
				}
			}
		}
		return accepted, nil
	case ocpp16.MessageTriggerDiagnosticsStatusNotification:
		s.send(r, conn, ocpp16.DiagnosticsStatusNotification.Name, json.RawMessage(`{"status":"Idle"}`))
		return accepted, nil
	case ocpp16.MessageTriggerFirmwareStatusNotification:
		s.send(r, conn, ocpp16.FirmwareStatusNotification.Name, json.RawMessage(`{"status":"Idle"}`))
		return accepted, nil
	}
	return rejected, nil // Boot was accepted already (16E 3.35)
}

// send sends a message of its own accord once the answer is out.
func (s *Station) send(r *ocpp.Request, conn *ocpp.Conn, action string, wire json.RawMessage) {
	r.After(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.stopped {
			return
		}
		s.asks.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			_, _ = conn.Call(ctx, ocpp.Call{Action: action, Payload: wire}) // a copy for the curious; nothing hangs on it
		})
	})
}

// triggered is the newest sample of a connector, if there is one.
func triggered(c controller.ConnectorView) (json.RawMessage, bool) {
	if c.Tx == 0 || c.MeasuredAt.IsZero() {
		return nil, false
	}
	values := []ocpp16.SampledValue{{Value: strconv.FormatInt(int64(c.Register), 10), Context: new(ocpp16.ReadingContextTrigger),
		Measurand: new(ocpp16.MeasurandEnergyActiveImportRegister), Unit: new(ocpp16.UnitOfMeasureWh)}}
	req := ocpp16.MeterValuesRequest{ConnectorID: int(c.Slot), MeterValue: []ocpp16.MeterValue{{Timestamp: ocpp.NewDateTime(c.MeasuredAt), SampledValue: values}}}
	if id, err := strconv.Atoi(string(c.UpTx)); err == nil {
		req.TransactionID = &id
	}
	wire, err := json.Marshal(req)
	return wire, err == nil
}

func (s *Station) setProfile(ctx context.Context, _ *ocpp.Conn, req ocpp16.SetChargingProfileRequest, _ *ocpp.Request) (ocpp16.SetChargingProfileResponse, error) {
	if req.ConnectorID < 0 || req.ConnectorID > len(s.cfg.Loop.Snapshot().Connectors) {
		return ocpp16.SetChargingProfileResponse{}, ocpp.Errorf(ocpp.CodePropertyConstraintViolation, "connectorId %d does not exist", req.ConnectorID)
	}
	p, why := profileOf(req.CSChargingProfiles)
	if why != "" {
		s.cfg.Logger.Warn("charging profile of the cloud rejected", "reason", why)
		return ocpp16.SetChargingProfileResponse{Status: ocpp16.ChargingProfileStatusRejected}, nil
	}
	a, err := s.ask(ctx, func(id controller.ReplyID) controller.Event {
		return controller.ProfileSet{Reply: id, Slot: controller.Slot(req.ConnectorID), Profile: p}
	})
	return ocpp16.SetChargingProfileResponse{Status: ocpp16.ChargingProfileStatus(statusOf(a, err, "Rejected"))}, nil
}

func (s *Station) clearProfile(ctx context.Context, _ *ocpp.Conn, req ocpp16.ClearChargingProfileRequest, _ *ocpp.Request) (ocpp16.ClearChargingProfileResponse, error) {
	ev := controller.ProfileCleared{ID: req.ID, StackLevel: req.StackLevel}
	if req.ConnectorID != nil {
		ev.Slot = new(controller.Slot(*req.ConnectorID))
	}
	if req.ChargingProfilePurpose != nil {
		ev.Purpose = new(controller.ProfilePurpose(*req.ChargingProfilePurpose))
	}
	a, err := s.ask(ctx, func(id controller.ReplyID) controller.Event { ev.Reply = id; return ev })
	return ocpp16.ClearChargingProfileResponse{Status: ocpp16.ClearChargingProfileStatus(statusOf(a, err, "Unknown"))}, nil
}

// profileOf checks the form of a profile (16§7.8 to 7.13) and puts it in the domain's
// words; why says what is wrong with it.
func profileOf(p ocpp16.ChargingProfile) (out controller.Profile, why string) {
	sched := p.ChargingSchedule
	out = controller.Profile{ID: p.ChargingProfileID, StackLevel: p.StackLevel, Purpose: controller.ProfilePurpose(p.ChargingProfilePurpose),
		Kind: controller.ProfileKind(p.ChargingProfileKind), Watts: sched.ChargingRateUnit == ocpp16.ChargingRateUnitTypeW}
	if p.TransactionID != nil {
		out.UpTx = controller.UpstreamTx(strconv.Itoa(*p.TransactionID))
	}
	if p.ValidFrom != nil {
		out.ValidFrom = p.ValidFrom.Time
	}
	if p.ValidTo != nil {
		out.ValidTo = p.ValidTo.Time
	}
	if p.RecurrencyKind != nil {
		out.Recurrency = string(*p.RecurrencyKind)
	}
	if sched.StartSchedule != nil {
		out.Start = sched.StartSchedule.Time
	}
	if sched.Duration != nil {
		if *sched.Duration <= 0 {
			return out, "the duration must be above 0"
		}
		out.Duration = time.Duration(*sched.Duration) * time.Second
	}
	switch {
	case p.StackLevel < 0 || p.StackLevel > maxStackLevel:
		return out, fmt.Sprintf("stackLevel must be 0 to %d", maxStackLevel)
	case len(sched.ChargingSchedulePeriod) == 0 || len(sched.ChargingSchedulePeriod) > maxPeriods:
		return out, fmt.Sprintf("a schedule has 1 to %d periods", maxPeriods)
	case sched.ChargingSchedulePeriod[0].StartPeriod != 0:
		return out, "the first period must start at 0"
	case out.Kind != controller.KindRelative && out.Start.IsZero():
		return out, "an absolute or recurring schedule needs startSchedule"
	case out.Kind == controller.KindRecurring && out.Recurrency == "":
		return out, "a recurring schedule needs recurrencyKind"
	}
	return out, addPeriods(&out, sched.ChargingSchedulePeriod)
}

func addPeriods(out *controller.Profile, periods []ocpp16.ChargingSchedulePeriod) string {
	last := -1
	for _, period := range periods {
		limit, err := period.Limit.Milli()
		if err != nil || limit < 0 {
			return "a limit must be a number, 0 or above"
		}
		if period.StartPeriod <= last {
			return "periods must be in the order of their starts"
		}
		last = period.StartPeriod
		p := controller.Period{From: time.Duration(period.StartPeriod) * time.Second, Limit: limit}
		if period.NumberPhases != nil {
			if *period.NumberPhases < 1 || *period.NumberPhases > 3 {
				return "numberPhases must be 1 to 3"
			}
			p.NumberPhases = *period.NumberPhases
		}
		out.Periods = append(out.Periods, p)
	}
	return ""
}
