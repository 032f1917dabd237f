package upstream_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"busbar/controller"
	"busbar/ocpp"
)

// actionsOf is the short story of what the cloud heard.
func actionsOf(calls []heard) string {
	var out []string
	for _, c := range calls {
		out = append(out, c.action)
	}
	return strings.Join(out, " ")
}

func TestACutOfAnIdleLinkIsMended(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start(true)
		r.after(time.Second)
		r.wantState(controller.UplinkAccepted)
		r.net.Cut(cloudAddr)
		r.after(time.Second)
		r.wantState(controller.UplinkDisconnected)
		r.net.Mend(cloudAddr)
		r.after(time.Minute)
		r.wantState(controller.UplinkAccepted)
	})
}

func TestATransactionInItsOrderByteForByte(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start(true)
		r.cloud.forget()
		values := []string{`{"timestamp": "2026-03-01T08:01:00Z","sampledValue":[{"value":"1.10","x":"a<b&c\u00e9"}]}`, `{"timestamp":"2026-03-01T08:02:00+02:00", "sampledValue":[]}`}
		r.save(begin(1, 2, "Tag")...)
		r.save(sample(1, 2, "Tag", values...))
		r.save(finish(1, 2, "Tag")...)
		got := r.cloud.got()
		if actionsOf(got) != "StartTransaction MeterValues StopTransaction" {
			t.Fatal(actionsOf(got))
		}
		if want := `{"connectorId":2,"transactionId":501,"meterValue":[` + values[0] + `,` + values[1] + `]}`; got[1].payload != want {
			t.Errorf("sent    %s\nwritten %s", got[1].payload, want)
		}
		if !strings.Contains(got[2].payload, `"transactionId":501`) {
			t.Error(got[2].payload)
		}
		delivered := eventsOf[controller.Delivered](r.site)
		if len(delivered) != 3 || delivered[0].UpTx != "501" || delivered[0].Info == nil || delivered[0].Info.Status != controller.TokenAccepted {
			t.Errorf("%+v", delivered)
		}
		if c := r.counts(); c.Pending != 0 || c.Delivered != 1 || c.DeliveredEnergy != 4000 {
			t.Errorf("%+v", c)
		}
	})
}

func TestWhatWasCutOffGoesAgainAsItWas(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start(true)
		r.after(time.Minute)
		silent := func(*ocpp.Request) (string, error) { return "", errSilent }
		r.cloud.when("StartTransaction", silent)
		r.save(begin(1, 1, "A")...)
		r.net.Cut(cloudAddr)
		r.after(time.Minute)
		r.net.Mend(cloudAddr)
		r.after(time.Minute) // on a new connection the cloud is silent again
		r.halt()             // and the process ends
		r.cloud.when("StartTransaction", nil)
		r.start(true)
		r.after(time.Minute)
		got := r.cloud.got("StartTransaction")
		if len(got) < 3 {
			t.Fatalf("%d sends", len(got))
		}
		for _, h := range got[1:] {
			if h.id != got[0].id || h.payload != got[0].payload {
				t.Errorf("sent again as %s %s, at first %s %s", h.id, h.payload, got[0].id, got[0].payload)
			}
		}
		if heads, err := r.store.Heads(t.Context(), 9); err != nil || len(heads) != 0 {
			t.Errorf("%v %v", heads, err)
		}
		if len(eventsOf[controller.ParkedLane](r.site)) != 0 {
			t.Error("a cut counted as refusal")
		}
	})
}

func TestTwoSilencesEndTheConnection(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start(true)
		r.after(time.Minute)
		began := time.Now()
		silent := func(*ocpp.Request) (string, error) { return "", errSilent }
		for _, action := range []string{"StartTransaction", "Heartbeat", "StatusNotification"} {
			r.cloud.when(action, silent)
		}
		r.save(begin(1, 1, "A")...)
		r.station.Do(controller.ReportStatus{Status: controller.SlotStatus{Slot: 1, Status: controller.StatusCharging, ErrorCode: controller.NoError}})
		for len(eventsOf[controller.UplinkChanged](r.site)) < 3 {
			r.after(time.Second)
		}
		if ev := r.wantState(controller.UplinkDisconnected); time.Since(began) != time.Minute {
			t.Errorf("after %v: %+v", time.Since(began), ev)
		}
		for _, action := range []string{"StartTransaction", "Heartbeat", "StatusNotification"} {
			r.cloud.when(action, nil)
		}
		r.after(time.Minute)
		r.wantState(controller.UplinkAccepted)
		if got := r.cloud.got("StatusNotification"); len(got) != 1 {
			t.Errorf("the status was heard %d times", len(got))
		}
		r.after(2 * time.Minute)
		if c := r.counts(); c.Pending != 0 {
			t.Errorf("%+v", c)
		}
	})
}

