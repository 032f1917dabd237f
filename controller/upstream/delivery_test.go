package upstream_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"busbar/controller"
	"busbar/controller/upstream"
	"busbar/ocpp"
)

// A message is repeated byte for byte under its id until it is acknowledged: after a
// cut, a time-out, a CALLERROR and in a new process.
func TestRepetitionsAreTheSameBytesUnderTheSameID(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		value := func(n int) string { return fmt.Sprintf(`{"timestamp": "2026-03-01T08:00:0%dZ" ,"sampledValue":[]}`, n) }
		var step atomic.Int32
		r.cloud.when("MeterValues", func(*ocpp.Request) (string, error) {
			switch step.Add(1) {
			case 1:
				r.net.Cut(cloudAddr)
				return "", errSilent
			case 2, 4:
				return "", errSilent
			case 3:
				return "", ocpp.Errorf(ocpp.CodeInternalError, "not now")
			}
			return "", nil
		})
		r.save(begin(1, 2, "A")...)
		r.save(sample(1, 2, "A", value(1)))
		r.save(sample(1, 2, "A", value(2)))
		r.start(true)
		r.save(sample(1, 2, "A", value(3))) // must not slip into a message that has been sent
		r.save(finish(1, 2, "A")...)
		r.after(time.Minute)
		r.net.Mend(cloudAddr)
		for step.Load() < 4 {
			r.after(10 * time.Second)
		}
		r.halt() // while the fourth is under way
		r.start(true)
		r.after(time.Minute)
		got := r.cloud.got("MeterValues")
		if len(got) != 6 {
			t.Fatal(actionsOf(r.cloud.got()))
		}
		for i, h := range got[:5] {
			if h.id != got[0].id || h.payload != got[0].payload {
				t.Errorf("send %d differs: %v", i+1, h)
			}
		}
		if got[0].payload != `{"connectorId":2,"transactionId":501,"meterValue":[`+value(1)+`,`+value(2)+`]}` || got[5].id == got[0].id {
			t.Errorf("%v", got)
		}
		if c := r.counts(); c.Delivered != 1 || c.Pending != 0 {
			t.Errorf("%+v", c)
		}
	})
}

// A message over which the cloud drops the connection is no failed attempt, but must
// not keep the others waiting.
func TestAMessageThatKillsTheLinkGoesLast(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.cloud.when("StartTransaction", func(q *ocpp.Request) (string, error) {
			if strings.Contains(string(q.Payload), `"idTag":"BAD"`) {
				r.cloud.srv.Conn("SITE1").Close(1011, "crash")
				return "", errSilent
			}
			return "", nil
		})
		r.save(begin(1, 1, "BAD")...)
		for tx := controller.TxID(2); tx <= 20; tx++ {
			r.save(whole(tx, 1, fmt.Sprint(tx))...)
		}
		r.start(true)
		r.after(5 * time.Minute)
		if c := r.counts(); c.Delivered != 19 || c.Pending != 1 || c.Parked != 0 {
			t.Errorf("%+v", c)
		}
	})
}

func TestOfEachSlotTheNewestStatusArrives(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start(true)
		r.cloud.when("StatusNotification", func(*ocpp.Request) (string, error) {
			r.net.Cut(cloudAddr)
			return "", errSilent
		})
		r.tell(1, controller.StatusAvailable)
		r.station.Do(controller.ReportStatus{Status: controller.SlotStatus{Slot: 2, Status: controller.StatusAvailable, ErrorCode: "Strange",
			Info: strings.Repeat("é", 60), At: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}})
		r.tell(3, "Odd") // no status of 1.6: never sent, and stops nothing
		r.after(time.Second)
		r.tell(1, controller.StatusPreparing)
		r.tell(1, controller.StatusCharging)
		r.cloud.when("StatusNotification", nil)
		r.net.Mend(cloudAddr)
		r.after(time.Minute)
		got := r.cloud.got("StatusNotification")
		if len(got) != 3 || !strings.Contains(got[2].payload, `"status":"Charging"`) {
			t.Fatalf("%v", got)
		}
		if want := `{"connectorId":2,"errorCode":"OtherError","info":"` + strings.Repeat("é", 50) + `","status":"Available","timestamp":"2026-03-01T12:00:00Z"}`; got[1].payload != want {
			t.Errorf("got  %s\nwant %s", got[1].payload, want)
		}
	})
}

// After a power cut of the garage statuses hold up no start, nor starts a status.
func TestStatusesAndStartsTakeTurns(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		for tx := controller.TxID(1); tx <= 3; tx++ {
			r.save(begin(tx, 1, fmt.Sprint(tx))...)
			r.save(sample(tx, 1, fmt.Sprint(tx), `{}`))
		}
		r.cloud.when("BootNotification", func(*ocpp.Request) (string, error) { time.Sleep(time.Second); return "", nil })
		r.start(false)
		for slot := range controller.Slot(5) {
			r.tell(slot, controller.StatusAvailable)
		}
		r.after(time.Minute)
		want := "BootNotification" + strings.Repeat(" StatusNotification StartTransaction", 3) + " StatusNotification StatusNotification MeterValues MeterValues MeterValues"
		if got := actionsOf(r.cloud.got()); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

// shaky is an outbox whose disk refuses to settle for a while.
type shaky struct {
	upstream.Outbox
	failures int
}

func (s *shaky) Settle(ctx context.Context, st controller.Settlement) error {
	if s.failures--; s.failures >= 0 {
		return errors.New("the disk is slow")
	}
	return s.Outbox.Settle(ctx, st)
}

func TestWhatTheCloudHasIsNotSentAgainForADiskThatFails(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.adjust = func(c *upstream.Config) { c.Outbox = &shaky{Outbox: c.Outbox, failures: 3} }
		r.start(true)
		r.save(whole(1, 1, "A")...)
		r.after(time.Second)
		if n := len(eventsOf[controller.Delivered](r.site)); n != 0 {
			t.Errorf("%d told before they were on the disk", n)
		}
		r.after(time.Minute)
		if got := actionsOf(r.cloud.got()); got != "StartTransaction StopTransaction" {
			t.Error(got)
		}
		if c := r.counts(); c.Delivered != 1 || len(eventsOf[controller.Delivered](r.site)) != 2 {
			t.Errorf("%+v", c)
		}
	})
}

func TestFactsWaitForABusyLoop(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		n := 0
		r.start(true)
		r.site.mu.Lock()
		r.site.refuse = func(ev controller.Event) error {
			if _, ours := ev.(controller.Delivered); ours {
				if n++; n < 50 {
					return controller.ErrCongested
				}
			}
			return nil
		}
		r.site.mu.Unlock()
		r.save(begin(1, 1, "A")...)
		r.after(2 * time.Second)
		if len(eventsOf[controller.Delivered](r.site)) != 1 {
			t.Error("a delivery was not told")
		}
		synctest.Wait()
	})
}
