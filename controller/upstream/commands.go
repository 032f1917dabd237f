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
// (decision 3).
const commandWithin = 3 * time.Second

// handler answers the cloud's commands, but not those of a cloud that has rejected us
// (16§4.2.1).
func (s *Station) handler() ocpp.Handler {
	m := s.commands()
	return ocpp.HandlerFunc(func(ctx context.Context, c *ocpp.Conn, r *ocpp.Request) (json.RawMessage, error) {
		s.mu.Lock()
		rejected := s.rejected
		s.mu.Unlock()
		if rejected {
			return nil, ocpp.Errorf(ocpp.CodeSecurityError, "the cloud has rejected this station")
		}
		return m.HandleCall(ctx, c, r)
	})
}

// commands are those that are answered. Input from the cloud is read strictly.
func (s *Station) commands() *ocpp.Mux {
	m := ocpp.NewMux(ocpp16.Known)
	ocpp.Handle(m, ocpp16.RemoteStartTransaction, s.remoteStart)
	ocpp.Handle(m, ocpp16.RemoteStopTransaction, s.remoteStop)
	ocpp.Handle(m, ocpp16.ChangeAvailability, s.changeAvailability)
	ocpp.Handle(m, ocpp16.GetConfiguration, s.getConfiguration)
	ocpp.Handle(m, ocpp16.ChangeConfiguration, s.changeConfiguration)
	ocpp.Handle(m, ocpp16.TriggerMessage, s.trigger)
	ocpp.Handle(m, ocpp16.SetChargingProfile, s.setProfile)
	ocpp.Handle(m, ocpp16.ClearChargingProfile, s.clearProfile)
	ocpp.Handle(m, ocpp16.GetCompositeSchedule, s.compositeSchedule)
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

// ask puts a command to the Site. No answer in time is an error; callers then refuse,
// and what the Site still does shows in events.
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
	if a.Reason != "" {
		s.cfg.Logger.Info("command of the cloud", "answer", a.Status, "reason", a.Reason)
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
	if s.accepted() == nil {
		return rejected, nil // not before the Boot is accepted (16§4.2)
	}
	if req.ConnectorID != nil {
		if ev.Slot = controller.Slot(*req.ConnectorID); ev.Slot < 1 {
			return rejected, nil // connector 0 can't charge (16§5.11)
		}
	}
	if req.ChargingProfile != nil {
		p, why := profileOf(*req.ChargingProfile)
		if why != "" {
			s.cfg.Logger.Warn("remote start of the cloud rejected", "reason", why)
			return rejected, nil
		}
		ev.Profile = &p
	}
	a, err := s.ask(ctx, func(id controller.ReplyID) controller.Event { ev.Reply = id; return ev })
	return ocpp16.RemoteStartTransactionResponse{Status: ocpp16.RemoteStartStopStatus(statusOf(a, err, "Rejected"))}, nil
}

func (s *Station) remoteStop(ctx context.Context, _ *ocpp.Conn, req ocpp16.RemoteStopTransactionRequest, _ *ocpp.Request) (ocpp16.RemoteStopTransactionResponse, error) {
	if s.accepted() == nil {
		return ocpp16.RemoteStopTransactionResponse{Status: ocpp16.RemoteStartStopStatusRejected}, nil
	}
	a, err := s.ask(ctx, func(id controller.ReplyID) controller.Event {
		return controller.StopRequested{Reply: id, Origin: controller.FromCloud, UpTx: controller.UpstreamTx(strconv.Itoa(req.TransactionID))}
	})
	return ocpp16.RemoteStopTransactionResponse{Status: ocpp16.RemoteStartStopStatus(statusOf(a, err, "Rejected"))}, nil
}

func (s *Station) changeAvailability(ctx context.Context, _ *ocpp.Conn, req ocpp16.ChangeAvailabilityRequest, _ *ocpp.Request) (ocpp16.ChangeAvailabilityResponse, error) {
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
