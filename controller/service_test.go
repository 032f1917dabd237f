package controller

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestServiceGoesToTheChargerAndItsAnswerBack(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.online("CP1")
	ask := func(c Command) (ReplyID, []Command) {
		id := r.next()
		return id, find[Command](r.do(ServiceRequested{Reply: id, Origin: FromLocal, Command: c}))
	}
	update := Command{Station: "CP1", Kind: CommandFirmware, Detail: FirmwareDetail{RequestID: 7, Location: "http://box/f"}}
	id, sent := ask(update)
	if len(sent) != 1 || sent[0].Op == 0 || sent[0].Within == 0 {
		t.Fatalf("sent %+v", sent)
	}
	r.do(CommandAnswered{Op: sent[0].Op, Accepted: true, Status: "Accepted", Data: RawData(5)})
	if got := answer[CommandAnswer](r, id); got.Status != "Accepted" || string(got.Data) != "5" {
		t.Errorf("answered %+v", got)
	}
	if v := charger(r, "CP1"); len(v.Jobs) != 1 || v.Jobs[0].RequestID != 7 || v.Jobs[0].Status != "Accepted" {
		t.Errorf("jobs %+v", v.Jobs)
	}
	for _, c := range []Command{
		{Station: "NOBODY", Kind: CommandClearCache},
		{Station: "CP2", Kind: CommandClearCache}, // not connected
		{Station: "CP1", Kind: CommandStart},      // money has an event of its own
		{Station: "CP1", Kind: CommandStop},
	} {
		id, sent := ask(c)
		if got := answer[CommandAnswer](r, id); got.Status != "Rejected" || got.Reason == "" || len(sent) != 0 {
			t.Errorf("%+v: answered %+v, sent %+v", c, got, sent)
		}
	}
}

func TestServiceWithoutAnAnswerIsRejectedInTime(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.online("CP1")
	id := r.next()
	r.do(ServiceRequested{Reply: id, Origin: FromLocal, Command: Command{Station: "CP1", Kind: CommandClearCache}})
	r.later(time.Hour)
	if got := answer[CommandAnswer](r, id); got.Status != "Rejected" || got.Reason == "" {
		t.Errorf("answered %+v", got)
	}
}

func TestJobsAreShownAndAFailedUpdateAlarms(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.online("CP1")
	r.do(JobReported{Station: "CP1", Job: JobLog, RequestID: 3, Status: "Uploading"})
	before := charger(r, "CP1").Jobs
	r.do(JobReported{Station: "CP1", Job: JobFirmware, RequestID: -1, Status: "InstallationFailed"})
	if !alarmed(r, "charger.firmware-failed") {
		t.Error("no alarm")
	}
	r.do(JobReported{Station: "CP1", Job: JobFirmware, RequestID: -1, Status: "Downloading"})
	if alarmed(r, "charger.firmware-failed") {
		t.Error("the alarm stays")
	}
	if got := charger(r, "CP1").Jobs; len(got) != 2 || got[1].Status != "Downloading" || len(before) != 1 {
		t.Errorf("jobs %+v, before %+v", got, before)
	}
	r.do(JobReported{Station: "NOBODY", Job: JobFirmware, Status: "Idle"})
}

func TestSecurityEventsAreDurableBeforeTheyAreAcknowledged(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.online("CP1")
	r.hold = true
	id := r.next()
	effects := r.do(SecurityReported{Station: "CP1", Reply: id, Type: "TamperDetectionActivated", Info: "lid", At: r.now})
	if r.answers[id] != nil {
		t.Fatal("acknowledged before it was on the disk")
	}
	var written strings.Builder
	var last Seq
	for _, p := range find[Persist](effects) {
		last = p.Seq
		for _, row := range rowsOf[EventRow](p.Rows) {
			written.WriteString(string(row.Entry.Severity) + " " + row.Entry.Code + " " + row.Entry.Text)
		}
	}
	if written.String() != "warning charger.security TamperDetectionActivated: lid (2026-03-02T08:00:00Z)" {
		t.Errorf("written: %s", written.String())
	}
	r.hold = false
	r.do(Committed{Seq: last})
	answer[Done](r, id)
}

// TestAChargerCannotFillTheLog: it is acknowledged as before, and the rare critical
// events of the same charger are written all the same.
func TestAChargerCannotFillTheLog(t *testing.T) {
	r := newRig(t, layout(), Recovered{})
	r.online("CP1")
	tell := func(kind string) {
		id := r.next()
		r.do(SecurityReported{Station: "CP1", Reply: id, Type: kind})
		answer[Done](r, id)
	}
	count := func() (n int) {
		for _, row := range rowsOf[EventRow](r.rows) {
			if strings.HasPrefix(row.Entry.Code, "charger.security") {
				n++
			}
		}
		return n
	}
	for i := range 3 * notesPerHour {
		tell(fmt.Sprintf("AttemptedReplayAttacks%d", i))
	}
	tell("InvalidTLSVersion")
	if got := count(); got != notesPerHour+1 {
		t.Errorf("%d lines", got)
	}
	r.later(time.Hour)
	tell("AttemptedReplayAttacks")
	if got := count(); got != notesPerHour+2 {
		t.Errorf("an hour later: %d lines", got)
	}
	r.do(DataReported{Station: "CP1", Vendor: "v", Message: "m"})
	id := r.next()
	r.do(SecurityReported{Station: "NOBODY", Reply: id, Type: "x"})
	answer[Done](r, id)
}
