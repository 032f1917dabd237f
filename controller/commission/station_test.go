package commission

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"busbar/controller"
	"busbar/controller/sitesim/memnet"
	"busbar/loadbalance"
	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
	"busbar/ocpp/ocpp2"
	"busbar/ocpp/ocppsim"
)

// station is a simulated charger of any version at a CSMS, and both sides that a probe
// needs: the calls, and a box that leads the charger by TxProfiles of 16 A.
type station struct {
	t       *testing.T
	version ocpp.Protocol
	cloud   *ocppsim.Cloud
	sim     *ocppsim.Charger
	outlets int
	phases  int
	limit   loadbalance.MilliAmp // of the TxProfile
}

var (
	_ Caller = (*station)(nil)
	_ Site   = (*station)(nil)
)

// atStation runs during in a bubble, with a charger of one outlet that has quirks; a
// car charges there if it has one.
func atStation(t *testing.T, version ocpp.Protocol, quirks []ocppsim.Quirk, car *ocppsim.Car, during func(s *station)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		net := memnet.New()
		l, err := net.Listen("cloud:1")
		if err != nil {
			t.Fatal(err)
		}
		s := &station{t: t, version: version, cloud: ocppsim.NewCloud(ocppsim.CloudConfig{Protocol: version}), outlets: 1, phases: 3}
		s.sim = ocppsim.NewCharger(ocppsim.ChargerConfig{ID: "CP1", URL: "ws://cloud:1/ocpp", Protocol: version, Dial: net.DialContext, Quirks: quirks,
			Outlets: []ocppsim.Outlet{{Number: 1, Phases: 3, Max: 32}},
			Plan: func(_, n int) (ocppsim.Session, bool) {
				if car == nil || n > 0 {
					return ocppsim.Session{}, false
				}
				return ocppsim.Session{Wait: 10 * time.Second, Token: "TAG1", Car: *car}, true
			}})
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := s.cloud.Serve(ctx, l); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() { _ = s.sim.Run(ctx) })
		time.Sleep(time.Minute) // in the bubble
		if car != nil {
			_ = s.lead(ctx, 16_000, 0)
			time.Sleep(30 * time.Second)
		}
		during(s)
		cancel()
		wg.Wait()
	})
}

// Call implements Caller.
func (s *station) Call(ctx context.Context, action string, payload json.RawMessage) (json.RawMessage, error) {
	return s.cloud.Conn("CP1").Call(ctx, ocpp.Call{Action: action, Payload: payload})
}

// Connectors implements Site.
func (s *station) Connectors() []Connector {
	out := make([]Connector, s.outlets)
	for i := range out {
		out[i] = Connector{Number: i + 1, Phases: s.phases, MeasuredAt: time.Now(), Measured: loadbalance.MilliAmp(1000 * s.sim.Current(i + 1)[0]), Setpoint: s.limit}
	}
	if all := s.sim.Ledger(); len(all) > 0 && !all[len(all)-1].Stopped {
		out[0].Tx = controller.TxID(len(all))
	}
	return out
}

// Wait implements Site.
func (s *station) Wait(ctx context.Context) error {
	time.Sleep(time.Second) // in the bubble
	return ctx.Err()
}

// Hold implements Site.
func (s *station) Hold(ctx context.Context, _ int, limit loadbalance.MilliAmp, _ time.Duration) error {
	if limit < 0 {
		limit = 16_000
	}
	_ = s.lead(ctx, limit, 0) // a box goes on where a charger refuses
	return nil
}

// Prove implements Site, as the box does: a setpoint that ends by itself.
func (s *station) Prove(ctx context.Context, connector int) (controller.ProofAnswer, error) {
	if err := s.lead(ctx, 16_000, 30*time.Second); err != nil {
		return controller.ProofAnswer{Why: "the charger did not take the setpoint of the test"}, nil
	}
	time.Sleep(45 * time.Second) // in the bubble
	now := s.Connectors()[connector-1].Measured
	if err := s.lead(ctx, 16_000, 0); err != nil {
		return controller.ProofAnswer{}, err
	}
	time.Sleep(15 * time.Second) // in the bubble
	if now > 7000 {
		return controller.ProofAnswer{Result: controller.No, Why: fmt.Sprintf("it still drew %v", now)}, nil
	}
	return controller.ProofAnswer{Result: controller.Yes, Fallback: 6000, Took: 3 * time.Second}, nil
}

// lead writes a TxProfile; lasts 0: for ever.
func (s *station) lead(ctx context.Context, limit loadbalance.MilliAmp, lasts time.Duration) error {
	s.limit = limit
	var duration *int
	if lasts > 0 {
		duration = new(int(lasts / time.Second))
	}
	all := s.cloud.Ledger().Transactions
	amps := ocpp.DecimalFromMilli(int64(limit))
	var status string
	var err error
	if tx := all[len(all)-1]; s.version == ocpp.V16 {
		var resp ocpp16.SetChargingProfileResponse
		resp, err = ocpp16.SetChargingProfile.Call(ctx, wire{s}, ocpp16.SetChargingProfileRequest{ConnectorID: 1, CSChargingProfiles: ocpp16.ChargingProfile{
			ChargingProfileID: 2, TransactionID: &tx.ID, StackLevel: 0, ChargingProfilePurpose: ocpp16.ChargingProfilePurposeTypeTxProfile, ChargingProfileKind: ocpp16.ChargingProfileKindTypeAbsolute,
			ChargingSchedule: ocpp16.ChargingSchedule{Duration: duration, StartSchedule: new(ocpp.NewDateTime(time.Now())), ChargingRateUnit: ocpp16.ChargingRateUnitTypeA,
				ChargingSchedulePeriod: []ocpp16.ChargingSchedulePeriod{{Limit: amps}}}}})
		status = string(resp.Status)
	} else {
		var resp ocpp2.SetChargingProfileResponse
		resp, err = ocpp2.SetChargingProfile.Call(ctx, wire{s}, ocpp2.SetChargingProfileRequest{EVSEID: 1, ChargingProfile: ocpp2.ChargingProfile{
			ID: 2, TransactionID: &tx.ChargerTx, StackLevel: 0, ChargingProfilePurpose: ocpp2.ChargingProfilePurposeTxProfile, ChargingProfileKind: ocpp2.ChargingProfileKindAbsolute,
			ChargingSchedule: []ocpp2.ChargingSchedule{{ID: 2, Duration: duration, StartSchedule: new(ocpp.NewDateTime(time.Now())), ChargingRateUnit: ocpp2.ChargingRateUnitA,
				ChargingSchedulePeriod: []ocpp2.ChargingSchedulePeriod{{Limit: &amps}}}}}})
		status = string(resp.Status)
	}
	if err == nil && status != accepted {
		err = fmt.Errorf("answered %s", status)
	}
	return err
}

func (s *station) probed() Verdict {
	s.t.Helper()
	c := charger()
	c.Protocol = string(s.version)
	v, err := Run(s.t.Context(), c, s, s)
	if err != nil {
		s.t.Fatalf("%v; found until then: %v", err, v.Findings)
	}
	return v
}
