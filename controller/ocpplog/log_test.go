package ocpplog

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"busbar/ocpp"
)

var t0 = time.Date(2026, 3, 1, 14, 0, 0, 0, time.UTC)

func call(at time.Duration, out bool, id, action, payload string) ocpp.TraceEntry {
	return ocpp.TraceEntry{At: t0.Add(at), Out: out, Action: action, Frame: ocpp.Frame{Type: ocpp.TypeCall, ID: id, Action: action, Payload: json.RawMessage(payload)}}
}

func answer(at time.Duration, out bool, id, payload string) ocpp.TraceEntry {
	return ocpp.TraceEntry{At: t0.Add(at), Out: out, Frame: ocpp.Frame{Type: ocpp.TypeCallResult, ID: id, Payload: json.RawMessage(payload)}}
}

func filled(entries ...ocpp.TraceEntry) *Log {
	l := New(Config{})
	for _, e := range entries {
		l.Add("CP1", e)
	}
	return l
}

// lines writes calls in short, to be compared.
func lines(calls []Call) string {
	var out strings.Builder
	for _, c := range calls {
		fmt.Fprintf(&out, "%s %s %s %s", c.Charger, c.Direction, c.Action, c.ID)
		switch {
		case c.Error != nil:
			fmt.Fprintf(&out, " -> %s %v", c.Error.Code, c.Latency)
		case c.Result != nil:
			fmt.Fprintf(&out, " -> %s %v", c.Result, c.Latency)
		}
		if c.Note != "" {
			out.WriteString(" (" + c.Note + ")")
		}
		out.WriteString("\n")
	}
	return out.String()
}

func expect(t *testing.T, got []Call, want ...string) {
	t.Helper()
	if text := strings.Join(append(want, ""), "\n"); lines(got) != text {
		t.Errorf("got\n%swant\n%s", lines(got), text)
	}
}

func TestCallsHaveTheirAnswers(t *testing.T) {
	const s = time.Second
	refusal := answer(9*s, false, "5", "")
	refusal.Frame.Type, refusal.Frame.Code = ocpp.TypeCallError, ocpp.CodeNotSupported
	lateOne := answer(20*s, false, "6", `{"status":"late"}`)
	lateOne.Err = "no call waits for this answer"
	measured := answer(4*s, false, "2", `{}`)
	measured.Latency = 700 * time.Millisecond
	l := filled(
		answer(0, true, "before", `{}`), // its call has left the ring
		call(1*s, false, "1", "Heartbeat", `{}`),
		call(2*s, true, "1", "Reset", `{"type":"Soft"}`), // the same number, the other side's
		answer(3*s, true, "1", `{"currentTime":"x"}`),
		answer(4*s, false, "1", `{"status":"Accepted"}`),
		call(3*s+300*time.Millisecond, true, "2", "ClearCache", `{}`),
		measured,
		answer(5*s, false, "3", `{"n":3}`), // came before the write of its call returned
		call(5*s+time.Millisecond, true, "3", "GetConfiguration", `{}`),
		answer(5*s+300*time.Millisecond, false, "3b", `{}`), // later, and noted first all the same
		call(5*s+100*time.Millisecond, true, "3b", "ClearCache", `{}`),
		call(6*s, false, "4", "MeterValues", `{}`),
		call(7*s, false, "4", "MeterValues", `{}`), // sent again
		answer(8*s, true, "4", `{}`),
		call(8*s, true, "5", "UnlockConnector", `{}`),
		refusal,
		call(10*s, true, "6", "TriggerMessage", `{}`),
		lateOne,
		call(30*s, true, "7", "Reset", `{}`),
	)
	expect(t, l.Calls(Filter{}),
		"CP1 in Heartbeat 1 -> {\"currentTime\":\"x\"} 2s",
		"CP1 out Reset 1 -> {\"status\":\"Accepted\"} 2s",
		"CP1 out ClearCache 2 -> {} 700ms",
		"CP1 out GetConfiguration 3 -> {\"n\":3} 0s",
		"CP1 out ClearCache 3b -> {} 200ms",
		"CP1 in MeterValues 4",
		"CP1 in MeterValues 4 -> {} 1s",
		"CP1 out UnlockConnector 5 -> NotSupported 1s",
		"CP1 out TriggerMessage 6 -> {\"status\":\"late\"} 10s (no call waits for this answer)",
		"CP1 out Reset 7",
	)
}

func TestCallsAreSelected(t *testing.T) {
	l := New(Config{})
	l.Add("CP1", call(1*time.Second, false, "a", "Heartbeat", `{}`))
	l.Add("CP2", call(2*time.Second, false, "a", "Heartbeat", `{}`))
	l.Add("CP1", call(3*time.Second, true, "b", "Reset", `{}`))
	l.AddUplink(call(4*time.Second, true, "c", "Heartbeat", `{}`))
	l.Add(Uplink, call(5*time.Second, false, "d", "BootNotification", `{}`)) // a charger of that name
	for _, c := range []struct {
		f    Filter
		want string
	}{
		{Filter{}, "abcd"}, {Filter{Charger: "CP1"}, "ab"}, {Filter{Charger: "cp1"}, ""}, {Filter{Charger: Uplink}, "c"},
		{Filter{Action: "heartbeat"}, "ac"}, {Filter{Direction: Out}, "bc"}, {Filter{Direction: In, N: 1}, "d"}, {Filter{N: 2}, "cd"},
		{Filter{Charger: "CP9"}, ""},
	} {
		got := ""
		for _, call := range l.Calls(c.f) {
			if !strings.HasSuffix(got, call.ID) {
				got += call.ID
			}
		}
		if got != c.want {
			t.Errorf("%+v: got %s, want %s", c.f, got, c.want)
		}
	}
}

