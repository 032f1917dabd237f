package controller

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"busbar/loadbalance"

	"pgregory.net/rapid"
)

func TestSlotsNeverRenumber(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.do(Tick{})
	slots := rowsOf[SlotRow](r.rows)
	if len(slots) != 3 {
		t.Fatalf("%d slots, want 3", len(slots))
	}
	l := layout()
	l.Chargers = []ChargerLayout{l.Chargers[1], {Station: "CP0", Node: "main", Connectors: []ConnectorLayout{{Number: 1, Min: 6000, Max: 16000}}}}
	r = newRig(t, l, Recovered{Slots: slots})
	r.do(Tick{})
	snap := r.site.Snapshot(r.now)
	want := []struct {
		station StationID
		status  ConnectorStatus
	}{{"", StatusUnavailable}, {"CP2", StatusUnavailable}, {"CP2", StatusUnavailable}, {"CP0", StatusUnavailable}}
	if len(snap.Connectors) != len(want) {
		t.Fatalf("%d connectors, want %d", len(snap.Connectors), len(want))
	}
	for i, w := range want {
		if c := snap.Connectors[i]; c.Station != w.station || c.Slot != Slot(i+1) {
			t.Errorf("slot %d belongs to %q (%d), want %q", i+1, c.Station, c.Slot, w.station)
		}
	}
	if got := snap.Statuses[1]; got.Info != "vacant" {
		t.Errorf("the removed charger's slot reports %+v, want vacant", got)
	}
}

func TestAvailableWaitsForTheStopToBeAcknowledged(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.online("CP1")
	r.cloudUp()
	ev := r.startEvent("CP1", 1, "A")
	r.do(ev)
	r.do(Delivered{Tx: 1000001, Kind: OutboxStart, UpTx: "7", Info: &TokenInfo{Status: TokenAccepted}})
	r.do(StatusReported{Station: "CP1", Reply: r.next(), Connector: 1, Status: StatusCharging, At: r.now})
	r.do(TxStopped{Station: "CP1", Reply: r.next(), Tx: 1000001, MeterStop: 500, At: r.now})
	effects := r.do(StatusReported{Station: "CP1", Reply: r.next(), Connector: 1, Status: StatusAvailable, At: r.now})
	for _, st := range find[ReportStatus](effects) {
		if st.Status.Slot == 1 {
			t.Fatalf("status %s went up before the stop", st.Status.Status)
		}
	}
	effects = r.do(Delivered{Tx: 1000001, Kind: OutboxStop})
	if st := find[ReportStatus](effects); len(st) != 1 || st[0].Status.Status != StatusAvailable {
		t.Fatalf("after the stop: %+v, want Available", st)
	}
}

func TestAnAbsentChargerIsReportedAfterItsGrace(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.online("CP1")
	r.cloudUp()
	r.do(StatusReported{Station: "CP1", Reply: r.next(), Connector: 1, Status: StatusAvailable, At: r.now})
	r.later(returnGrace)
	r.do(ChargerGone{Station: "CP1", Generation: 1})
	statusOf := func(effects []Effect) *SlotStatus {
		for _, e := range find[ReportStatus](effects) {
			if e.Status.Slot == 1 {
				return &e.Status
			}
		}
		return nil
	}
	if st := statusOf(r.later(offlineGrace - time.Second)); st != nil {
		t.Fatalf("told %s before the grace was over", st.Status)
	}
	if st := statusOf(r.later(2 * time.Second)); st == nil || st.Status != StatusUnavailable || st.VendorErrorCode != "ChargerOffline" {
		t.Fatalf("after the grace: %+v", st)
	}
	if st := statusOf(r.do(ChargerConnected{Station: "CP1", Generation: 2})); st == nil || st.Status != StatusAvailable {
		t.Fatalf("back again: %+v", st)
	}
}

func TestALateGoodbyeOfAnOldSocketIsIgnored(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.online("CP1")
	r.do(ChargerConnected{Station: "CP1", Generation: 2})
	r.do(ChargerGone{Station: "CP1", Generation: 1})
	if !r.site.stations["CP1"].online {
		t.Fatal("the old socket's end took the new one offline")
	}
}

