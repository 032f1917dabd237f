package web

import (
	"context"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"busbar/controller"
	"busbar/loadbalance"
)

// box is a site with a picture that tests set and an answer that they choose.
type box struct {
	snap   atomic.Pointer[controller.Snapshot]
	answer func(controller.Event) (controller.AnswerBody, error)
}

func newBox(snap *controller.Snapshot) *box {
	b := &box{}
	b.snap.Store(snap)
	return b
}

func (b *box) Snapshot() *controller.Snapshot { return b.snap.Load() }

func (b *box) Ask(_ context.Context, ask func(controller.ReplyID) controller.Event) (controller.AnswerBody, error) {
	return b.answer(ask(1))
}

// switches are the faults of a demo, kept in memory.
type switches struct {
	mu  sync.Mutex
	all []FaultButton
}

func (s *switches) Faults() []FaultButton {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]FaultButton(nil), s.all...)
}

func (s *switches) SetFault(name, arg string, on bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.all {
		if f.Name == name && f.Arg == arg {
			s.all[i].On = on
			return nil
		}
	}
	return errUnknownFault
}

type textError string

func (e textError) Error() string { return string(e) }

const errUnknownFault = textError("there is no such fault")

func newSwitches() *switches {
	return &switches{all: []FaultButton{
		{Name: "cloud-cut", Label: "Cut the cloud", Help: "The link to the cloud goes down."},
		{Name: "meter-freeze", Label: "Freeze the meter", Help: "The meter repeats one reading.", On: true},
		{Name: "charger-kill", Arg: "CP3", Label: "Kill charger CP3", Help: "It loses power."},
	}}
}

func amperes(l1, l2, l3 float64) loadbalance.PerPhase {
	mA := func(a float64) loadbalance.MilliAmp { return loadbalance.MilliAmp(math.Round(a * 1000)) }
	return loadbalance.PerPhase{mA(l1), mA(l2), mA(l3)}
}

const amp = loadbalance.Amp

