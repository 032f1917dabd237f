package controller

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"busbar/loadbalance"
)

// twoSupplies is a site with a transfer switch at its first supply and a second one of
// another type.
func twoSupplies() Layout {
	l := oneSupply(loadbalance.Node{Limit: loadbalance.Uniform(60 * loadbalance.Amp), States: []loadbalance.SupplyState{
		{Name: "generator", Limit: loadbalance.Uniform(30 * loadbalance.Amp), Power: 13_800}, {Name: "island"}}}, []loadbalance.Phase{l1, l2, l3}, []loadbalance.Phase{l1, l2, l3})
	l.Supplies = []SupplyLayout{{Node: "main"}}
	l.Nodes = append(l.Nodes, loadbalance.Node{ID: "yard", Metered: true, Limit: loadbalance.Uniform(40 * loadbalance.Amp)})
	l.Meters = append(l.Meters, MeterLayout{ID: "yard-grid", Node: "yard", Period: time.Second})
	l.Chargers = append(l.Chargers, ChargerLayout{Station: "CP3", Node: "yard", Connectors: []ConnectorLayout{{Number: 1, Min: 6000, Max: 32000, Wiring: []loadbalance.Phase{l1, l2, l3}}}})
	return l
}

func (g *gridSite) run(d time.Duration) {
	for i := range int(d / time.Second) {
		g.second(i)
	}
}

// tell says a supply's state and returns the answer.
func (g *gridSite) tell(supply, state string, lasts time.Duration) CommandAnswer {
	g.t.Helper()
	id := g.next()
	g.do(SupplyRequested{Reply: id, Origin: FromLocal, Supply: loadbalance.NodeID(supply), State: state, For: lasts})
	return answer[CommandAnswer](g.rig, id)
}

func (g *gridSite) wantDraws(what string, want ...int) {
	g.t.Helper()
	for i, a := range want {
		if got := g.draws(g.site.slots[i]); got < loadbalance.MilliAmp(a*1000-2500) || got > loadbalance.MilliAmp(a*1000+1000) {
			g.t.Errorf("%s: connector %d takes %v, want %d A", what, i+1, got, a)
		}
	}
}

// TestSupplyStates: the limits of the state in force hold, within seconds where they
// fall; of an unknown one the least of all.
func TestSupplyStates(t *testing.T) {
	g := newGridSite(t, twoSupplies())
	g.plugAll()
	alarmed := func() bool { return g.site.alarms[alarmKey{"supply.unknown", "main"}] != nil }
	g.run(2 * time.Minute)
	g.wantDraws("unknown", 0, 0, 32)
	if !alarmed() {
		t.Error("nobody is told that the state is unknown")
	}
	if got := g.tell("main", "grid", 0); got.Status != "Accepted" || alarmed() {
		t.Errorf("%+v, alarm %v", got, alarmed())
	}
	g.run(3 * time.Minute)
	g.wantDraws("grid", 30, 30, 32)
	g.tell("main", "generator", 0)
	generator := func(n *loadbalance.Node) (loadbalance.PerPhase, int64) {
		if n.ID == "main" {
			return n.States[0].Limit, n.States[0].Power
		}
		return ownLimits(n)
	}
	g.run(8 * time.Second)
	if msg := g.over(generator); msg != "" {
		t.Errorf("after 8 s on the generator: %s", msg)
	}
	g.run(3 * time.Minute)
	g.wantDraws("generator", 10, 10, 32)
	view := g.site.Snapshot(g.now).Nodes[0]
	if view.Supply == nil || view.Supply.State != "generator" || len(view.Supply.States) != 3 || view.Limit != loadbalance.Uniform(30*loadbalance.Amp) {
		t.Errorf("shown as %+v %+v", view, view.Supply)
	}
	g.tell("main", "island", 0)
	g.run(time.Minute)
	g.wantDraws("island", 0, 0, 32)
	for _, alarm := range g.site.activeAlarms() {
		t.Errorf("alarm %+v", alarm)
	}
}