func TestAuthorizeAsksTheCloudAndFallsBack(t *testing.T) {
	row := &TokenRow{Token: IDToken{Value: "A"}, Info: TokenInfo{Status: TokenBlocked}}
	expired := &TokenRow{Token: IDToken{Value: "A"}, Info: TokenInfo{Status: TokenAccepted, Expiry: epoch.Add(-time.Hour)}}
	for _, c := range []struct {
		name    string
		cloud   bool
		answer  *TokenInfo // nil: silent
		cached  *TokenRow
		unknown bool // offline_unknown: accept
		want    TokenStatus
	}{
		{"cloud says no", true, &TokenInfo{Status: TokenInvalid}, nil, true, TokenInvalid},
		{"cloud says yes against the cache", true, &TokenInfo{Status: TokenAccepted}, row, false, TokenAccepted},
		{"cloud silent, cached", true, nil, row, true, TokenBlocked},
		{"cloud silent, unknown, accepted by policy", true, nil, nil, true, TokenAccepted},
		{"offline, unknown, refused by policy", false, nil, nil, false, TokenInvalid},
		{"offline, cached but expired", false, nil, expired, true, TokenExpired},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := layout()
			l.OfflineUnknownAccepted = c.unknown
			r := newRig(t, l, Recovered{})
			r.online("CP1")
			if c.cached != nil {
				r.tokens["A"] = c.cached
			}
			if c.cloud {
				r.cloudUp()
			}
			ev := AuthorizeAsked{Station: "CP1", Reply: r.next(), Token: IDToken{Value: "A"}}
			asks := find[AskToken](r.do(ev))
			if (len(asks) == 1) != c.cloud {
				t.Fatalf("asked the cloud %d times", len(asks))
			}
			if c.cloud && c.answer != nil {
				r.do(TokenAnswered{Ask: asks[0].Ask, OK: true, Info: *c.answer})
			}
			if c.cloud && c.answer == nil {
				r.later(authorizeWithin)
			}
			if got := answer[AuthorizeAnswer](r, ev.Reply); got.Info.Status != c.want {
				t.Fatalf("%s, want %s", got.Info.Status, c.want)
			}
		})
	}
}

func TestTheTokenThatStartedMayStop(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.online("CP1")
	r.start("CP1", 1, "A")
	r.cloudUp()
	ev := AuthorizeAsked{Station: "CP1", Reply: r.next(), Token: IDToken{Value: "a"}}
	if asks := find[AskToken](r.do(ev)); len(asks) != 0 {
		t.Fatal("asked the cloud whether a driver may stop")
	}
	if got := answer[AuthorizeAnswer](r, ev.Reply); got.Info.Status != TokenAccepted {
		t.Fatalf("%+v", got)
	}
}

func TestRemoteStartIsAnsweredFromKnownState(t *testing.T) {
	for _, c := range []struct {
		name  string
		setup func(*rig)
		slot  Slot
		want  string
	}{
		{"idle and connected", func(*rig) {}, 1, "Accepted"},
		{"no such slot", func(*rig) {}, 9, "Rejected"},
		{"no slot given, none waits", func(*rig) {}, 0, "Rejected"},
		{"no slot given, one waits", func(r *rig) {
			r.do(StatusReported{Station: "CP1", Reply: r.next(), Connector: 1, Status: StatusPreparing})
		}, 0, "Accepted"},
		{"charger away", func(r *rig) { r.do(ChargerGone{Station: "CP1", Generation: 1}) }, 1, "Rejected"},
		{"transaction running", func(r *rig) { r.start("CP1", 1, "A") }, 1, "Rejected"},
		{"out of service", func(r *rig) { r.do(AvailabilityRequested{Reply: r.next(), Slot: 1}) }, 1, "Rejected"},
		{"whole site out of service", func(r *rig) { r.do(AvailabilityRequested{Reply: r.next(), Slot: 0}) }, 1, "Rejected"},
		{"faulted", func(r *rig) {
			r.do(StatusReported{Station: "CP1", Reply: r.next(), Connector: 1, Status: StatusFaulted, ErrorCode: "GroundFailure"})
		}, 1, "Rejected"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, layout(), Recovered{})
			r.online("CP1")
			r.do(StatusReported{Station: "CP1", Reply: r.next(), Connector: 1, Status: StatusAvailable})
			c.setup(r)
			ev := StartRequested{Reply: r.next(), Origin: FromCloud, Slot: c.slot, Token: IDToken{Value: "R"}}
			effects := r.do(ev)
			got := answer[CommandAnswer](r, ev.Reply)
			if got.Status != c.want || c.want == "Rejected" && got.Reason == "" {
				t.Fatalf("%+v, want %s with a reason", got, c.want)
			}
			if sent := len(find[Command](effects)) == 1; sent != (c.want == "Accepted") {
				t.Fatalf("command sent: %v", sent)
			}
		})
	}
}