func TestAPoisonousMessageHoldsOnlyItsLane(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start(true)
		r.cloud.when("StartTransaction", func(q *ocpp.Request) (string, error) {
			if strings.Contains(string(q.Payload), `"idTag":"BAD"`) {
				return "", ocpp.Errorf(ocpp.CodePropertyConstraintViolation, "no such tag")
			}
			return "", nil
		})
		r.save(whole(1, 1, "BAD")...)
		for i := range controller.TxID(20) {
			token := fmt.Sprint("T", i)
			r.save(whole(10+i, 2, token, `{"n":1}`)...)
			r.after(30 * time.Second)
		}
		parked := eventsOf[controller.ParkedLane](r.site)
		if len(parked) != 1 || parked[0].Tx != 1 || !strings.Contains(parked[0].Err, "no such tag") {
			t.Fatalf("%+v", parked)
		}
		var bad []heard
		for _, h := range r.cloud.got("StartTransaction") {
			if strings.Contains(h.payload, "BAD") {
				bad = append(bad, h)
			}
		}
		if len(bad) != 3 || bad[1].at.Sub(bad[0].at) != time.Minute || bad[2].at.Sub(bad[1].at) != 2*time.Minute || bad[2].id != bad[0].id {
			t.Errorf("the bad one went %d times: %v", len(bad), bad)
		}
		if c := r.counts(); c.Delivered != 20 || c.Parked != 2 || c.Pending != 2 {
			t.Errorf("%+v", c)
		}
		r.cloud.when("StartTransaction", nil) // a person resends it
		if n, err := r.store.Resend(t.Context(), 1); n != 2 || err != nil {
			t.Fatal(n, err)
		}
		synctest.Wait()
		if c := r.counts(); c.Delivered != 21 || c.Pending != 0 {
			t.Errorf("%+v", c)
		}
	})
}

func TestACloudThatRefusesAllParksNothing(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start(true)
		for _, action := range []string{"StartTransaction", "StopTransaction", "MeterValues"} {
			r.cloud.when(action, func(*ocpp.Request) (string, error) { return "", ocpp.Errorf(ocpp.CodeInternalError, "being deployed") })
		}
		for i := range controller.TxID(30) {
			token := fmt.Sprint("T", i)
			r.save(whole(1+i, 1, token, `{"n":1}`)...)
		}
		r.after(6 * time.Hour)
		if n := len(r.cloud.got("StartTransaction")); n < 60 || n > 110 {
			t.Errorf("%d tries in six hours", n)
		}
		if parked := eventsOf[controller.ParkedLane](r.site); len(parked) != 0 {
			t.Fatalf("%+v", parked)
		}
		for _, action := range []string{"StartTransaction", "StopTransaction", "MeterValues"} {
			r.cloud.when(action, nil)
		}
		r.after(11 * time.Minute)
		if c := r.counts(); c.Delivered != 30 || c.Pending != 0 {
			t.Errorf("%+v", c)
		}
	})
}

