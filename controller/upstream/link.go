package upstream

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"busbar/controller"
	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

const (
	// steadyAfter is how long an accepted connection must have held for the back-off to
	// begin anew: a cloud that accepts and drops is not to be hammered.
	steadyAfter = time.Minute
	// bootRetry is the wait for a Boot not accepted when the cloud names none (16§4.2).
	bootRetry = time.Minute
)

// settingSlots remembers how many connectors the cloud was told at the last Boot.
const settingSlots = "upstream/connectors"

// Run keeps the link until ctx ends.
func (s *Station) Run(ctx context.Context) error {
	for attempt := 0; ctx.Err() == nil; attempt++ {
		began := time.Now()
		if s.connect(ctx) && time.Since(began) >= steadyAfter {
			attempt = 0
		}
		select {
		case <-ctx.Done():
		case <-time.After(s.cfg.BackOff.Wait(attempt, rand.Float64())):
		}
	}
	s.mu.Lock()
	s.stopped = true
	s.mu.Unlock()
	s.asks.Wait()
	return nil
}

// connect runs one connection to its end; true if the cloud accepted us on it.
func (s *Station) connect(ctx context.Context) (accepted bool) {
	conn, err := ocpp.Dial(ctx, ocpp.ClientConfig{URL: s.cfg.URL, Identity: s.cfg.StationID, Protocols: []ocpp.Protocol{ocpp.V16}, Password: s.cfg.Password,
		TLS: s.cfg.TLS, DialContext: s.cfg.Dial, Options: ocpp.Options{Handler: s.handler(), PingInterval: s.pingInterval(), Trace: s.cfg.Trace, Logger: s.cfg.Logger}})
	if err == nil {
		accepted, err = s.session(ctx, line{s, conn})
	}
	if ctx.Err() == nil {
		s.tell(controller.UplinkChanged{State: controller.UplinkDisconnected, Detail: inWords(err)})
	}
	return accepted
}

// inWords says plainly why there is no connection.
func inWords(err error) string {
	refused, ok := errors.AsType[*ocpp.DialError](err)
	if !ok {
		return "no connection: " + err.Error()
	}
	switch refused.Status {
	case 101:
		return "the cloud does not speak OCPP 1.6: " + refused.Reason
	case 401, 403:
		return "the cloud refuses the password of this station"
	case 404:
		return "the cloud does not know this station id"
	}
	return fmt.Sprintf("the cloud refuses the connection (HTTP %d %s)", refused.Status, refused.Reason)
}

// session works on a connection until it ends, and tells why it did.
func (s *Station) session(ctx context.Context, l line) (accepted bool, err error) {
	stop := context.AfterFunc(ctx, func() { l.conn.Close(1001, "going away") })
	defer stop()
	s.silent.Store(0)
	s.tell(controller.UplinkChanged{State: controller.UplinkConnected, Detail: "connected, not accepted yet"})
	booted, err := s.boot(ctx, l)
	if accepted = err == nil; accepted {
		s.cfg.OnAccepted()
		s.tell(controller.UplinkChanged{State: controller.UplinkAccepted, Detail: "accepted", Booted: booted})
		(&pump{line: l}).run(ctx)
		s.mu.Lock()
		s.live = nil
		s.mu.Unlock()
	}
	l.conn.Close(1000, "")
	<-l.conn.Done()
	if err == nil {
		err = l.conn.Err()
	}
	return accepted, err
}

// boot sends BootNotification where one is due, again until it is accepted, and then
// opens the connection to the others. It fails when the connection or ctx ends before.
func (s *Station) boot(ctx context.Context, l line) (booted bool, err error) {
	for {
		s.mu.Lock()
		s.needBoot = s.needBoot || s.outgrown()
		need := s.needBoot
		if !need {
			s.live = l.conn
		}
		s.mu.Unlock()
		if !need {
			return booted, nil
		}
		resp, err := ocpp16.BootNotification.Call(ctx, l, s.bootRequest())
		if err != nil {
			return false, fmt.Errorf("cannot boot: %w", err)
		}
		state := controller.UplinkRejected
		switch resp.Status {
		case ocpp16.RegistrationStatusAccepted:
			s.bootAccepted(l.conn, resp)
			booted = true
			continue
		case ocpp16.RegistrationStatusPending:
			state = controller.UplinkPending
		}
		s.mu.Lock()
		s.rejected = state == controller.UplinkRejected
		s.mu.Unlock()
		wait := bootRetry
		if resp.Interval > 0 {
			wait = time.Duration(resp.Interval) * time.Second
		}
		s.tell(controller.UplinkChanged{State: state, Detail: "the cloud has not accepted this station: " + string(resp.Status)})
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-l.conn.Done():
			return false, l.conn.Err()
		case <-s.bootNow:
		case <-time.After(wait):
		}
	}
}

// bootWanted marks that the next connection boots; false if conn has seen one already.
func (s *Station) bootWanted(conn *ocpp.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.booted == conn {
		return false
	}
	s.needBoot = true
	return true
}

// bootAccepted keeps what the cloud and we told each other.
func (s *Station) bootAccepted(conn *ocpp.Conn, resp ocpp16.BootNotificationResponse) {
	snap := s.cfg.Loop.Snapshot()
	s.mu.Lock()
	s.needBoot, s.slots, s.booted, s.rejected = false, len(snap.Connectors), conn, false
	s.mu.Unlock()
	s.remember(snap, settingSlots, len(snap.Connectors))
	if resp.Interval > 0 { // the same as the key (16§4.6)
		s.remember(snap, keyHeartbeat, resp.Interval)
	}
}

func (s *Station) remember(snap *controller.Snapshot, key string, n int) {
	if value := strconv.Itoa(n); snap.Settings[key] != value {
		s.settings.set(key, value)
		s.tell(controller.SettingChanged{Key: key, Value: value})
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

// outgrown tells whether connectors came or went since the last Boot and nobody
// charges: many clouds learn connectors at Boot only (N3). The lock is held.
func (s *Station) outgrown() bool {
	snap := s.cfg.Loop.Snapshot()
	if s.slots == 0 {
		s.slots, _ = strconv.Atoi(snap.Settings[settingSlots])
	}
	if s.slots == 0 || len(snap.Connectors) == s.slots {
		return false
	}
	for _, c := range snap.Connectors {
		if c.Tx != 0 {
			return false
		}
	}
	return true
}

// rebootDue marks that the next connection boots, if it has to.
func (s *Station) rebootDue() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.outgrown() {
		s.needBoot = true
		return true
	}
	return false
}