func TestUnknownChargersWaitAtTheDoor(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.do(ChargerConnected{Station: "NEW", Generation: 5})
	boot := Booted{Station: "NEW", Reply: r.next(), Info: ChargerInfo{Vendor: "V"}}
	r.do(boot)
	if got := answer[BootAnswer](r, boot.Reply); got.Status != "Pending" {
		t.Fatalf("boot %+v", got)
	}
	for i := range maxWaiting {
		r.do(ChargerConnected{Station: StationID(fmt.Sprintf("X%d", i)), Generation: uint64(10 + i)})
	}
	if n := len(r.site.Snapshot(r.now).Waiting); n != maxWaiting {
		t.Fatalf("%d at the door, want at most %d", n, maxWaiting)
	}
	ok := ApproveRequested{Reply: r.next(), Station: "NEW", Approve: true}
	r.do(ok)
	boot.Reply = r.next()
	r.do(boot)
	if got := answer[BootAnswer](r, boot.Reply); got.Status != "Accepted" {
		t.Fatalf("boot after approval %+v", got)
	}
	if snap := r.site.Snapshot(r.now); len(snap.Connectors) != 4 || snap.Connectors[3].PhaseSet != loadbalance.AllPhases {
		t.Fatalf("the new charger must take slot 4 and count on all phases: %+v", snap.Connectors)
	}
}

func TestAfterARestartRunningCarsAreBookedAtTheirMaximum(t *testing.T) {
	r := newRig(t, layout(), Recovered{Open: []TxRow{{Tx: 7, Slot: 1, Station: "CP1", Connector: 1, Token: IDToken{Value: "A"}, StartedAt: epoch.Add(-time.Hour)}},
		Stations: []StationRow{{Station: "CP1", FailsafeInstalled: 6000}}})
	r.do(ChargerConnected{Station: "CP1", Generation: 1})
	c := r.site.demand(r.site.slots[0])
	if c.Held != 32000 || !r.now.Before(c.LeaseUntil) || !c.CanStartUnasked {
		t.Fatalf("held %v until %v", c.Held, c.LeaseUntil)
	}
}

func TestAFallBackThatIsNotProvenIsBookedAtTheMaximum(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.do(ChargerConnected{Station: "CP1", Generation: 1})
	r.do(Booted{Station: "CP1", Reply: r.next()})
	r.do(FailsafeAnswered{Station: "CP1", Err: "Rejected"})
	if got := r.site.slots[0].failsafe(); got != 32000 {
		t.Fatalf("booked at %v", got)
	}
	r.do(FailsafeAnswered{Station: "CP1", Accepted: true})
	if got := r.site.slots[0].failsafe(); got != 6000 {
		t.Fatalf("proven, booked at %v", got)
	}
}

