package upstream_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"busbar/controller"
	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

// A cloud that lost its memory refuses what comes on a connection without Boot: that is
// nobody's failed attempt, and is mended by one Boot.
func TestACloudThatHasForgottenUsGetsABoot(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		forgot := true
		r.cloud.when("StartTransaction", func(*ocpp.Request) (string, error) {
			if forgot {
				return "", ocpp.Errorf(ocpp.CodeSecurityError, "who are you?")
			}
			return "", nil
		})
		r.cloud.when("BootNotification", func(*ocpp.Request) (string, error) { forgot = false; return "", nil })
		r.start(true)
		r.save(whole(1, 1, "A")...)
		r.after(time.Minute)
		if got := actionsOf(r.cloud.got()); got != "StartTransaction BootNotification StartTransaction StopTransaction" {
			t.Error(got)
		}
		if ev := r.wantState(controller.UplinkAccepted); !ev.Booted {
			t.Error("the site was not told of the Boot")
		}

		// After a Boot of ours the same answer is about the message.
		r.cloud.when("StartTransaction", func(*ocpp.Request) (string, error) { return "", ocpp.Errorf(ocpp.CodeSecurityError, "no") })
		r.save(begin(2, 1, "B")...)
		r.after(time.Minute)
		if n := len(r.cloud.got("BootNotification")); n != 1 {
			t.Errorf("%d Boots", n)
		}
		if heads, err := r.store.Heads(t.Context(), 1); err != nil || len(heads) != 1 || heads[0].Attempts == 0 {
			t.Errorf("%+v %v", heads, err)
		}
	})
}

func TestARejectingCloudMayNotCommand(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.cloud.when("BootNotification", func(*ocpp.Request) (string, error) {
			return `{"status":"Rejected","interval":60,"currentTime":"2026-03-01T08:00:00Z"}`, nil
		})
		r.start(false)
		if _, err := command(r, ocpp16.Reset, ocpp16.ResetRequest{Type: ocpp16.ResetTypeHard}); err == nil || !strings.Contains(err.Error(), string(ocpp.CodeSecurityError)) {
			t.Errorf("answered %v", err)
		}
		r.cloud.when("BootNotification", nil)
		r.after(time.Minute)
		r.wantState(controller.UplinkAccepted)
		if resp, err := command(r, ocpp16.Reset, ocpp16.ResetRequest{Type: ocpp16.ResetTypeHard}); err != nil || resp.Status != ocpp16.ResetStatusAccepted {
			t.Errorf("answered %v %v", resp, err)
		}
	})
}

func TestATriggeredStatusIsTheLastTold(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start(true)
		// The Site holds Available back until the stop is delivered; its snapshot shows it.
		r.site.mu.Lock()
		r.site.snap.Statuses = []controller.SlotStatus{{Slot: 1, Status: controller.StatusAvailable, ErrorCode: controller.NoError}}
		r.site.mu.Unlock()
		r.station.Do(controller.ReportStatus{Status: controller.SlotStatus{Slot: 1, Status: controller.StatusCharging, ErrorCode: controller.NoError}})
		synctest.Wait()
		resp, err := command(r, ocpp16.TriggerMessage, ocpp16.TriggerMessageRequest{RequestedMessage: ocpp16.MessageTriggerStatusNotification, ConnectorID: new(1)})
		if err != nil || resp.Status != ocpp16.TriggerMessageStatusAccepted {
			t.Fatal(resp, err)
		}
		synctest.Wait()
		got := r.cloud.got("StatusNotification")
		if len(got) != 2 || !strings.Contains(got[1].payload, `"status":"Charging"`) {
			t.Errorf("%v", got)
		}
	})
}

func TestTriggeredValuesOfManyConnectorsAllGo(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.site.connectors(200)
		r.site.mu.Lock()
		for i := range r.site.snap.Connectors {
			r.site.snap.Connectors[i].MeasuredAt = time.Now()
		}
		r.site.mu.Unlock()
		r.start(true)
		if _, err := command(r, ocpp16.TriggerMessage, ocpp16.TriggerMessageRequest{RequestedMessage: ocpp16.MessageTriggerMeterValues}); err != nil {
			t.Fatal(err)
		}
		r.after(time.Minute)
		if n := len(r.cloud.got("MeterValues")); n != 200 {
			t.Errorf("%d of 200 connectors", n)
		}
	})
}