// picture is a site in which most of what a page can show happens at once.
func picture(at time.Time) *controller.Snapshot {
	connector := func(n int, st controller.ConnectorStatus, rule loadbalance.Rule, node loadbalance.NodeID) controller.ConnectorView {
		return controller.ConnectorView{Slot: controller.Slot(n), Station: controller.StationID("CP" + string(rune('0'+n))), Connector: 1,
			Bay: "A-0" + string(rune('0'+n)), Node: "board-a", Phases: "L1L2L3", PhaseSet: loadbalance.AllPhases, Online: true, Operative: true,
			Status: st, ErrorCode: controller.NoError, Max: 32 * amp, Failsafe: 6 * amp, SoC: -1,
			Reason: loadbalance.Reason{Rule: rule, Node: node, Phase: loadbalance.L2}}
	}
	charging := func(c controller.ConnectorView, set loadbalance.MilliAmp, measured loadbalance.PerPhase, energy controller.WattHour) controller.ConnectorView {
		c.Tx, c.UpTx, c.Token, c.Since = controller.TxID(100+c.Slot), "7001", "•••CD9C", at.Add(-42*time.Minute)
		c.Setpoint, c.Target, c.Measured, c.MeasuredAt, c.Energy, c.Register = set, set, measured, at.Add(-3*time.Second), energy, 1_200_000+energy
		c.LeaseUntil = at.Add(90 * time.Second)
		return c
	}
	slots := []controller.ConnectorView{
		charging(connector(1, controller.StatusCharging, loadbalance.RuleShare, "board-a"), 13*amp+400, amperes(13.3, 13.2, 13.4), 5480),
		charging(connector(2, controller.StatusSuspendedEVSE, loadbalance.RuleWaiting, "main"), 0, amperes(0, 0, 0), 0),
		connector(3, controller.StatusAvailable, loadbalance.RuleIdle, ""),
		charging(connector(4, controller.StatusCharging, loadbalance.RuleMeterLost, "main"), 6*amp, amperes(5.9, 0, 0), 12345),
		connector(5, controller.StatusFaulted, loadbalance.RuleIdle, ""),
		charging(connector(6, controller.StatusCharging, loadbalance.RuleOffline, ""), 16*amp, amperes(15.8, 15.8, 15.9), 820),
	}
	slots[3].Phases, slots[3].SoC = "L1", 63
	slots[4].ErrorCode, slots[4].Info = "GroundFailure", "residual current"
	slots[5].Online, slots[5].Node = false, "main"
	chargers := make([]controller.ChargerView, 0, len(slots))
	for _, c := range slots {
		chargers = append(chargers, controller.ChargerView{Station: c.Station, Node: c.Node, Online: c.Online, Protocol: "ocpp1.6",
			Info:  controller.ChargerInfo{Vendor: "Sparks", Model: "Twin 22", Serial: "S-1", Firmware: "1.4.2"},
			Since: at.Add(-3 * time.Hour), LastHeard: at.Add(-4 * time.Second), FailsafeOK: true, Slots: []controller.Slot{c.Slot}})
	}
	return &controller.Snapshot{
		At: at, SiteID: "depot1", SiteName: "Depot North", Demo: true,
		Nodes: []controller.NodeView{
			{ID: "main", Limit: loadbalance.Uniform(63 * amp), Measured: amperes(58.2, 64.1, 41), Metered: true, Age: 400 * time.Millisecond,
				State: "ok", Base: amperes(18, 20, 12), Booked: amperes(40, 45, 30), Headroom: amperes(4.8, -1.1, 22)},
			{ID: "board-a", Parent: "main", Limit: loadbalance.Uniform(40 * amp), Measured: amperes(19.2, 13.2, 13.4), State: "ok"},
			{ID: "kitchen", Parent: "main", Limit: loadbalance.Uniform(16 * amp), Metered: true, Age: 48 * time.Second, State: "lost"},
		},
		Connectors: slots, Chargers: chargers,
		Waiting: []controller.WaitingView{{Station: "NEW-7", Remote: "10.0.0.77:40112", Info: controller.ChargerInfo{Vendor: "Volta", Model: "One"}, Since: at.Add(-time.Minute)}},
		Meters: []controller.MeterView{
			{ID: "grid", Node: "main", Current: amperes(58.2, 64.1, 41), Power: 37400, At: at.Add(-400 * time.Millisecond)},
			{ID: "kitchen", Node: "kitchen", At: at.Add(-48 * time.Second), Err: "no answer"}},
		Uplink: controller.UplinkView{Station: "SITE1", URL: "wss://csms.example/ocpp", Protocol: "ocpp1.6", State: controller.UplinkDisconnected,
			Detail: "connection refused", Since: at.Add(-4 * time.Minute)},
		Alarms: []controller.Alarm{
			{Code: "meter.lost", Severity: controller.SeverityAlarm, Subject: "kitchen", Text: "The meter of kitchen gives no values: chargers are at their fail-safe current.",
				Remedy: "Check the meter's power, its network cable and its address.", Since: at.Add(-38 * time.Second)},
			{Code: "node.overload", Severity: controller.SeverityWarning, Subject: "main", Text: "More current than the fuse of main is made for.",
				Remedy: "Chargers are being reduced. If it stays, the building itself draws too much.", Since: at.Add(-2 * time.Second)}},
		Log: []controller.LogEntry{
			{At: at.Add(-26 * time.Hour), Severity: controller.SeverityInfo, Code: "box.start", Subject: "box", Text: "started"},
			{At: at.Add(-4 * time.Minute), Severity: controller.SeverityInfo, Code: "cloud.disconnected", Subject: "cloud", Text: "connection refused"},
			{At: at.Add(-38 * time.Second), Severity: controller.SeverityAlarm, Code: "meter.lost", Subject: "kitchen", Text: "The meter of kitchen gives no values."}},
		SetpointSum: 118, TxStarted: 31,
	}
}

func counts(at time.Time) controller.OutboxCounts {
	return controller.OutboxCounts{Pending: 9, Parked: 1, Oldest: at.Add(-4 * time.Minute), Delivered: 27, DeliveredEnergy: 412_300, Started: 31}
}

func figures() controller.Status {
	age := int64(400)
	return controller.Status{ChargersConnected: 5, Connectors: 6, UpstreamProtocol: "ocpp1.6", TransactionsStarted: 31, MeterAgeMs: &age,
		GridCurrentA: &[3]float64{58.2, 64.1, 41}, GridLimitA: [3]float64{63, 63, 63}, SetpointChanges: 118}
}

// rig is a Server over a box. Change the configuration with the functions.
func rig(b *box, change ...func(*Config)) *Server {
	cfg := Config{Site: b, Status: figures, Ready: func() error { return nil }, Token: "s3cret", Version: "1.2.3", Location: time.UTC, Hosts: []string{"example.com"},
		Outbox: func() controller.OutboxCounts { return counts(b.Snapshot().At) }}
	for _, c := range change {
		c(&cfg)
	}
	return New(cfg)
}

func demo(c *Config) { c.Demo = newSwitches() }

// ask sends one request; headers are given as "Name: value".
func ask(s http.Handler, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

const bearer = "Authorization: Bearer s3cret"

func golden(t *testing.T, name, got string) {
	t.Helper()
	compareGolden(t, "testdata/"+name, got)
}
