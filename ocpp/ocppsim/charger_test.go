package ocppsim

import (
	"testing"
	"time"

	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

// stay is a car on CP0 for an hour.
func stay() func(int, int) (Session, bool) {
	return once(Session{Wait: time.Second, Token: "T", Lasts: time.Hour})
}

// ask sends a command to CP0.
func ask[Req, Resp any](t *testing.T, b *bench, a ocpp.Action[Req, Resp], req Req) Resp {
	t.Helper()
	conn := b.cloud.Conn("CP0")
	if conn == nil {
		t.Fatal("CP0 is not connected")
	}
	resp, err := a.Call(t.Context(), conn, req)
	if err != nil {
		t.Fatalf("%s: %v", a.Name, err)
	}
	return resp
}

func lease(amps string) ocpp16.SetChargingProfileRequest {
	return ocpp16.SetChargingProfileRequest{ConnectorID: 1, CSChargingProfiles: profile(9, 1, txProfile, amps, time.Now().Add(-time.Minute), 180)}
}

func TestConfiguration(t *testing.T) {
	run(t, 1, stay(), func(t *testing.T, b *bench) {
		b.wait(time.Minute)
		resp := ask(t, b, ocpp16.GetConfiguration, ocpp16.GetConfigurationRequest{Key: []string{"NumberOfConnectors", "SupportedFeatureProfiles", "Nonsense"}})
		if len(resp.ConfigurationKey) != 2 || *resp.ConfigurationKey[0].Value != "1" || !resp.ConfigurationKey[0].Readonly || len(resp.UnknownKey) != 1 {
			t.Fatalf("%+v", resp)
		}
		for _, c := range []struct {
			key, value string
			want       ocpp16.ConfigurationStatus
		}{
			{"MeterValueSampleInterval", "10", ocpp16.ConfigurationStatusAccepted},
			{"MeterValueSampleInterval", "soon", ocpp16.ConfigurationStatusRejected},
			{"NumberOfConnectors", "2", ocpp16.ConfigurationStatusRejected},
			{"MeterValuesSampledData", "Current.Import,RPM", ocpp16.ConfigurationStatusRejected},
			{"MeterValuesSampledData", "Current.Import, Voltage", ocpp16.ConfigurationStatusAccepted},
			{"LocalPreAuthorize", "perhaps", ocpp16.ConfigurationStatusRejected},
			{"Nonsense", "1", ocpp16.ConfigurationStatusNotSupported},
		} {
			if got := ask(t, b, ocpp16.ChangeConfiguration, ocpp16.ChangeConfigurationRequest{Key: c.key, Value: c.value}); got.Status != c.want {
				t.Errorf("%s=%s: %s, want %s", c.key, c.value, got.Status, c.want)
			}
		}
		before := b.cloud.Ledger().Transactions[0].Samples
		b.wait(61 * time.Second)
		if n := b.cloud.Ledger().Transactions[0].Samples - before; n != 6 {
			t.Errorf("%d samples in a minute, want 6", n)
		}
	})
}

func TestStatusesOfACarThatMayNotOrNeedNot(t *testing.T) {
	run(t, 1, once(Session{Wait: time.Second, Token: "T", Lasts: 2 * time.Hour, Car: Car{Need: 5000}}), func(t *testing.T, b *bench) {
		want := func(s Status) {
			t.Helper()
			if got := b.cloud.Status("CP0", 1); got != s {
				t.Errorf("%s, want %s", got, s)
			}
		}
		b.wait(time.Minute)
		want(StatusCharging)
		ask(t, b, ocpp16.SetChargingProfile, lease("0"))
		b.wait(12 * time.Second)
		want(StatusSuspendedEVSE)
		b.wait(2 * time.Minute) // the lease ran out
		want(StatusCharging)
		b.wait(time.Hour)
		want(StatusSuspendedEV)
		if a := b.chargers[0].Current(1); a != [3]float64{} {
			t.Errorf("a full car draws %v", a)
		}
	})
}

func TestCompositeScheduleTellsTheLeaseAndTheFallBack(t *testing.T) {
	run(t, 1, stay(), func(t *testing.T, b *bench) {
		b.wait(time.Minute)
		ask(t, b, ocpp16.SetChargingProfile, ocpp16.SetChargingProfileRequest{ConnectorID: 0, CSChargingProfiles: profile(1, 0, txDefault, "6", time.Now().Add(-time.Minute), 0)})
		ask(t, b, ocpp16.SetChargingProfile, lease("14.5"))
		resp := ask(t, b, ocpp16.GetCompositeSchedule, ocpp16.GetCompositeScheduleRequest{ConnectorID: 1, Duration: 600})
		if resp.Status != ocpp16.GetCompositeScheduleStatusAccepted {
			t.Fatalf("%+v", resp)
		}
		p := resp.ChargingSchedule.ChargingSchedulePeriod
		if len(p) != 2 || p[0].Limit != "14.5" || p[1].StartPeriod != 120 || p[1].Limit != "6" && p[1].Limit != "6.0" {
			t.Fatalf("%+v", p)
		}
		if n := ask(t, b, ocpp16.ClearChargingProfile, ocpp16.ClearChargingProfileRequest{ID: new(9)}); n.Status != ocpp16.ClearChargingProfileStatusAccepted {
			t.Fatalf("%+v", n)
		}
		if limit, _, _ := b.chargers[0].Allowed(1); limit != 6 {
			t.Errorf("%v A after the lease was cleared", limit)
		}
	})
}

func TestTriggers(t *testing.T) {
	run(t, 1, stay(), func(t *testing.T, b *bench) {
		b.wait(30 * time.Second)
		for m, want := range map[ocpp16.MessageTrigger]ocpp16.TriggerMessageStatus{
			ocpp16.MessageTriggerBootNotification: ocpp16.TriggerMessageStatusAccepted, ocpp16.MessageTriggerMeterValues: ocpp16.TriggerMessageStatusAccepted,
			ocpp16.MessageTriggerHeartbeat: ocpp16.TriggerMessageStatusAccepted, ocpp16.MessageTriggerStatusNotification: ocpp16.TriggerMessageStatusAccepted,
			ocpp16.MessageTriggerFirmwareStatusNotification: ocpp16.TriggerMessageStatusAccepted, ocpp16.MessageTriggerDiagnosticsStatusNotification: ocpp16.TriggerMessageStatusAccepted,
		} {
			if got := ask(t, b, ocpp16.TriggerMessage, ocpp16.TriggerMessageRequest{RequestedMessage: m}); got.Status != want {
				t.Errorf("%s: %s", m, got.Status)
			}
		}
		b.wait(time.Second)
		if l := b.cloud.Ledger(); l.Boots != 2 || l.Transactions[0].Samples != 1 || len(l.Faults) != 0 {
			t.Errorf("%+v", l)
		}
	})
}

func TestRemoteStartBringsItsProfile(t *testing.T) {
	run(t, 1, nil, func(t *testing.T, b *bench) {
		b.wait(10 * time.Second)
		p := profile(4, 1, txProfile, "8", time.Now(), 0)
		if r := ask(t, b, ocpp16.RemoteStartTransaction, ocpp16.RemoteStartTransactionRequest{IDTag: "R", ChargingProfile: &p}); r.Status != ocpp16.RemoteStartStopStatusAccepted {
			t.Fatal(r.Status)
		}
		b.wait(30 * time.Second)
		if a := b.chargers[0].Current(1)[0]; a < 7.69 || a > 7.71 {
			t.Errorf("draws %v A", a)
		}
		if r := ask(t, b, ocpp16.RemoteStartTransaction, ocpp16.RemoteStartTransactionRequest{IDTag: "R"}); r.Status != ocpp16.RemoteStartStopStatusRejected {
			t.Error("a second transaction on the only connector")
		}
	})
}
