package upstream

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"busbar/controller"
	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

// Run keeps the link until ctx ends.
func (s *Station) Run(ctx context.Context) error {
	for attempt := 0; ctx.Err() == nil; {
		conn, err := ocpp.Dial(ctx, ocpp.ClientConfig{URL: s.cfg.URL, Identity: s.cfg.StationID, Protocols: []ocpp.Protocol{ocpp.V16}, Password: s.cfg.Password,
			TLS: s.cfg.TLS, DialContext: s.cfg.Dial, Options: ocpp.Options{Handler: s.handler(), PingInterval: s.pingInterval(), Trace: s.cfg.Trace, Logger: s.cfg.Logger}})
		if err != nil {
			if ctx.Err() == nil {
				s.tell(controller.UplinkChanged{State: controller.UplinkDisconnected, Detail: dialWords(err)})
			}
		} else if s.session(ctx, conn) {
			attempt = 0
		}
		wait := s.cfg.BackOff.Wait(attempt, rand.Float64())
		if err == nil && attempt == 0 {
			wait = min(wait, time.Second) // an accepted link that broke is tried again at once, and then slower
		}
		attempt++
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
	s.mu.Lock()
	s.stopped = true
	s.mu.Unlock()
	s.asks.Wait()
	return nil
}

// dialWords says in plain words why there is no connection.
func dialWords(err error) string {
	if refused, ok := errors.AsType[*ocpp.DialError](err); ok {
		switch refused.Status {
		case 401, 403:
			return "the cloud refuses the password of this station"
		case 404:
			return "the cloud does not know this station id"
		}
		return fmt.Sprintf("the cloud refuses the connection (HTTP %d %s)", refused.Status, refused.Reason)
	}
	return "no connection: " + err.Error()
}

// session runs one connection; true if the cloud accepted us on it.
func (s *Station) session(ctx context.Context, conn *ocpp.Conn) bool {
	own, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { conn.Close(1001, "going away") })
	defer stop()
	s.tell(controller.UplinkChanged{State: controller.UplinkConnected, Detail: "connected, not accepted yet"})
	booted, ok := s.boot(own, conn)
	if ok {
		s.mu.Lock()
		s.conn = conn
		s.mu.Unlock()
		if s.cfg.OnAccepted != nil {
			s.cfg.OnAccepted()
		}
		s.tell(controller.UplinkChanged{State: controller.UplinkAccepted, Detail: "accepted", Booted: booted})
		s.pump(own, conn)
		s.mu.Lock()
		s.conn = nil
		s.mu.Unlock()
	}
	conn.Close(1000, "")
	<-conn.Done()
	if ctx.Err() == nil {
		detail := "the connection ended"
		if err := conn.Err(); err != nil {
			detail = err.Error()
		}
		s.tell(controller.UplinkChanged{State: controller.UplinkDisconnected, Detail: detail})
	}
	return ok
}

// boot sends BootNotification where one is due, until it is accepted. ok is false when
// the connection ended before.
func (s *Station) boot(ctx context.Context, conn *ocpp.Conn) (booted, ok bool) {
	for {
		s.mu.Lock()
		need := s.needBoot
		s.mu.Unlock()
		if !need {
			return booted, true
		}
		resp, err := ocpp16.BootNotification.Call(ctx, conn, s.bootRequest())
		if err != nil {
			return false, false
		}
		interval := time.Duration(max(1, resp.Interval)) * time.Second
		switch resp.Status {
		case ocpp16.RegistrationStatusAccepted:
			s.mu.Lock()
			s.needBoot, booted = false, true
			s.slots = len(s.cfg.Loop.Snapshot().Connectors)
			if resp.Interval > 0 {
				s.interval = interval
			}
			s.mu.Unlock()
			continue
		case ocpp16.RegistrationStatusPending:
			s.tell(controller.UplinkChanged{State: controller.UplinkPending, Detail: "the cloud has not accepted this station yet"})
		default:
			s.tell(controller.UplinkChanged{State: controller.UplinkRejected, Detail: "the cloud rejects this station"})
		}
		select {
		case <-ctx.Done():
			return false, false
		case <-conn.Done():
			return false, false
		case <-time.After(interval):
		}
	}
}

// bootRequest names the box; strings are cut to what 1.6 takes.
func (s *Station) bootRequest() ocpp16.BootNotificationRequest {
	req := ocpp16.BootNotificationRequest{ChargePointVendor: clip(s.cfg.Vendor, 20), ChargePointModel: clip(s.cfg.Model, 20)}
	if s.cfg.Serial != "" {
		req.ChargePointSerialNumber = new(clip(s.cfg.Serial, 25))
	}
	if s.cfg.Version != "" {
		req.FirmwareVersion = new(clip(s.cfg.Version, 50))
	}
	return req
}

// clip cuts to most characters.
func clip(text string, most int) string {
	if r := []rune(text); len(r) > most {
		return string(r[:most])
	}
	return text
}

// inventoryChanged asks for a new Boot when connectors came and nobody charges:
// clouds learn connectors at Boot only (N3).
func (s *Station) inventoryChanged() bool {
	snap := s.cfg.Loop.Snapshot()
	for _, c := range snap.Connectors {
		if c.Tx != 0 {
			return false
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.slots == 0 || len(snap.Connectors) == s.slots {
		return false
	}
	s.needBoot = true
	return true
}
