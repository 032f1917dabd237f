package commission

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"busbar/controller"
	"busbar/loadbalance"
	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
	"busbar/ocpp/ocppsim"
)

// rig is a CSMS that accepts simulated chargers over real sockets and counts what it
// sends to them.
type rig struct {
	t     *testing.T
	conns chan *ocpp.Conn
	conn  *ocpp.Conn
	sim   *ocppsim.Charger

	mu    sync.Mutex
	calls []string
	// spoil answers in the charger's place; nil: the charger does.
	spoil func(action string, payload json.RawMessage) (json.RawMessage, error)
}

func newRig(t *testing.T, outlets int) *rig {
	t.Helper()
	r := &rig{t: t, conns: make(chan *ocpp.Conn, 1)}
	mux := ocpp.NewMux(ocpp16.Known)
	mux.Lenience = ocpp.Lenient
	booted := make(chan struct{})
	once := sync.OnceFunc(func() { close(booted) })
	ocpp.Handle(mux, ocpp16.BootNotification, func(_ context.Context, c *ocpp.Conn, _ ocpp16.BootNotificationRequest, q *ocpp.Request) (ocpp16.BootNotificationResponse, error) {
		q.After(once)
		return ocpp16.BootNotificationResponse{Status: ocpp16.RegistrationStatusAccepted, CurrentTime: ocpp.NewDateTime(time.Now()), Interval: 300}, nil
	})
	ocpp.Handle(mux, ocpp16.StatusNotification, func(context.Context, *ocpp.Conn, ocpp16.StatusNotificationRequest, *ocpp.Request) (ocpp16.StatusNotificationResponse, error) {
		return ocpp16.StatusNotificationResponse{}, nil
	})
	server := ocpp.NewServer(ocpp.ServerConfig{
		Admit: func(*ocpp.Handshake) ocpp.Admission {
			return ocpp.Admission{Protocols: []ocpp.Protocol{ocpp.V16}, Options: ocpp.Options{Handler: mux, CallTimeout: 2 * time.Second}}
		},
		Opened: func(c *ocpp.Conn) { r.conns <- c },
	})
	web := httptest.NewServer(server)
	cfg := ocppsim.ChargerConfig{ID: "CP1", URL: "ws" + strings.TrimPrefix(web.URL, "http")}
	for n := range outlets {
		cfg.Outlets = append(cfg.Outlets, ocppsim.Outlet{Number: n + 1, Phases: 3, Max: 32})
	}
	r.sim = ocppsim.NewCharger(cfg)
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = r.sim.Run(ctx) })
	t.Cleanup(func() {
		stop()
		wg.Wait()
		_ = server.Close(context.Background())
		web.Close()
	})
	select {
	case <-booted:
	case <-time.After(10 * time.Second):
		t.Fatal("the charger does not boot")
	}
	r.conn = <-r.conns
	return r
}

// Call implements Caller.
func (r *rig) Call(ctx context.Context, action string, payload json.RawMessage) (json.RawMessage, error) {
	r.mu.Lock()
	r.calls = append(r.calls, action+" "+string(payload))
	spoil := r.spoil
	r.mu.Unlock()
	if spoil != nil {
		if answer, err := spoil(action, payload); answer != nil || err != nil {
			return answer, err
		}
	}
	return r.conn.Call(ctx, ocpp.Call{Action: action, Payload: payload})
}

// site is the box's part, as the test wants it.
type site struct {
	connectors []Connector
	proof      controller.ProofAnswer
	err        error
}

func (s site) Connectors() []Connector { return s.connectors }

func (s site) Prove(context.Context, int) (controller.ProofAnswer, error) { return s.proof, s.err }

func (s site) Hold(context.Context, int, loadbalance.MilliAmp, time.Duration) error { return s.err }

func (s site) Wait(ctx context.Context) error { return ctx.Err() }