// TestSupplyStateEnds: what is told for a time only is unknown after it.
func TestSupplyStateEnds(t *testing.T) {
	g := newGridSite(t, twoSupplies())
	g.plugAll()
	for range 12 {
		g.tell("main", "grid", 30*time.Second)
		g.run(10 * time.Second)
	}
	g.wantDraws("told again and again", 30, 30)
	g.run(21 * time.Second)
	if st := g.site.supplies[0].state; st != "" {
		t.Fatalf("still %q", st)
	}
	g.run(time.Minute)
	g.wantDraws("forgotten", 0, 0)
	if got := rowsOf[SettingRow](g.rows); len(got) > 0 && got[len(got)-1].Value == StateGrid {
		t.Errorf("kept for ever: %+v", got)
	}
}

func TestSupplyRequestsRefused(t *testing.T) {
	g := newGridSite(t, twoSupplies())
	for _, c := range []struct{ supply, state, why string }{
		{"yard", "grid", "no states"}, {"board", "grid", "no supply"}, {"main", "moon", "grid, generator, island"}, {"@station", "grid", "no supply"},
	} {
		if got := g.tell(c.supply, c.state, 0); got.Status != "Rejected" || !strings.Contains(got.Reason, c.why) {
			t.Errorf("%+v: %+v", c, got)
		}
	}
}

// TestSupplyStateSurvives a restart, and is newer than the configuration.
func TestSupplyStateSurvives(t *testing.T) {
	l := twoSupplies()
	for _, c := range []struct{ configured, told, want string }{
		{"", "", ""}, {"grid", "", "grid"}, {"grid", "generator", "generator"}, {"generator", "grid", "grid"}, {"grid", forgotten, ""}, {"grid", "sold", "grid"},
	} {
		l.Supplies[0].State = c.configured
		settings := map[string]string{}
		if c.told != "" {
			settings[supplyPrefix+"main"] = c.told
		}
		r := newRig(t, l, Recovered{Settings: settings})
		if got := r.site.supplies[0].state; got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
		r.do(Tick{})
		for key := range r.site.Snapshot(r.now).Settings {
			if strings.HasPrefix(key, supplyPrefix) {
				t.Errorf("%s is shown as a setting", key)
			}
		}
	}
	g := newGridSite(t, l)
	g.tell("main", "generator", 0)
	rows := rowsOf[SettingRow](g.rows)
	if len(rows) == 0 || rows[len(rows)-1] != (SettingRow{Key: "supply/main", Value: "generator"}) {
		t.Errorf("kept as %+v", rows)
	}
}

// TestCapOfTwoSupplies: the cloud's cap holds for the currents of all supplies together,
// also while shares move, and one that is too small for both goes round.
func TestCapOfTwoSupplies(t *testing.T) {
	g := newGridSite(t, twoSupplies())
	g.tell("main", "grid", 0)
	g.plugAll()
	g.run(3 * time.Minute)
	limit := func(a int64) {
		g.do(ProfileSet{Reply: g.next(), Slot: 0, Profile: Profile{ID: 1, Purpose: PurposeStationMax, Kind: KindAbsolute, Start: g.now.Add(-time.Minute), Periods: []Period{{Limit: a * 1000}}}})
	}
	sum := func() (a loadbalance.MilliAmp) {
		for _, sl := range g.site.slots {
			a += g.draws(sl)
		}
		return a
	}
	limit(48)
	g.run(15 * time.Second)
	if got := sum(); got > 48*loadbalance.Amp {
		t.Errorf("%v of 48 A after 15 s", got)
	}
	g.run(3 * time.Minute)
	if got := sum(); got < 44*loadbalance.Amp {
		t.Errorf("only %v of 48 A", got)
	}
	g.do(StopRequested{Reply: g.next(), Slot: 3})
	g.do(TxStopped{Station: "CP3", Reply: g.next(), Tx: g.site.slots[2].tx.row.Tx, MeterStop: 200, At: g.now})
	for range 180 {
		g.second(0)
		if got := sum(); got > 48*loadbalance.Amp {
			t.Fatalf("%v of 48 A while the share moves", got)
		}
	}
	g.wantDraws("the other supply's share", 24, 24, 0)
	g.start("CP3", 1, "again")
	limit(10)
	charged := map[int]bool{}
	for range 45 {
		g.run(time.Minute)
		for i, sl := range g.site.slots {
			charged[i] = charged[i] || g.draws(sl) > 0
		}
		if got := sum(); got > 10*loadbalance.Amp {
			t.Fatalf("%v of 10 A", got)
		}
	}
	if !charged[2] || !charged[0] && !charged[1] {
		t.Errorf("in 45 min only %v charged", charged)
	}
}

