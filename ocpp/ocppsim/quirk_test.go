package ocppsim

import (
	"encoding/hex"
	"encoding/json"
	"net"
	"testing"
	"time"

	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
	"busbar/ocpp/ocpp2"
)

func with(quirks ...Quirk) ChargerConfig { return ChargerConfig{Plan: stay(), Quirks: quirks} }

func TestQuirksOfProfiles(t *testing.T) {
	watts := func(p *ocpp2.ChargingProfile) { p.ChargingSchedule[0].ChargingRateUnit = ocpp2.ChargingRateUnitW }
	relative := func(p *ocpp2.ChargingProfile) {
		p.ChargingProfileKind, p.ChargingSchedule[0].StartSchedule = ocpp2.ChargingProfileKindRelative, nil
	}
	for _, c := range []struct {
		quirk    Quirk
		evse     int
		purpose  ocpp2.ChargingProfilePurpose
		edit     func(*ocpp2.ChargingProfile)
		accepted bool
	}{
		{QuirkRefusesTxProfile, 1, ocpp2.ChargingProfilePurposeTxProfile, nil, false},
		{QuirkRefusesTxProfile, 1, ocpp2.ChargingProfilePurposeTxDefaultProfile, nil, true},
		{QuirkRefusesStationDefault, 0, ocpp2.ChargingProfilePurposeTxDefaultProfile, nil, false},
		{QuirkRefusesStationDefault, 1, ocpp2.ChargingProfilePurposeTxDefaultProfile, nil, true},
		{QuirkWattsOnly, 1, ocpp2.ChargingProfilePurposeTxProfile, nil, false},
		{QuirkWattsOnly, 1, ocpp2.ChargingProfilePurposeTxProfile, watts, true},
		{QuirkRelativeOnly, 1, ocpp2.ChargingProfilePurposeTxProfile, nil, false},
		{QuirkRelativeOnly, 1, ocpp2.ChargingProfilePurposeTxProfile, relative, true},
		{QuirkLevelZeroOnly, 1, ocpp2.ChargingProfilePurposeTxProfile, nil, false},
		{QuirkLevelZeroOnly, 1, ocpp2.ChargingProfilePurposeTxProfile, func(p *ocpp2.ChargingProfile) { p.StackLevel = 0 }, true},
	} {
		t.Run(string(c.quirk), func(t *testing.T) {
			runOn(t, ocpp.V201, 1, with(c.quirk), func(t *testing.T, b *bench) {
				b.wait(time.Minute)
				tx := ""
				if c.purpose == ocpp2.ChargingProfilePurposeTxProfile {
					tx = b.cloud.Ledger().Transactions[0].ChargerTx
				}
				p := profile2x(1, 3, c.purpose, "8", tx)
				if c.edit != nil {
					c.edit(&p)
				}
				r := ask(t, b, ocpp2.SetChargingProfile, ocpp2.SetChargingProfileRequest{EVSEID: c.evse, ChargingProfile: p})
				if got := r.Status == ocpp2.ChargingProfileStatusAccepted; got != c.accepted {
					t.Errorf("%s", r.Status)
				}
			})
		})
	}
}

func TestLimitsThatDontBindAndOneThatEnds(t *testing.T) {
	run16 := func(q Quirk, during func(t *testing.T, b *bench)) {
		runOn(t, ocpp.V16, 1, with(q), func(t *testing.T, b *bench) {
			b.wait(time.Minute)
			if r := ask(t, b, ocpp16.SetChargingProfile, lease("0")); r.Status != ocpp16.ChargingProfileStatusAccepted {
				t.Fatal(r.Status)
			}
			b.wait(time.Minute)
			during(t, b)
		})
	}
	run16(QuirkIgnoresLimits, func(t *testing.T, b *bench) {
		if a := b.chargers[0].Current(1)[0]; a < 15 {
			t.Errorf("draws %v A", a)
		}
	})
	run16(QuirkEndsAtZero, func(t *testing.T, b *bench) {
		if l := b.cloud.Ledger(); !l.Transactions[0].Stopped || len(b.differences()) != 0 {
			t.Errorf("%+v", l)
		}
	})
}

func TestQuirksOfClockAndStarts(t *testing.T) {
	for _, version := range []ocpp.Protocol{ocpp.V16, ocpp.V201} {
		runOn(t, version, 1, with(QuirkWrongClock, QuirkBootsAlways), func(t *testing.T, b *bench) {
			b.wait(time.Minute)
			if ahead := time.Until(b.cloud.Ledger().Transactions[0].StartedAt); ahead < wrongBy-2*time.Minute {
				t.Errorf("the clock is %v ahead", ahead)
			}
			b.cloud.Cut(true)
			b.wait(time.Minute)
			b.cloud.Cut(false)
			b.wait(time.Minute)
			if n := b.cloud.Ledger().Boots; n != 2 {
				t.Errorf("%d boots", n)
			}
		})
		runOn(t, version, 1, with(QuirkNeverBootsAgain), func(t *testing.T, b *bench) {
			b.wait(time.Minute)
			b.chargers[0].Kill()
			b.wait(time.Minute)
			b.chargers[0].Revive()
			b.wait(time.Minute)
			if l := b.cloud.Ledger(); l.Boots != 1 || !l.Transactions[0].Stopped {
				t.Errorf("%+v", l)
			}
		})
	}
}

func TestQuirksOfMessages(t *testing.T) {
	c := NewCharger(with(QuirkNullMembers, QuirkNumericStrings))
	raw, err := c.mangled("StatusNotification", []byte(`{"connectorId":1,"status":"Available","nested":[{"n":1.50}]}`))
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	info, there := got["info"]
	if got["connectorId"] != "1" || !there || info != nil || got["nested"].([]any)[0].(map[string]any)["n"] != "1.50" {
		t.Errorf("%s", raw)
	}
	runOn(t, ocpp.V201, 1, with(QuirkMissingEVSE), func(t *testing.T, b *bench) {
		b.wait(10 * time.Minute)
		if l := b.cloud.Ledger(); len(l.Transactions) != 0 || len(l.Faults) != 0 || b.chargers[0].Pending() != 0 {
			t.Errorf("a cloud that must know the EVSE: %+v", l)
		}
	})
}

func TestQuirksOfTheConnection(t *testing.T) {
	runOn(t, ocpp.V201, 1, with(QuirkProtocolOrder), func(t *testing.T, b *bench) {
		b.wait(time.Minute)
		if conn := b.cloud.Conn("CP0"); conn == nil || conn.Protocol() != ocpp.V201 {
			t.Error("no agreement about the version")
		}
	})
	cfg := with(QuirkHexPassword)
	cfg.Password = "secret"
	digits := CloudConfig{Protocol: ocpp.V16, Password: func(string) string { return hex.EncodeToString([]byte("secret")) }}
	runWith(t, digits, 1, cfg, func(t *testing.T, b *bench) {
		b.wait(time.Minute)
		if !b.chargers[0].Connected() {
			t.Error("the password was not sent in digits")
		}
	})
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	g := &gate{Conn: near, mute: true}
	if n, err := g.Write([]byte{pongFrame, 0}); n != 2 || err != nil { // nobody reads
		t.Errorf("a pong left: %d %v", n, err)
	}
}