func idle(n int) site {
	s := site{}
	for i := range n {
		s.connectors = append(s.connectors, Connector{Number: i + 1, Phases: 3})
	}
	return s
}

func charger() Charger {
	return Charger{Station: "CP1", Protocol: "ocpp1.6", Info: controller.ChargerInfo{Vendor: "V", Model: "M", Firmware: "1"}, Failsafe: 6000, NominalV: 230, Abilities: controller.UsualAbilities()}
}

func (r *rig) probe(c Charger, s Site) Verdict {
	r.t.Helper()
	v, err := Run(r.t.Context(), c, r, s)
	if err != nil {
		r.t.Fatalf("%v; found until then: %v", err, v.Findings)
	}
	return v
}

// outcome of a check, "" if it was not made.
func (v Verdict) outcome(check string) (o Outcome) {
	for _, f := range v.Findings {
		if f.Check == check {
			o = f.Outcome
		}
	}
	return o
}

func expect(t *testing.T, v Verdict, good bool, want map[string]Outcome) {
	t.Helper()
	for check, o := range want {
		if got := v.outcome(check); got != o {
			t.Errorf("%s: %q, want %q", check, got, o)
		}
	}
	if v.Good != good {
		t.Errorf("good is %v", v.Good)
	}
	if t.Failed() {
		for _, f := range v.Findings {
			t.Log(f)
		}
	}
}

func (r *rig) key(name string) string {
	r.t.Helper()
	resp, err := ocpp16.GetConfiguration.Call(r.t.Context(), r.conn, ocpp16.GetConfigurationRequest{Key: []string{name}})
	if err != nil || len(resp.ConfigurationKey) != 1 {
		r.t.Fatalf("%s: %+v %v", name, resp, err)
	}
	return *resp.ConfigurationKey[0].Value
}

func TestAHealthyCharger(t *testing.T) {
	r := newRig(t, 2)
	before := r.key(keyMeasurands)
	v := r.probe(charger(), idle(2))
	expect(t, v, true, map[string]Outcome{"configuration": OK, "smart-charging": OK, "connectors": OK, "phases": Different, "profiles.stack-level": OK,
		"profiles.periods": OK, "profiles.installed": OK, "measurands": OK, "profiles.default": OK, "profiles.unit": OK, "profiles.stacked": OK,
		"profiles.clear": OK, "profiles.composite": OK, "dead-man": Open})
	a := v.Abilities
	if a.StationWide != controller.Yes || !a.TakesUnit(controller.UnitAmps) || !a.TakesUnit(controller.UnitWatts) || a.Units[0] != controller.UnitAmps || a.MaxStackLevel != 10 ||
		a.MaxPeriods != 24 || a.MaxProfiles != 20 || a.ClearByID != controller.Yes || a.Composite != controller.Yes || len(a.Measurands) < 3 ||
		!a.Takes(controller.PurposeTxDefault) || a.Model != "M" || a.Source != controller.AbilitiesLearnt {
		t.Errorf("abilities: %+v", a)
	}
	if after := r.key(keyMeasurands); after != before {
		t.Errorf("%s is %q after the probe, before it was %q", keyMeasurands, after, before)
	}
	left, err := ocpp16.GetCompositeSchedule.Call(t.Context(), r.conn, ocpp16.GetCompositeScheduleRequest{ConnectorID: 2, Duration: 600})
	if err != nil || left.ChargingSchedule == nil || len(left.ChargingSchedule.ChargingSchedulePeriod) != 1 || left.ChargingSchedule.ChargingSchedulePeriod[0].Limit != "6" {
		t.Errorf("left on the charger: %+v %v, want the fall-back alone", left, err)
	}
	if text, err := json.Marshal(v); err != nil || !strings.Contains(string(text), `"check":"profiles.default","outcome":"ok"`) {
		t.Errorf("%s %v", text, err)
	}
	if s := v.Summary(); !strings.Contains(s, "CP1 (V M, firmware 1, ocpp1.6) can be led") {
		t.Error(s)
	}
}

