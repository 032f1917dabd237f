package ocppsim

import (
	"slices"
	"testing"
	"time"

	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

// A local list is changed by newer versions only, and what it says counts while nobody
// answers (16§5.15, 16§3.5.2).
func TestLocalListOf16(t *testing.T) {
	runOn(t, ocpp.V16, 1, ChargerConfig{Plan: once(Session{Wait: time.Minute, Token: "T"})}, func(t *testing.T, b *bench) {
		b.wait(10 * time.Second)
		send := func(kind ocpp16.UpdateType, version int, want ocpp16.UpdateStatus, tags ...ocpp16.AuthorizationData) {
			t.Helper()
			if got := ask(t, b, ocpp16.SendLocalList, ocpp16.SendLocalListRequest{UpdateType: kind, ListVersion: version, LocalAuthorizationList: tags}); got.Status != want {
				t.Errorf("version %d: %s, want %s", version, got.Status, want)
			}
		}
		blocked := ocpp16.AuthorizationData{IDTag: "T", IDTagInfo: &ocpp16.IDTagInfo{Status: ocpp16.AuthorizationStatusBlocked}}
		send(ocpp16.UpdateTypeFull, 4, ocpp16.UpdateStatusAccepted, ocpp16.AuthorizationData{IDTag: "T", IDTagInfo: &ocpp16.IDTagInfo{Status: ocpp16.AuthorizationStatusAccepted}})
		send(ocpp16.UpdateTypeDifferential, 4, ocpp16.UpdateStatusVersionMismatch, ocpp16.AuthorizationData{IDTag: "T"})
		send(ocpp16.UpdateTypeDifferential, 5, ocpp16.UpdateStatusAccepted, blocked)
		if got := ask(t, b, ocpp16.GetLocalListVersion, ocpp16.GetLocalListVersionRequest{}); got.ListVersion != 5 {
			t.Errorf("list version %d", got.ListVersion)
		}
		b.cloud.Cut(true)
		b.wait(5 * time.Minute)
		if n := len(b.chargers[0].Ledger()); n != 0 {
			t.Errorf("%d transactions of a blocked token", n)
		}
		b.cloud.Cut(false)
		b.wait(time.Minute)
	})
}

// A reservation is used by its token, and told with the start (16§5.13).
func TestReservationOf16(t *testing.T) {
	for token, want := range map[string]int{"T": 1, "OTHER": 0} {
		runOn(t, ocpp.V16, 1, ChargerConfig{Plan: once(Session{Wait: time.Minute, Token: token})}, func(t *testing.T, b *bench) {
			b.wait(10 * time.Second)
			reserve := func(connector int, expiry time.Duration) ocpp16.ReservationStatus {
				return ask(t, b, ocpp16.ReserveNow, ocpp16.ReserveNowRequest{ConnectorID: connector, ReservationID: 7, IDTag: "T", ExpiryDate: ocpp.NewDateTime(time.Now().Add(expiry))}).Status
			}
			if a, b := reserve(3, time.Hour), reserve(1, -time.Second); a != ocpp16.ReservationStatusRejected || b != ocpp16.ReservationStatusRejected {
				t.Errorf("no such connector: %s, of the past: %s", a, b)
			}
			if got := reserve(1, time.Hour); got != ocpp16.ReservationStatusAccepted {
				t.Fatal(got)
			}
			b.wait(5 * time.Minute)
			starts := b.cloud.Ledger().Transactions
			if len(starts) != want {
				t.Fatalf("%s: %d transactions, want %d", token, len(starts), want)
			}
			if want == 1 && (starts[0].Reservation == nil || *starts[0].Reservation != 7) {
				t.Errorf("the start says reservation %v", starts[0].Reservation)
			}
			if got := reserve(1, time.Hour); want == 1 && got != ocpp16.ReservationStatusOccupied {
				t.Errorf("reserved while it charges: %s", got)
			}
			b.wait(time.Hour)
			if b.chargers[0].outlets[0].reserved != nil {
				t.Error("the reservation has no end")
			}
		})
	}
}

// An update and an upload go through their steps, and an update ends with a boot
// (16§5.19, 16§5.9).
func TestFirmwareAndDiagnosticsOf16(t *testing.T) {
	run(t, 1, stay(), func(t *testing.T, b *bench) {
		b.wait(10 * time.Second)
		ask(t, b, ocpp16.GetDiagnostics, ocpp16.GetDiagnosticsRequest{Location: "ftp://box.lan/"})
		ask(t, b, ocpp16.UpdateFirmware, ocpp16.UpdateFirmwareRequest{Location: "http://box.lan/f", RetrieveDate: ocpp.NewDateTime(time.Now())})
		b.wait(time.Minute)
		var steps []string
		for _, r := range of[ocpp16.DiagnosticsStatusNotificationRequest](b.cloud) {
			steps = append(steps, string(r.Status))
		}
		for _, r := range of[ocpp16.FirmwareStatusNotificationRequest](b.cloud) {
			steps = append(steps, string(r.Status))
		}
		if want := []string{"Uploading", "Uploaded", "Downloading", "Downloaded", "Installing", "Installed"}; !slices.Equal(steps, want) {
			t.Errorf("told %v, want %v", steps, want)
		}
		if d := b.chargers[0].dialect.(*v16); b.cloud.Ledger().Boots != 2 || d.firmware != nextFirmware(firmware) {
			t.Errorf("%d boots, firmware %s", b.cloud.Ledger().Boots, d.firmware)
		}
	})
}
