package controller

import (
	"slices"
	"testing"
)

func TestRolesIncludeTheLesserOnes(t *testing.T) {
	all := Roles()
	for i, have := range all {
		for j, need := range all {
			if got := have.Includes(need); got != (i >= j) {
				t.Errorf("%s includes %s: %v", have, need, got)
			}
		}
		for _, none := range []Role{"", "root", "Admin"} {
			if none.Includes(have) || have.Includes(none) || none.Known() {
				t.Errorf("%q counts as a role", none)
			}
		}
	}
}

func TestWhatWasDoneIsWrittenDown(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	id := r.next()
	r.do(Audited{Reply: id, By: "anna (admin)", Code: "audit.call", Subject: "CP1", Text: "Reset was called"})
	answer[Done](r, id)
	if n := len(rowsOf[EventRow](r.rows)); n == 0 {
		t.Error("the journal did not get it")
	}
	log := r.site.Snapshot(r.now).Log
	if !slices.ContainsFunc(log, func(e LogEntry) bool {
		return e.Code == "audit.call" && e.Subject == "CP1" && e.Text == "Reset was called, by anna (admin)"
	}) {
		t.Errorf("got %+v", log)
	}
}

func TestAlarmOfAParkedLaneGoesWithItsResend(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	parked := func() bool {
		return slices.ContainsFunc(r.site.Snapshot(r.now).Alarms, func(a Alarm) bool { return a.Code == "outbox.parked" && a.Subject == "1000001" })
	}
	r.do(ParkedLane{Tx: 1000001, Err: "no"})
	if !parked() {
		t.Fatal("no alarm")
	}
	if r.do(ResumedLane{Tx: 1000002}); !parked() {
		t.Error("another transaction's resend clears the alarm")
	}
	if r.do(ResumedLane{Tx: 1000001}); parked() {
		t.Error("the alarm stays")
	}
}