// TestNothingIsEverRaised looks at each profile that the probe writes.
func TestNothingIsEverRaised(t *testing.T) {
	r := newRig(t, 1)
	r.probe(charger(), idle(1))
	n := 0
	for _, c := range r.calls {
		action, payload, _ := strings.Cut(c, " ")
		if action != "SetChargingProfile" {
			continue
		}
		n++
		var req ocpp16.SetChargingProfileRequest
		if err := json.Unmarshal([]byte(payload), &req); err != nil {
			t.Fatal(err)
		}
		limit, err := req.CSChargingProfiles.ChargingSchedule.ChargingSchedulePeriod[0].Limit.Milli()
		if watts := req.CSChargingProfiles.ChargingSchedule.ChargingRateUnit == ocpp16.ChargingRateUnitTypeW; err != nil || !watts && limit > 6000 || watts && limit > 6000*3*230 {
			t.Errorf("written: %s", payload)
		}
	}
	if n < 3 {
		t.Errorf("%d profiles written", n)
	}
}

func TestAChargerOfAnotherKind(t *testing.T) {
	r := newRig(t, 1)
	r.spoil = func(action string, payload json.RawMessage) (json.RawMessage, error) {
		var q ocpp16.SetChargingProfileRequest
		switch text := string(payload); {
		case action == "GetConfiguration" && text == "{}":
			return nil, ocpp.Errorf(ocpp.CodeFormatViolation, "keys please")
		case action == "ChangeConfiguration" && (strings.Contains(text, ",") && strings.Count(text, ".Import") > 1 || strings.Contains(text, "SoC")):
			return json.RawMessage(`{"status":"Rejected"}`), nil
		case action == "SetChargingProfile" && json.Unmarshal(payload, &q) == nil:
			if q.ConnectorID == 0 || q.CSChargingProfiles.StackLevel > 0 || q.CSChargingProfiles.ChargingSchedule.ChargingRateUnit == "A" || q.CSChargingProfiles.ChargingProfileKind != "Relative" {
				return json.RawMessage(`{"status":"Rejected"}`), nil
			}
		case action == "GetCompositeSchedule":
			return nil, ocpp.ErrTimeout
		}
		return nil, nil
	}
	v := r.probe(charger(), idle(1))
	expect(t, v, true, map[string]Outcome{"configuration": Different, "smart-charging": OK, "measurands": Different, "measurands.SoC": Different,
		"profiles.default": Different, "profiles.unit": Different, "profiles.stacked": Different, "profiles.composite": Different})
	a := v.Abilities
	if a.StationWide != controller.No || a.TakesUnit(controller.UnitAmps) || a.MaxStackLevel != 0 || a.Kinds[0] != controller.KindRelative || len(a.Measurands) != 1 {
		t.Errorf("abilities: %+v", a)
	}
}

func TestAChargerThatCantBeLed(t *testing.T) {
	r := newRig(t, 1)
	r.spoil = func(action string, payload json.RawMessage) (json.RawMessage, error) {
		switch action {
		case "GetConfiguration":
			return json.RawMessage(`{"configurationKey":[{"key":"SupportedFeatureProfiles","readonly":true,"value":"Core"},{"key":"NumberOfConnectors","readonly":true,"value":"2"},` +
				`{"key":"ConnectorPhaseRotation","readonly":false,"value":"0.RST,1.R"},{"key":"MeterValuesSampledData","readonly":false,"value":""}]}`), nil
		case "ChangeConfiguration":
			return json.RawMessage(`{"status":"Rejected"}`), nil
		case "SetChargingProfile":
			return nil, ocpp.Errorf(ocpp.CodeNotSupported, "")
		}
		return nil, nil
	}
	v := r.probe(charger(), idle(1))
	expect(t, v, false, map[string]Outcome{"smart-charging": Missing, "connectors": Missing, "phases": Missing, "measurands.Current.Import": Missing,
		"measurands.SoC": Different, "measurands": Missing, "profiles.default": Missing, "profiles.stacked": "", "profiles.composite": Open})
	for _, f := range v.Findings {
		if f.Outcome == Missing && f.Remedy == "" && f.Check != "measurands" {
			t.Errorf("does not say what to do: %s", f)
		}
	}
}