func TestScheduleOfAProfile(t *testing.T) {
	periods := []Period{{From: 0, Limit: 10000}, {From: time.Hour, Limit: 20000}}
	watts := []Period{{From: 0, Limit: 11040000}}
	for _, c := range []struct {
		name string
		p    Profile
		at   time.Time
		want loadbalance.MilliAmp
		ok   bool
	}{
		{"before the start", Profile{Start: epoch, Periods: periods}, epoch.Add(-time.Second), 0, false},
		{"first period", Profile{Start: epoch, Periods: periods}, epoch, 10000, true},
		{"second period", Profile{Start: epoch, Periods: periods}, epoch.Add(time.Hour), 20000, true},
		{"run out", Profile{Start: epoch, Duration: 2 * time.Hour, Periods: periods}, epoch.Add(2 * time.Hour), 0, false},
		{"not valid yet", Profile{Start: epoch, ValidFrom: epoch.Add(time.Minute), Periods: periods}, epoch, 0, false},
		{"not valid any more", Profile{Start: epoch, ValidTo: epoch, Periods: periods}, epoch, 0, false},
		{"daily, next day", Profile{Kind: KindRecurring, Recurrency: "Daily", Start: epoch, Periods: periods}, epoch.Add(25 * time.Hour), 20000, true},
		{"daily, before its first day", Profile{Kind: KindRecurring, Recurrency: "Daily", Start: epoch, Periods: periods}, epoch.Add(-23 * time.Hour), 20000, true},
		{"relative", Profile{Kind: KindRelative, Periods: periods}, epoch.Add(time.Hour), 20000, true},
		{"watts on three phases", Profile{Start: epoch, Watts: true, Periods: watts}, epoch, 16000, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, ok := c.p.limitAt(c.at, epoch, wires{volts: 230, set: loadbalance.AllPhases}); got != c.want || ok != c.ok {
				t.Fatalf("%v %v, want %v %v", got, ok, c.want, c.ok)
			}
		})
	}
}

func TestProfilesStackAndReplace(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.online("CP1")
	set := func(slot Slot, p Profile) string {
		p.Start = epoch
		id := r.next()
		r.do(ProfileSet{Reply: id, Slot: slot, Profile: p})
		return answer[CommandAnswer](r, id).Status
	}
	amps := func(a int64) []Period { return []Period{{Limit: a * 1000}} }
	if got := set(1, Profile{ID: 1, Purpose: PurposeTx, Periods: amps(10)}); got != "Rejected" {
		t.Fatalf("TxProfile without transaction: %s", got)
	}
	r.start("CP1", 1, "A")
	sl := r.site.slots[0]
	for _, c := range []struct {
		slot Slot
		p    Profile
		want loadbalance.MilliAmp
	}{
		{0, Profile{ID: 1, Purpose: PurposeTxDefault, Periods: amps(20)}, 20000},
		{1, Profile{ID: 2, Purpose: PurposeTxDefault, Periods: amps(25)}, 25000},
		{1, Profile{ID: 3, Purpose: PurposeTxDefault, StackLevel: 1, Periods: amps(24)}, 24000},
		{1, Profile{ID: 4, Purpose: PurposeTx, Periods: amps(12)}, 12000},
		{1, Profile{ID: 5, Purpose: PurposeTx, Periods: amps(14)}, 14000}, // same purpose, level and connector: replaces 4
	} {
		if got := set(c.slot, c.p); got != "Accepted" {
			t.Fatalf("profile %d: %s", c.p.ID, got)
		}
		if got, _ := r.site.ceiling(sl); got != c.want {
			t.Fatalf("after profile %d: %v, want %v", c.p.ID, got, c.want)
		}
	}
	r.do(TxStopped{Station: "CP1", Reply: r.next(), Tx: 1000001, MeterStop: 500, At: r.now})
	if n := len(r.site.profiles); n != 3 {
		t.Fatalf("%d profiles left, want the three defaults", n)
	}
}

func TestTheSiteCapOnlyLowers(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.online("CP1")
	r.start("CP1", 1, "A")
	id := r.next()
	r.do(ProfileSet{Reply: id, Slot: 0, Profile: Profile{ID: 1, Purpose: PurposeStationMax, Start: epoch, Periods: []Period{{Limit: 1000000}}}})
	r.site.fillInput()
	if caps := r.site.input.Caps; len(caps) != 1 || caps[0].Node != stationNode {
		t.Fatalf("caps %+v", caps)
	}
	if l := r.site.nodes[0].Limit; l != loadbalance.Uniform(63000) {
		t.Fatalf("the fuse is now %v", l)
	}
}