func TestABacklogIsPackedAndLiveTrafficGoesBeside(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		slow := func(*ocpp.Request) (string, error) { time.Sleep(100 * time.Millisecond); return "", nil }
		for _, action := range []string{"StartTransaction", "StopTransaction", "MeterValues", "StatusNotification"} {
			r.cloud.when(action, slow)
		}
		var want []string
		for i := range controller.TxID(150) {
			token := fmt.Sprint("T", i)
			values := []string{fmt.Sprintf(`{"tx":%d,"n":0}`, i), fmt.Sprintf(`{"tx":%d,"n":1}`, i), fmt.Sprintf(`{"tx":%d,"n":2}`, i)}
			r.save(whole(1+i, 1, token, values...)...)
			want = append(want, strings.Join(values, ","))
		}
		r.start(true)
		for slot := range controller.Slot(3) {
			r.station.Do(controller.ReportStatus{Status: controller.SlotStatus{Slot: slot + 1, Status: controller.StatusAvailable, ErrorCode: controller.NoError}})
		}
		r.after(2 * time.Second)
		if got := r.cloud.got("StatusNotification"); len(got) != 3 {
			t.Errorf("%d statuses after two seconds: %s", len(got), actionsOf(r.cloud.got()))
		}
		began := time.Now()
		r.save(begin(1000, 3, "LIVE")...)
		live := func(h heard) bool { return strings.Contains(h.payload, "LIVE") }
		for !slices.ContainsFunc(r.cloud.got("StartTransaction"), live) {
			r.after(10 * time.Millisecond)
		}
		if took := time.Since(began); took > 500*time.Millisecond {
			t.Errorf("the live start waited %v for the backlog", took)
		}
		r.save(finish(1000, 3, "LIVE")...)
		r.after(5 * time.Minute)
		if c := r.counts(); c.Delivered != 151 || c.Pending != 0 {
			t.Errorf("%+v", c)
		}
		meters := r.cloud.got("MeterValues")
		if len(meters) != 150 {
			t.Errorf("450 samples went in %d messages, want one per transaction", len(meters))
		}
		for _, w := range want {
			if !slices.ContainsFunc(meters, func(h heard) bool { return strings.Contains(h.payload, `"meterValue":[`+w+`]`) }) {
				t.Errorf("not as it was written: %s", w)
			}
		}
		r.ordered()
	})
}

// ordered checks that each transaction came as start, samples, stop.
func (r *rig) ordered() {
	r.t.Helper()
	phase := map[string]int{}
	for _, h := range r.cloud.got("StartTransaction", "MeterValues", "StopTransaction") {
		_, rest, found := strings.Cut(h.payload, `"transactionId":`)
		if !found {
			continue
		}
		id := strings.TrimRight(strings.SplitN(rest, ",", 2)[0], "}")
		if h.action == "MeterValues" && phase[id] > 1 || h.action == "StopTransaction" && phase[id] > 1 {
			r.t.Errorf("%s of %s came after its end", h.action, id)
		}
		phase[id] = 1
		if h.action == "StopTransaction" {
			phase[id] = 2
		}
	}
}

func TestTransactionsOfOneTokenGoOneAfterTheOther(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		for i := range controller.TxID(5) {
			r.save(whole(1+i, 1, "SAME", `{}`)...)
		}
		r.start(true)
		r.after(time.Minute)
		want := strings.TrimSpace(strings.Repeat("StartTransaction MeterValues StopTransaction ", 5))
		if got := actionsOf(r.cloud.got("StartTransaction", "MeterValues", "StopTransaction")); got != want {
			t.Error(got)
		}
	})
}

func TestAStartWithoutIDIsNotDelivered(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start(true)
		r.cloud.when("StartTransaction", func(*ocpp.Request) (string, error) { return `{"idTagInfo":{"status":"Accepted"}}`, nil })
		r.save(whole(1, 1, "A")...)
		r.after(time.Second)
		if c := r.counts(); c.Pending != 2 || len(r.cloud.got("StopTransaction")) != 0 {
			t.Errorf("%+v", c)
		}
		r.cloud.when("StartTransaction", nil)
		r.net.Cut(cloudAddr) // on the old connection a good cloud repeats its answer to a repeated id
		r.net.Mend(cloudAddr)
		r.after(2 * time.Minute)
		if c := r.counts(); c.Delivered != 1 || c.Pending != 0 {
			t.Errorf("%+v", c)
		}
	})
}

func TestWhatCanNotBeSentIsParkedAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start(true)
		r.save(begin(1, 1, "123456789012345678901")...)
		parked := eventsOf[controller.ParkedLane](r.site)
		if len(parked) != 1 || !strings.Contains(parked[0].Err, "20") {
			t.Errorf("%+v", parked)
		}
		if got := r.cloud.got("StartTransaction"); len(got) != 0 {
			t.Errorf("sent all the same: %v", got)
		}
	})
}

