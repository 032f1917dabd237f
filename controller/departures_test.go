package controller

import (
	"strings"
	"testing"
	"time"
)

// weekdays is a timetable of Monday to Friday.
func weekdays(at time.Duration) Timetable {
	return Timetable{{Days: [7]bool{1: true, 2: true, 3: true, 4: true, 5: true}, At: at}}
}

func berlin(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// TestDeparturesByTheClock: times of departure are those of the site's clocks, also on
// the days when they change.
func TestDeparturesByTheClock(t *testing.T) {
	zone := berlin(t)
	at := func(text string) time.Time {
		v, err := time.ParseInLocation("2006-01-02 15:04", text, zone)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	early := weekdays(5*time.Hour + 30*time.Minute)
	daily := Timetable{{Days: [7]bool{true, true, true, true, true, true, true}, At: 5*time.Hour + 30*time.Minute}}
	for _, c := range []struct {
		name       string
		table      Timetable
		from, want string
	}{
		{"the same morning", early, "2026-03-02 04:00", "2026-03-02 05:30"},
		{"at the minute itself", early, "2026-03-02 05:30", "2026-03-02 05:30"},
		{"the next morning", early, "2026-03-02 05:31", "2026-03-03 05:30"},
		{"over the weekend", early, "2026-03-06 18:00", "2026-03-09 05:30"},
		{"the clocks go forward", daily, "2026-03-28 18:00", "2026-03-29 05:30"},
		{"the clocks go back", daily, "2026-10-24 18:00", "2026-10-25 05:30"},
		{"a week ahead", Timetable{{Days: [7]bool{1: true}, At: time.Hour}}, "2026-03-02 02:00", "2026-03-09 01:00"},
		{"the nearest of two", append(weekdays(14*time.Hour), early...), "2026-03-02 06:00", "2026-03-02 14:00"},
	} {
		if got := c.table.Next(at(c.from), zone); !got.Equal(at(c.want)) {
			t.Errorf("%s: after %s comes %v, want %s", c.name, c.from, got.In(zone), c.want)
		}
	}
	if got := (Timetable{}).Next(epoch, zone); !got.IsZero() {
		t.Errorf("without a timetable a car leaves %v", got)
	}
	if got := at("2026-03-29 05:30").UTC(); got.Hour() != 3 {
		t.Errorf("05:30 in summer is %v", got)
	}
}

// fleet is a site where a van, a group of cards and a place have their hours.
func fleet(t testing.TB) Layout {
	l := layout()
	l.Zone = berlin(t)
	l.Vehicles = []VehicleLayout{{ID: "van", Tokens: []string{"04ab"}, Battery: 60000, Max: 16000, Phases: 3,
		Expected: Expected{Leaves: weekdays(5*time.Hour + 30*time.Minute), Energy: 30000, TargetSoC: 80}}}
	l.Groups = []GroupLayout{{ID: "drivers", Tokens: []string{"04CD"}, Parent: "FLEET", Expected: Expected{Leaves: weekdays(14 * time.Hour)}}}
	for i := range l.Chargers {
		for j := range l.Chargers[i].Connectors {
			l.Chargers[i].Connectors[j].Expected = Expected{Leaves: weekdays(18 * time.Hour), Energy: 10000}
		}
	}
	return l
}

// TestWhoKnowsOfADeparture walks the sources from the weakest to the strongest.
func TestWhoKnowsOfADeparture(t *testing.T) {
	r := newRig(t, fleet(t), Recovered{})
	r.online("CP2")
	at := func(hour, minute int) time.Time { return time.Date(2026, 3, 2, hour, minute, 0, 0, berlin(t)) }
	is := func(what string, leaves time.Time, by NeedsSource, energy WattHour, needsBy NeedsSource) {
		t.Helper()
		v := r.site.connectorView(r.site.slots[1])
		if !v.Departure.Equal(leaves) || v.DepartureBy != by || v.Needs != energy || v.NeedsBy != needsBy {
			t.Errorf("%s: leaves %v (%s) and wants %d Wh (%s), want %v (%s), %d (%s)", what, v.Departure, v.DepartureBy, v.Needs, v.NeedsBy, leaves, by, energy, needsBy)
		}
		if c := r.site.demand(r.site.slots[1]); !c.Departure.Equal(leaves) || c.Needs != int64(energy) {
			t.Errorf("%s: the balancer is told %v and %d", what, c.Departure, c.Needs)
		}
	}
	session := func(tx, token string) {
		t.Helper()
		r.do(r.event(0, TxBegins, func(ev *TxReported) {
			ev.ChargerTx, ev.Token = tx, &IDToken{Value: token}
			ev.Samples = energy(1000, true)
		}))
	}
	is("no car", time.Time{}, NeedsUnknown, 0, NeedsUnknown)
	session("T-1", "STRANGER")
	is("a stranger at the place", at(18, 0), NeedsFromConnector, 10000, NeedsFromConnector)
	session("T-2", "04cd")
	is("a card of the group", at(14, 0), NeedsFromGroup, 10000, NeedsFromConnector)
	session("T-3", "04AB")
	van := time.Date(2026, 3, 3, 5, 30, 0, 0, berlin(t))
	is("the van", van, NeedsFromVehicle, 30000, NeedsFromVehicle)
	r.do(r.event(1, TxGoesOn, func(ev *TxReported) { ev.ChargerTx, ev.Samples = "T-3", energy(5000, true) }))
	is("some is delivered", van, NeedsFromVehicle, 26000, NeedsFromVehicle)
	r.do(r.event(2, TxGoesOn, func(ev *TxReported) {
		ev.ChargerTx, ev.Samples = "T-3", energy(6000, true)
		ev.Samples[0].SoC, ev.Samples[0].At = 50, r.now
	}))
	is("it tells its charge", van, NeedsFromVehicle, 18000, NeedsFromVehicle)
	r.do(r.event(3, TxGoesOn, func(ev *TxReported) { ev.ChargerTx, ev.Samples = "T-3", energy(8000, true) }))
	is("and charges on", van, NeedsFromVehicle, 16000, NeedsFromVehicle)

	asked := r.next()
	r.do(DepartureRequested{Reply: asked, Slot: 2, Departure: at(12, 0)})
	if got := answer[CommandAnswer](r, asked); got.Status != "Accepted" {
		t.Fatalf("the departure is %s: %s", got.Status, got.Reason)
	}
	is("somebody knows better", at(12, 0), NeedsFromRequest, 16000, NeedsFromVehicle)
	r.do(CarNeeds{Station: "CP2", Connector: 1, Energy: 5000})
	is("the car itself tells its needs", at(12, 0), NeedsFromRequest, 5000, NeedsFromCar)
	r.do(CarNeeds{Station: "CP2", Connector: 1, Departure: at(11, 0), Energy: 5000})
	is("and its departure", at(11, 0), NeedsFromCar, 5000, NeedsFromCar)

	// The box's next life knows what was told.
	open := r.site.slots[1].tx.row
	settings := map[string]string{}
	for _, row := range rowsOf[SettingRow](r.rows) {
		settings[row.Key] = row.Value
	}
	again := newRig(t, fleet(t), Recovered{Slots: rowsOf[SlotRow](r.rows), Open: []TxRow{open}, Settings: settings, NextTx: 2000000})
	r = again
	is("after a restart", at(11, 0), NeedsFromCar, 5000, NeedsFromCar)
	open.Tx++
	r = newRig(t, fleet(t), Recovered{Slots: rowsOf[SlotRow](again.rows), Open: []TxRow{open}, Settings: settings, NextTx: 2000000})
	if l := r.site.slots[1].tx; l != nil && l.told != (told{}) {
		t.Errorf("what was told of one car is told of another: %+v", l.told)
	}
}

// TestWhatIsToldMustMakeSense: what can't be is refused, and said why.
func TestWhatIsToldMustMakeSense(t *testing.T) {
	r := newRig(t, fleet(t), Recovered{})
	r.online("CP1")
	for _, c := range []struct {
		name string
		slot Slot
		ask  DepartureRequested
		says string
	}{
		{"no such place", 99, DepartureRequested{}, "no transaction"},
		{"no car", 1, DepartureRequested{Departure: r.now.Add(time.Hour)}, "no transaction"},
		{"in the past", 2, DepartureRequested{Departure: r.now.Add(-time.Minute)}, "future"},
		{"far ahead", 2, DepartureRequested{Departure: r.now.Add(20 * 24 * time.Hour)}, "future"},
		{"a charge of an unknown battery", 2, DepartureRequested{TargetSoC: 80}, "capacity"},
		{"both", 2, DepartureRequested{TargetSoC: 80, Battery: 50000, Energy: 1000}, "both"},
	} {
		if r.site.slots[1].tx == nil {
			r.online("CP2")
			r.start("CP2", 1, "A")
		}
		c.ask.Reply, c.ask.Slot = r.next(), c.slot
		r.do(c.ask)
		if got := answer[CommandAnswer](r, c.ask.Reply); got.Status != "Rejected" || !strings.Contains(got.Reason, c.says) {
			t.Errorf("%s: %s, %q; want it to say %q", c.name, got.Status, got.Reason, c.says)
		}
	}
	told := r.next()
	r.do(DepartureRequested{Reply: told, Slot: 2, Departure: r.now.Add(time.Hour), Energy: 4000})
	if c := r.site.demand(r.site.slots[1]); answer[CommandAnswer](r, told).Status != "Accepted" || c.Needs != 4000 || c.Departure.IsZero() {
		t.Errorf("what makes sense is taken as %+v", c)
	}
	forget := r.next()
	r.do(DepartureRequested{Reply: forget, Slot: 2})
	if v := r.site.connectorView(r.site.slots[1]); answer[CommandAnswer](r, forget).Status != "Accepted" || v.DepartureBy != NeedsFromConnector {
		t.Errorf("after it was forgotten the departure is %v by %q", v.Departure, v.DepartureBy)
	}
}