func TestDeadManProofs(t *testing.T) {
	inherited := charger()
	inherited.Abilities.Source, inherited.Abilities.DeadMan = controller.AbilitiesInherited, controller.DeadManProof{Result: controller.Yes}
	charging := site{connectors: []Connector{{Number: 1, Phases: 3, Tx: 7}}}
	for _, c := range []struct {
		name    string
		charger Charger
		site    site
		proof   controller.ProofAnswer
		outcome Outcome
		says    string
		result  controller.Tristate
	}{
		{name: "no car", charger: charger(), site: idle(1), outcome: Open, says: "first real session"},
		{name: "inherited", charger: inherited, site: idle(1), outcome: OK, says: "same model and firmware", result: controller.Yes},
		{name: "proven", charger: charger(), site: charging, proof: controller.ProofAnswer{Result: controller.Yes, Fallback: 6000, Took: 3 * time.Second}, outcome: OK, says: "fell to 6.0 A, 3s after", result: controller.Yes},
		{name: "refuted", charger: inherited, site: charging, proof: controller.ProofAnswer{Result: controller.No, Why: "still 16 A"}, outcome: Missing, says: "still 16 A", result: controller.No},
		{name: "no end", charger: charger(), site: charging, proof: controller.ProofAnswer{Why: "the car was full"}, outcome: Open, says: "first real session"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.site.proof = c.proof
			p := &probe{charger: c.charger, site: c.site, abilities: c.charger.Abilities}
			if err := p.deadMan(t.Context()); err != nil {
				t.Fatal(err)
			}
			p.conclude()
			last := p.verdict.Findings[len(p.verdict.Findings)-1]
			if last.Outcome != c.outcome || !strings.Contains(last.String(), c.says) || p.verdict.Abilities.DeadMan.Result != c.result || p.verdict.Good != (c.outcome != Missing) {
				t.Errorf("got %s, %+v", last, p.verdict.Abilities.DeadMan)
			}
		})
	}
}

func TestALostChargerEndsTheProbe(t *testing.T) {
	r := newRig(t, 1)
	n := 0
	r.spoil = func(string, json.RawMessage) (json.RawMessage, error) {
		if n++; n > 3 {
			return nil, ocpp.ErrClosed
		}
		return nil, nil
	}
	v, err := Run(t.Context(), charger(), r, idle(1))
	if err == nil || len(v.Findings) == 0 {
		t.Errorf("got %v with %d findings", err, len(v.Findings))
	}
	if _, err := Run(t.Context(), Charger{Protocol: "ocpp1.5"}, r, idle(1)); err == nil || !strings.Contains(fmt.Sprint(err), "ocpp1.5") {
		t.Errorf("another version: %v", err)
	}
}

func TestAProbeThatIsBrokenOffPutsTheValuesBack(t *testing.T) {
	r := newRig(t, 1)
	before := r.key(keyMeasurands)
	ctx, cancel := context.WithCancel(t.Context())
	r.spoil = func(action string, payload json.RawMessage) (json.RawMessage, error) {
		if strings.Contains(string(payload), `"SoC"`) {
			cancel()
			return nil, context.Canceled
		}
		return nil, nil
	}
	if _, err := Run(ctx, charger(), r, idle(1)); err == nil {
		t.Error("it went on")
	}
	if after := r.key(keyMeasurands); after != before {
		t.Errorf("%s is %q, before it was %q", keyMeasurands, after, before)
	}
}
