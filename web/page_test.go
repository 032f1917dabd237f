package web

import (
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"busbar/controller"
	"busbar/loadbalance"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func compareGolden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; run with -update and read the difference:\n%s", path, firstDifference(string(want), got))
	}
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range w {
		if i >= len(g) || w[i] != g[i] {
			return "-" + w[i] + "\n+" + strings.Join(g[min(i, len(g)):min(i+1, len(g))], "")
		}
	}
	return "+" + g[len(w)]
}

// lines breaks the one long line of a rendered page, so that differences can be read.
func lines(html string) string {
	html = regexp.MustCompile(`data-page="\w+"`).ReplaceAllString(html, `data-page="KEY"`) // changes with each file of the page
	return strings.NewReplacer("><", ">\n<", "</p> <", "</p>\n<").Replace(html) + "\n"
}

func TestPageGolden(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(14 * time.Hour) // from midnight, where a bubble starts, into the day
		s := rig(newBox(picture(time.Now())), demo, func(c *Config) { c.Adoption, c.Certificates = newDesk(time.Now()), authority{} })
		w := ask(s, "GET", "/", "")
		if w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
			t.Fatalf("got %d %s", w.Code, w.Header().Get("Content-Type"))
		}
		golden(t, "page.html", lines(w.Body.String()))
	})
}

func TestPageSaysInPlainWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		page := ask(rig(newBox(picture(time.Now())), demo), "GET", "/", "").Body.String()
		for _, want := range []string{
			"shares what board-a leaves on L2", "waits: less than 6 A left at main L2", "meter lost: fail-safe 6 A",
			"charger out of reach: 16 A kept free for it", "not connected", "1 refused by the cloud", "oldest 4 min",
			"lost for 48 s: chargers at fail-safe", "Check the meter&#39;s power", "ground fault · residual current",
		} {
			if !strings.Contains(page, want) {
				t.Errorf("the page lacks %q", want)
			}
		}
	})
}

// TestPageEscapesHostileStrings: whatever comes from chargers, cloud or files is text.
func TestPageEscapesHostileStrings(t *testing.T) {
	const hostile = `"><script>alert(1)</script><img src=x onerror=y>'`
	at := time.Now()
	snap := picture(at)
	snap.SiteName, snap.JournalError = hostile, hostile
	snap.Uplink.Station, snap.Uplink.Protocol, snap.Uplink.Detail = hostile, hostile, hostile
	snap.Nodes[0].ID, snap.Nodes[0].Parent = hostile, hostile
	for i := range snap.Connectors {
		c := &snap.Connectors[i]
		c.Station, c.Bay, c.Node, c.Token, c.ErrorCode, c.Info, c.Phases = hostile, hostile, hostile, hostile, hostile, hostile, hostile
		c.Status, c.Reason.Node = hostile, hostile
	}
	snap.Waiting[0] = controller.WaitingView{Station: hostile, Remote: hostile, Info: controller.ChargerInfo{Vendor: hostile, Model: hostile}}
	snap.Alarms[0] = controller.Alarm{Code: hostile, Severity: hostile, Subject: hostile, Text: hostile, Remedy: hostile}
	snap.Log[0] = controller.LogEntry{Severity: hostile, Code: hostile, Subject: hostile, Text: hostile}
	s := rig(newBox(snap), func(c *Config) {
		c.Version = hostile
		c.Demo = &switches{all: []FaultButton{{Name: hostile, Arg: hostile, Label: hostile, Help: hostile}}}
	})
	var page strings.Builder
	page.WriteString(ask(s, "GET", "/", "").Body.String())
	live, err := s.rendered()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range live.fragments {
		page.WriteString(f.HTML)
	}
	for _, bad := range []string{"<script>", "<img", `"><`, "onerror=y>"} {
		if strings.Contains(page.String(), bad) && bad != `"><` || bad == `"><` && strings.Contains(page.String(), `"><script>alert`) {
			t.Errorf("the page has %q unescaped", bad)
		}
	}
	if !strings.Contains(page.String(), "&lt;script&gt;") {
		t.Error("the hostile text does not show at all")
	}
}