// TestAnyOrderOfEvents throws events in any order at a Site: nothing panics, no reply
// is answered twice (the rig checks), ids are unique, and each connector in the
// snapshot has a status.
func TestAnyOrderOfEvents(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := newRig(t, layout(), Recovered{})
		seen := map[TxID]bool{}
		r.online("CP1")
		r.online("CP2")
		for range rapid.IntRange(1, 80).Draw(rt, "events") {
			r.now = r.now.Add(time.Duration(rapid.IntRange(0, 90000).Draw(rt, "ms")) * time.Millisecond)
			r.do(anyEvent(rt, r))
		}
		for _, row := range rowsOf[OutboxRow](r.rows) {
			if row.Kind == OutboxStart {
				if seen[row.Tx] {
					rt.Fatalf("transaction %d starts twice towards the cloud", row.Tx)
				}
				seen[row.Tx] = true
			}
		}
		for _, c := range r.site.Snapshot(r.now).Connectors {
			if c.Status == "" {
				rt.Fatalf("slot %d has no status", c.Slot)
			}
		}
	})
}

func anyEvent(rt *rapid.T, r *rig) Event {
	station := StationID(rapid.SampledFrom([]string{"CP1", "CP2", "NEW"}).Draw(rt, "station"))
	connector := rapid.IntRange(0, 3).Draw(rt, "connector")
	token := IDToken{Value: rapid.SampledFrom([]string{"A", "a", "B"}).Draw(rt, "token")}
	tx := TxID(rapid.IntRange(-1, 4).Draw(rt, "tx"))
	if tx > 0 {
		tx += 1000000
	}
	slot := Slot(rapid.IntRange(0, 5).Draw(rt, "slot"))
	meter := WattHour(rapid.IntRange(0, 3).Draw(rt, "meter") * 1000)
	events := []Event{
		ChargerConnected{Station: station, Generation: uint64(rapid.IntRange(1, 3).Draw(rt, "generation"))},
		ChargerGone{Station: station, Generation: uint64(rapid.IntRange(1, 3).Draw(rt, "gone"))},
		ChargerHeard{Station: station},
		Booted{Station: station, Reply: r.next()},
		StatusReported{Station: station, Reply: r.next(), Connector: connector, Status: rapid.SampledFrom([]ConnectorStatus{StatusAvailable, StatusPreparing,
			StatusCharging, StatusSuspendedEV, StatusFinishing, StatusFaulted, StatusUnavailable}).Draw(rt, "status"), At: r.now},
		AuthorizeAsked{Station: station, Reply: r.next(), Token: token},
		TxStarted{Station: station, Reply: r.next(), Connector: connector, Token: token, MeterStart: meter, At: r.now, AtText: utc(r.now)},
		TxStopped{Station: station, Reply: r.next(), Tx: tx, MeterStop: meter, At: r.now, Token: &token},
		MeterReported{Station: station, Reply: r.next(), Connector: connector, Tx: tx,
			Samples: []MeterSample{{At: r.now, Raw: json.RawMessage(`{}`), Energy: meter, HasEnergy: true, Billing: true, SoC: -1}}},
		LimitAnswered{Station: station, Slot: slot, Seq: r.site.seq, Accepted: true, Sent: true},
		LimitAnswered{Station: station, Slot: slot, Seq: r.site.seq, Sent: true, Unknown: true},
		FailsafeAnswered{Station: station, Accepted: connector > 0},
		BaselinePushed{Station: station},
		OutsideLimits{Station: station, All: connector > 1, Limits: []OutsideLimit{{Connector: connector, Source: "EMS", Profile: &Profile{Start: epoch, Periods: []Period{{Limit: 8000}}}}}},
		OutsideLimits{Station: station, Limits: []OutsideLimit{{Connector: connector, Source: "EMS"}}},
		CommandAnswered{Op: r.site.nextOp, Accepted: connector > 0},
		UplinkChanged{State: UplinkAccepted, Booted: connector > 0},
		UplinkChanged{State: UplinkDisconnected},
		TokenAnswered{Ask: r.site.nextAsk, OK: connector > 0, Info: TokenInfo{Status: TokenAccepted}},
		Delivered{Tx: tx, Kind: rapid.SampledFrom([]OutboxKind{OutboxStart, OutboxMeter, OutboxStop}).Draw(rt, "kind"), UpTx: "5", Info: &TokenInfo{Status: TokenInvalid}},
		ParkedLane{Tx: tx, Err: "no"},
		ResumedLane{Tx: tx},
		ProofRequested{Reply: r.next(), Slot: slot, Lease: 30 * time.Second, Watch: 45 * time.Second},
		StartRequested{Reply: r.next(), Slot: slot, Token: token},
		StopRequested{Reply: r.next(), Slot: slot},
		UnlockRequested{Reply: r.next(), Slot: slot},
		AvailabilityRequested{Reply: r.next(), Slot: slot, Operative: connector > 0},
		ResetRequested{Reply: r.next()},
		ProfileSet{Reply: r.next(), Slot: slot, Profile: Profile{ID: 1, Purpose: PurposeTxDefault, Start: epoch, Periods: []Period{{Limit: 8000}}}},
		ProfileCleared{Reply: r.next()},
		SettingChanged{Reply: r.next(), Key: SettingSampleInterval, Value: "30"},
		CacheCleared{Reply: r.next()},
		LimitRequested{Reply: r.next(), Slot: slot, Limit: 8000, For: time.Minute},
		ApproveRequested{Reply: r.next(), Station: station, Approve: connector > 0},
		Audited{Reply: r.next(), By: "anna", Code: "audit.call", Subject: "CP1", Text: "Reset"},
		MeterSampled{Meter: "grid", At: r.now, Current: loadbalance.Uniform(loadbalance.MilliAmp(meter * 10)), Period: time.Second},
		MeterFailed{Meter: "grid", Err: "no"},
		Tick{},
	}
	return events[rapid.IntRange(0, len(events)-1).Draw(rt, "event")]
}