func TestRingIsBounded(t *testing.T) {
	l := New(Config{Frames: 50, Bytes: 20_000, Chargers: 3})
	for i := range 1000 {
		l.Add("CP1", call(time.Duration(i)*time.Second, false, fmt.Sprint(i), "Heartbeat", `{}`))
	}
	got := l.Calls(Filter{})
	if len(got) != 50 || got[0].ID != "950" || got[49].ID != "999" {
		t.Errorf("%d calls kept", len(got))
	}
	big := `"` + strings.Repeat("x", 9000) + `"`
	for i := range 10 {
		l.Add("CP1", call(time.Duration(2000+i)*time.Second, false, fmt.Sprint("b", i), "DataTransfer", big))
	}
	got = l.Calls(Filter{})
	if len(got) != 2 || got[1].ID != "b9" {
		t.Errorf("%d calls kept", len(got))
	}
	l.Add("CP1", call(time.Hour, false, "huge", "DataTransfer", `"`+strings.Repeat("x", 30_000)+`"`))
	got = l.Calls(Filter{})
	if last := got[len(got)-1]; last.ID != "huge" || last.Payload != nil || last.Note == "" {
		t.Errorf("got %s", lines(got))
	}
	for i := range 10 {
		l.Add(fmt.Sprint("X", i), call(time.Duration(i)*time.Hour, false, "1", "Heartbeat", `{}`))
	}
	if n := len(l.rings); n > 4 {
		t.Errorf("%d rings", n)
	}
	if len(l.Calls(Filter{Charger: "X9"})) != 1 {
		t.Error("the newest charger is forgotten")
	}
}

// TestEntriesComeBackAsTheyWere: also those that lie around the end of a ring's memory.
func TestEntriesComeBackAsTheyWere(t *testing.T) {
	r := &ring{most: 1000}
	r.bound(3000)
	var kept []ocpp.TraceEntry
	for i := range 300 {
		e := ocpp.TraceEntry{At: t0.Add(time.Duration(i) * time.Millisecond), Out: i%3 == 0, Action: "Reset", Latency: time.Duration(i) * time.Microsecond,
			Frame: ocpp.Frame{Type: ocpp.MessageType(2 + i%5), ID: fmt.Sprint(i), Action: "Reset", Payload: json.RawMessage(fmt.Sprintf(`{"n":"%0*d"}`, i%97, i))}}
		if i%4 == 0 {
			e.Err, e.Frame.Code, e.Frame.Description, e.Frame.Details = "why", ocpp.CodeGenericError, "some text", json.RawMessage(`{}`)
		}
		r.add(e)
		kept = append(kept, e)
		got := r.all()
		if len(got) == 0 || len(r.buf) > 3000 || r.used > len(r.buf) {
			t.Fatalf("%d entries in %d of %d bytes", len(got), r.used, len(r.buf))
		}
		kept = kept[len(kept)-len(got):]
		for j := range got {
			got[j].At = got[j].At.UTC()
			if !reflect.DeepEqual(got[j], kept[j]) {
				t.Fatalf("entry %d after %d:\n%+v\n%+v", j, i, got[j], kept[j])
			}
		}
	}
}

func TestChargersShareTheTotal(t *testing.T) {
	l := New(Config{Bytes: 16 << 10, Total: 64 << 10})
	for round := range 200 {
		for c := range 12 {
			l.Add(fmt.Sprint("CP", c), call(time.Duration(round)*time.Second, false, fmt.Sprint(round), "DataTransfer", `"`+strings.Repeat("x", 500)+`"`))
		}
		if round == 100 {
			for c := range 4 {
				l.Add(fmt.Sprint("late", c), call(0, false, "1", "Heartbeat", `{}`))
			}
		}
	}
	total := 0
	for _, r := range l.rings {
		total += len(r.buf)
	}
	if total > 64<<10 || total < 32<<10 {
		t.Errorf("%d bytes", total)
	}
	if got := l.Calls(Filter{Charger: "CP3"}); len(got) < 5 || got[len(got)-1].ID != "199" {
		t.Errorf("%d calls of one charger", len(got))
	}
}

func TestManyWritersAndReaders(t *testing.T) {
	l := New(Config{Frames: 64, Chargers: 4})
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 500 {
				id := fmt.Sprint(i)
				l.Add(fmt.Sprint("CP", w%6), call(time.Duration(i), false, id, "Authorize", `{"idTag":"04A1B2C3D4"}`))
				l.Add(fmt.Sprint("CP", w%6), answer(time.Duration(i), true, id, `{"idTagInfo":{"status":"Accepted","parentIdTag":"PARENT0815"}}`))
				l.AddUplink(call(time.Duration(i), true, id, "Heartbeat", `{}`))
			}
		})
	}
	for range 3 {
		wg.Go(func() {
			for range 40 {
				for _, c := range l.Calls(Filter{N: 50}) {
					if strings.Contains(string(c.Payload)+string(c.Result), "B2C3") {
						t.Error("a token was shown")
						return
					}
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkAdd(b *testing.B) {
	l := New(Config{})
	e := call(0, false, "1", "MeterValues", `{"connectorId":1,"meterValue":[]}`)
	b.ReportAllocs()
	for b.Loop() {
		l.Add("CP1", e)
	}
}
