package ocppsim

import (
	"testing"
	"time"

	"busbar/ocpp"
	"busbar/ocpp/ocpp2"
)

// A token that the local list refuses is not let in while nobody answers; one that it
// has, or does not know, is.
func TestTheLocalListJudgesWhileNobodyAnswers(t *testing.T) {
	for status, want := range map[ocpp2.AuthorizationStatus]int{ocpp2.AuthorizationStatusBlocked: 0, ocpp2.AuthorizationStatusAccepted: 1, "": 1} {
		runOn(t, ocpp.V201, 1, ChargerConfig{Plan: once(Session{Wait: time.Minute, Token: "T"})}, func(t *testing.T, b *bench) {
			b.wait(10 * time.Second)
			if status != "" {
				ask(t, b, ocpp2.SendLocalList, ocpp2.SendLocalListRequest{VersionNumber: 1, UpdateType: ocpp2.UpdateFull,
					LocalAuthorizationList: []ocpp2.AuthorizationData{{IDToken: idToken("T"), IDTokenInfo: &ocpp2.IDTokenInfo{Status: status}}}})
			}
			b.cloud.Cut(true)
			b.wait(5 * time.Minute)
			if n := len(b.chargers[0].Ledger()); n != want {
				t.Errorf("listed as %q: %d transactions, want %d", status, n, want)
			}
			b.cloud.Cut(false)
			b.wait(time.Minute)
		})
	}
}

func TestAReservedEVSEIsKeptForItsToken(t *testing.T) {
	for _, token := range []string{"T", "OTHER"} {
		runOn(t, ocpp.V201, 1, ChargerConfig{Plan: once(Session{Wait: time.Minute, Token: token})}, func(t *testing.T, b *bench) {
			b.wait(10 * time.Second)
			got := ask(t, b, ocpp2.ReserveNow, ocpp2.ReserveNowRequest{ID: 7, EVSEID: new(1), IDToken: idToken("T"), ExpiryDateTime: ocpp.NewDateTime(time.Now().Add(time.Hour))})
			if got.Status != ocpp2.ReserveNowStatusAccepted {
				t.Fatal(got.Status)
			}
			b.wait(5 * time.Minute)
			if n, want := len(b.chargers[0].Ledger()), map[bool]int{true: 1, false: 0}[token == "T"]; n != want {
				t.Errorf("%s: %d transactions, want %d", token, n, want)
			}
			o := b.chargers[0].outlets[0]
			if used := o.used != nil && *o.used == 7 && o.reserved == nil; used != (token == "T") {
				t.Errorf("%s: used %v", token, used)
			}
			b.wait(time.Hour)
			if o.reserved != nil {
				t.Error("the reservation has no end")
			}
		})
	}
}