// TestAStrangerUnderAKnownIdentityWaits: somebody who has proven nothing is not the
// charger, and once approved it has its old connectors.
func TestAStrangerUnderAKnownIdentityWaits(t *testing.T) {
	r := newRig(t, layout(), Recovered{Stations: []StationRow{{Station: "CP1"}}})
	r.do(ChargerConnected{Station: "CP1", Generation: 1, Stranger: true})
	boot := Booted{Station: "CP1", Reply: r.next(), Info: ChargerInfo{Vendor: "V"}}
	r.do(boot)
	if got := answer[BootAnswer](r, boot.Reply); got.Status != "Pending" {
		t.Fatalf("boot %+v", got)
	}
	if snap := r.site.Snapshot(r.now); snap.Chargers[0].Online || len(snap.Waiting) != 1 || snap.Waiting[0].Info.Vendor != "V" {
		t.Fatalf("taken for the charger: %+v", snap.Waiting)
	}
	r.do(ApproveRequested{Reply: r.next(), Station: "CP1", Approve: true})
	boot.Reply = r.next()
	r.do(boot)
	if got := answer[BootAnswer](r, boot.Reply); got.Status != "Accepted" {
		t.Fatalf("boot after approval %+v", got)
	}
	if snap := r.site.Snapshot(r.now); !snap.Chargers[0].Online || len(snap.Waiting) != 0 || len(snap.Connectors) != 3 {
		t.Fatalf("%+v", snap)
	}
	r.do(ChargerGone{Station: "CP1", Generation: 1})
	r.do(ChargerConnected{Station: "CP1", Generation: 2, Stranger: true})
	r.do(ChargerConnected{Station: "CP1", Generation: 3})
	boot.Reply = r.next()
	r.do(boot)
	if got := answer[BootAnswer](r, boot.Reply); got.Status != "Accepted" {
		t.Fatalf("boot of the charger itself %+v", got)
	}
}