func TestAuthorizeGoesBeforeTheBacklog(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.cloud.when("StartTransaction", func(*ocpp.Request) (string, error) { time.Sleep(time.Second); return "", nil })
		for i := range controller.TxID(50) {
			r.save(begin(1+i, 1, fmt.Sprint("T", i))...)
		}
		r.start(true)
		r.after(1500 * time.Millisecond)
		r.station.Do(controller.AskToken{Ask: 7, Token: controller.IDToken{Value: "NEW"}, Within: 5 * time.Second})
		r.after(time.Second)
		if got := eventsOf[controller.TokenAnswered](r.site); len(got) != 1 || got[0].Ask != 7 || !got[0].OK {
			t.Errorf("%+v", got)
		}
	})
}

func TestAskTokenAlwaysAnswers(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.net.Cut(cloudAddr)
		r.start(true)
		ask := func(token string) controller.TokenAnswered {
			n := len(eventsOf[controller.TokenAnswered](r.site))
			r.station.Do(controller.AskToken{Ask: 1, Token: controller.IDToken{Value: token}, Within: 5 * time.Second})
			r.after(5 * time.Second)
			got := eventsOf[controller.TokenAnswered](r.site)
			if len(got) != n+1 {
				t.Fatalf("%d answers", len(got)-n)
			}
			return got[n]
		}
		if ask("A").OK {
			t.Error("answered without cloud")
		}
		r.net.Mend(cloudAddr)
		r.after(time.Hour)
		if a := ask("A"); !a.OK || a.Info.Status != controller.TokenAccepted {
			t.Errorf("%+v", a)
		}
		if ask("123456789012345678901").OK {
			t.Error("a token of 21 characters was asked")
		}
		r.cloud.when("Authorize", func(*ocpp.Request) (string, error) { return "", errSilent })
		if ask("A").OK {
			t.Error("answered by a silent cloud")
		}
		r.cloud.when("Authorize", func(*ocpp.Request) (string, error) { return "", errors.New("broken") })
		r.after(time.Minute)
		if ask("A").OK {
			t.Error("answered by a broken cloud")
		}
	})
}

func TestUtilisationIsMeasured(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.cloud.when("StatusNotification", func(*ocpp.Request) (string, error) { time.Sleep(3 * time.Second); return "", nil })
		r.start(true)
		for range 24 {
			r.station.Do(controller.ReportStatus{Status: controller.SlotStatus{Slot: 1, Status: controller.StatusCharging, ErrorCode: controller.NoError}})
			r.after(5 * time.Second)
		}
		if u := r.station.Utilisation(); u < 0.55 || u > 0.65 {
			t.Errorf("%.2f, want 0.6", u)
		}
		r.after(2 * time.Minute)
		if u := r.station.Utilisation(); u > 0.01 {
			t.Errorf("%.2f after two quiet minutes", u)
		}
	})
}

func TestValuesOfA2xChargerGoUpInTheWordsOf16(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start(true)
		r.cloud.forget()
		of2 := func(value string) controller.Row {
			row := sample(1, 2, "Tag")
			row.Body = body(controller.MeterBody{Form: controller.FormV2, Values: [][]byte{[]byte(value)}})
			return row
		}
		r.save(begin(1, 2, "Tag")...)
		r.save(of2(`{"timestamp":"2026-03-01T08:01:00Z","sampledValue":[{"value":1.10,"unitOfMeasure":{"unit":"Wh","multiplier":3}}]}`))
		r.after(time.Second)
		r.save(of2(`{"timestamp":"2026-03-01T08:02:00Z","sampledValue":[{"value":7,"measurand":"Display.PresentSOC"}]}`)) // no word for it in 1.6
		r.after(time.Second)
		r.save(finish(1, 2, "Tag")...)
		got := r.cloud.got()
		if actionsOf(got) != "StartTransaction MeterValues StopTransaction" {
			t.Fatal(actionsOf(got))
		}
		if want := `{"connectorId":2,"transactionId":501,"meterValue":[{"timestamp":"2026-03-01T08:01:00Z","sampledValue":[{"value":"1.10","unit":"kWh"}]}]}`; got[1].payload != want {
			t.Errorf("sent %s", got[1].payload)
		}
		if c := r.counts(); c.Pending != 0 {
			t.Errorf("%+v", c)
		}
	})
}