func TestPageBeforeTheFirstStep(t *testing.T) {
	w := ask(rig(newBox(&controller.Snapshot{}), demo), "GET", "/", "")
	if w.Code != 200 || !strings.Contains(w.Body.String(), "No charger is set up yet") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestPageTellsWhenControlIsSilent(t *testing.T) {
	page := ask(rig(newBox(picture(time.Now().Add(-20*time.Second))), demo), "GET", "/", "").Body.String()
	if !strings.Contains(page, "control silent for 2") {
		t.Error("the page does not say that the control loop is silent")
	}
}

// TestLostMeterShowsNoCurrent: neither figure nor bar; and what goes down is not said to
// be down already.
func TestLostMeterShowsNoCurrent(t *testing.T) {
	lost := picture(t0)
	lost.Nodes[0].State = "lost"
	v := rig(newBox(lost)).view(t0)
	for _, b := range v.nodes()[0].phases {
		if b.width(b.now) != "0" || b.width(b.cars) != "0" || !strings.Contains(b.spoken(), "unknown") {
			t.Errorf("%s shows a current", b.name)
		}
	}
	c := controller.ConnectorView{Reason: loadbalance.Reason{Rule: loadbalance.RuleMeterLost}, Failsafe: 6 * amp, Setpoint: 9 * amp}
	if got := v.words.reason(c); got != "meter lost: goes to fail-safe 6 A" {
		t.Errorf("got %q", got)
	}
}

// TestEveryStateHasWords walks all rules, states and severities.
func TestEveryStateHasWords(t *testing.T) {
	words := english()
	for r := loadbalance.RuleMax; r <= loadbalance.RuleOutside; r++ {
		c := controller.ConnectorView{Online: true, Reason: loadbalance.Reason{Rule: r, Node: "main"}, Failsafe: 6 * amp}
		if text := words.reason(c); strings.HasPrefix(text, "rule.") || strings.Contains(text, "{") {
			t.Errorf("rule %d reads %q", r, text)
		}
	}
	for _, st := range []controller.ConnectorStatus{controller.StatusAvailable, controller.StatusPreparing, controller.StatusCharging,
		controller.StatusSuspendedEV, controller.StatusSuspendedEVSE, controller.StatusFinishing, controller.StatusReserved,
		controller.StatusUnavailable, controller.StatusFaulted} {
		if text := words.status(controller.ConnectorView{Online: true, Status: st}); strings.HasPrefix(text, "status.") {
			t.Errorf("status %s has no words", st)
		}
	}
	for _, u := range []controller.UplinkState{controller.UplinkOff, controller.UplinkDisconnected, controller.UplinkConnected,
		controller.UplinkPending, controller.UplinkRejected, controller.UplinkAccepted} {
		if _, ok := words[message("uplink."+u)]; !ok {
			t.Errorf("uplink state %s has no words", u)
		}
	}
	for _, state := range []string{"ok", "stale", "lost", "frozen"} {
		if _, ok := words[message("meter."+state)]; !ok {
			t.Errorf("meter state %s has no words", state)
		}
	}
}

func TestFiguresForPeople(t *testing.T) {
	words := english()
	for _, c := range []struct{ got, want string }{
		{age(-time.Second), "< 1 s"}, {age(449 * time.Millisecond), "< 1 s"}, {age(1449 * time.Millisecond), "1.4 s"}, {age(12 * time.Second), "12 s"}, {age(4 * time.Minute), "4 min"},
		{age(5 * time.Hour), "5 h"}, {age(72 * time.Hour), "3 d"}, {amps(6000), "6 A"}, {amps(13400), "13.4 A"}, {amps(-500), "-0.5 A"},
		{phases("L2L3L1"), "L2 L3 L1"}, {phases(""), ""}, {words.subject("node.overload", "@station"), "site"},
		{words.subject("charger.gone", "CP1"), "CP1"}, {words.subject("charger.gone", "7"), "7"}, {words.subject("connector.fault", "7"), "connector 7"},
		{words.subject("outbox.parked", "31"), "transaction 31"}, {words.line(controller.LogEntry{Code: "meter.lost.cleared", Text: "cleared"}), "The meter gives values again."},
		{words.line(controller.LogEntry{Code: "new.thing.cleared", Text: "cleared"}), "over"}, {words.line(controller.LogEntry{Code: "box.start", Text: "started"}), "started"},
		{words.fault("GroundFailure"), "ground fault"}, {words.fault("E42"), "E42"}, {kilowatt(37_449), "37.4 kW"}, {joined([]string{"", "a", "", "b"}), "a · b"},
		{lasting(59 * time.Second), "just started"}, {lasting(119 * time.Second), "for 1 min"}, {lasting(3 * time.Hour), "for 3 h"},
		{energy(840), "840 Wh"}, {energy(12_400), "12.4 kWh"}, {count(1, "car", "cars"), "1 car"}, {count(0, "car", "cars"), "0 cars"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

// BenchmarkRender200 is the cost of one update with 200 connectors; viewers share it.
func BenchmarkRender200(b *testing.B) {
	snap := picture(time.Now())
	for len(snap.Connectors) < 200 {
		c := snap.Connectors[len(snap.Connectors)%6]
		c.Slot = controller.Slot(len(snap.Connectors) + 1)
		snap.Connectors = append(snap.Connectors, c)
	}
	s := rig(newBox(snap), demo)
	for b.Loop() {
		s.live = rendering{}
		if _, err := s.rendered(); err != nil {
			b.Fatal(err)
		}
	}
}