// TestAdoptedBelowASupply: a new charger comes below the first supply, whatever stands
// first in the file.
func TestAdoptedBelowASupply(t *testing.T) {
	l := twoSupplies()
	l.Nodes = append([]loadbalance.Node{{ID: "board", Parent: "main", Limit: loadbalance.Uniform(16 * loadbalance.Amp)}}, l.Nodes...)
	r := newRig(t, l, Recovered{})
	r.do(Tick{})
	if st := r.site.adopt("NEW"); st.node != stationNode || r.site.circuitOf(st.node) != "main" {
		t.Errorf("below %s", st.node)
	}
}

// TestPauseOfCharger: what is known of how a charger behaves at 0 A decides whether it is
// told so.
func TestPauseOfCharger(t *testing.T) {
	for _, c := range []struct {
		pause    PauseBehaviour
		failsafe loadbalance.MilliAmp
		paused   bool
		alarm    bool
		least    loadbalance.MilliAmp // that is booked before it holds anything
	}{
		{"", 0, true, false, 0}, {PauseZero, 0, true, false, 0},
		{PauseMinimum, 0, false, true, 6000}, {PauseStop, 0, false, true, 32000}, {PauseStop, 6000, false, false, 6000},
	} {
		what := fmt.Sprintf("%q with a fall-back of %v", c.pause, c.failsafe)
		l := oneSupply(loadbalance.Node{Limit: loadbalance.Uniform(40 * loadbalance.Amp)}, []loadbalance.Phase{l1, l2, l3}, []loadbalance.Phase{l1, l2, l3})
		l.Chargers[0].Failsafe = c.failsafe
		g := newGridSite(t, l)
		a := UsualAbilities()
		a.Pause = c.pause
		g.do(ChargerLearnt{Station: "CP1", Abilities: a})
		if alarm := g.site.alarms[alarmKey{"charger.no-pause", "CP1"}] != nil; alarm != c.alarm {
			t.Errorf("%s: alarm %v", what, alarm)
		}
		g.plugAll()
		g.later(passEvery)
		if got := g.site.nodeState(stationNode).Booked[0]; got < c.least {
			t.Errorf("%s: booked at %v", what, got)
		}
		g.run(2 * time.Minute)
		g.base["main"] = 39 // nothing is left
		zero := false
		seen := len(g.all)
		g.run(2 * time.Minute)
		g.do(LimitRequested{Reply: g.next(), Origin: FromCloud, Slot: 1, Limit: 0})
		g.run(time.Minute)
		for _, e := range find[SetLimit](g.all[seen:]) {
			zero = zero || e.Slot == 1 && e.Limit == 0
			if e.Slot == 1 && e.Limit != 0 && e.Limit < 6000 {
				t.Errorf("%s: told %v", what, e.Limit)
			}
		}
		if zero != c.paused {
			t.Errorf("%s: told 0 A: %v", what, zero)
		}
		if !c.paused && g.draws(g.site.slots[0]) != 6000 {
			t.Errorf("%s: draws %v", what, g.draws(g.site.slots[0]))
		}
		// The test of the charger itself may.
		g.base["main"] = 0
		g.do(LimitRequested{Reply: g.next(), Origin: FromLocal, Slot: 1, Limit: -1})
		g.run(20 * time.Minute)
		seen = len(g.all)
		g.do(LimitRequested{Reply: g.next(), Origin: FromCommissioning, Slot: 1, Limit: 0, For: time.Minute})
		g.run(10 * time.Second)
		tested := false
		for _, e := range find[SetLimit](g.all[seen:]) {
			tested = tested || e.Slot == 1 && e.Limit == 0
		}
		if !tested {
			t.Errorf("%s: was not told 0 A by a test", what)
		}
	}
}
