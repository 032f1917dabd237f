package main

import (
	"strings"
	"testing"
	"time"

	"busbar/loadbalance"
)

func TestFaults(t *testing.T) {
	for text, want := range map[string]Fault{
		"cloud-cut@10s":                     {"cloud-cut", "", 10 * time.Second, 0},
		"cloud-cut@0s-1m30s":                {"cloud-cut", "", 0, 90 * time.Second},
		"meter-freeze@1m-2m":                {"meter-freeze", "", time.Minute, 2 * time.Minute},
		"meter-loss@500ms-1.5s":             {"meter-loss", "", 500 * time.Millisecond, 1500 * time.Millisecond},
		"charger-kill:CP1@5s":               {"charger-kill", "CP1", 5 * time.Second, 0},
		"charger-kill:a-b@site|x@5s-6s":     {"charger-kill", "a-b@site|x", 5 * time.Second, 6 * time.Second},
		"charger-kill:DE*ABC*E001_1.2@1h2m": {"charger-kill", "DE*ABC*E001_1.2", 62 * time.Minute, 0},
		"base-step:20@10s-20s":              {"base-step", "20", 10 * time.Second, 20 * time.Second},
	} {
		got, err := parseFault(text)
		if err != nil || got != want {
			t.Errorf("%s: got %+v, %v", text, got, err)
		}
		if again, err := parseFault(got.String()); err != nil || again != got {
			t.Errorf("%s does not come back from %s: %+v, %v", text, got, again, err)
		}
	}
	f, _ := parseFault("base-step:20@10s")
	if f.Amps() != 20*loadbalance.Amp {
		t.Errorf("got %v", f.Amps())
	}
}

func TestFaultsTeach(t *testing.T) {
	for text, want := range map[string]string{
		"":                        `fault "": has no time. Add @ and when it begins, such as cloud-cut@10s-40s.`,
		"cloud-cut":               `fault "cloud-cut": has no time. Add @ and when it begins, such as cloud-cut@10s-40s.`,
		"base-step:20":            `fault "base-step:20": has no time. Add @ and when it begins, such as base-step:20@10s-40s.`,
		"@10s":                    `fault "@10s": no fault is called "". Write one of cloud-cut, meter-freeze, meter-loss, charger-kill:ID, base-step:AMPS.`,
		"cloudcut@10s":            `fault "cloudcut@10s": no fault is called "cloudcut". Write one of cloud-cut, meter-freeze, meter-loss, charger-kill:ID, base-step:AMPS.`,
		"Cloud-Cut@10s":           `fault "Cloud-Cut@10s": no fault is called "Cloud-Cut". Write one of cloud-cut, meter-freeze, meter-loss, charger-kill:ID, base-step:AMPS.`,
		"cloud-cut:CP1@10s":       `fault "cloud-cut:CP1@10s": cloud-cut takes nothing after a colon. Write such as cloud-cut@10s-40s.`,
		"cloud-cut:@10s":          `fault "cloud-cut:@10s": cloud-cut takes nothing after a colon. Write such as cloud-cut@10s-40s.`,
		"charger-kill@10s":        `fault "charger-kill@10s": charger-kill needs :ID. Write such as charger-kill:CP1@10s-40s.`,
		"charger-kill:@10s":       `fault "charger-kill:@10s": charger-kill needs :ID. Write such as charger-kill:CP1@10s-40s.`,
		"charger-kill:a b@10s":    `fault "charger-kill:a b@10s": "a b" is no charger's id. Write such as charger-kill:CP1@10s-40s.`,
		"charger-kill:a:b@10s":    `fault "charger-kill:a:b@10s": "a:b" is no charger's id. Write such as charger-kill:CP1@10s-40s.`,
		"base-step@10s":           `fault "base-step@10s": base-step needs :AMPS. Write such as base-step:20@10s-40s.`,
		"base-step:0@10s":         `fault "base-step:0@10s": needs whole amperes from 1 to 1000, got "0". Write such as base-step:20@10s-40s.`,
		"base-step:-5@10s":        `fault "base-step:-5@10s": needs whole amperes from 1 to 1000, got "-5". Write such as base-step:20@10s-40s.`,
		"base-step:1001@10s":      `fault "base-step:1001@10s": needs whole amperes from 1 to 1000, got "1001". Write such as base-step:20@10s-40s.`,
		"base-step:20A@10s":       `fault "base-step:20A@10s": needs whole amperes from 1 to 1000, got "20A". Write such as base-step:20@10s-40s.`,
		"base-step:NaN@10s":       `fault "base-step:NaN@10s": needs whole amperes from 1 to 1000, got "NaN". Write such as base-step:20@10s-40s.`,
		"cloud-cut@":              `fault "cloud-cut@": begins at no time: "". Write times since the start with their unit: @10s or @10s-1m30s.`,
		"cloud-cut@10":            `fault "cloud-cut@10": begins at no time: "10". Write times since the start with their unit: @10s or @10s-1m30s.`,
		"cloud-cut@10s-":          `fault "cloud-cut@10s-": ends at no time: "". Write times since the start with their unit: @10s or @10s-1m30s.`,
		"cloud-cut@10s-20":        `fault "cloud-cut@10s-20": ends at no time: "20". Write times since the start with their unit: @10s or @10s-1m30s.`,
		"cloud-cut@-10s":          `fault "cloud-cut@-10s": begins at no time: "". Write times since the start with their unit: @10s or @10s-1m30s.`,
		"cloud-cut@20s-10s":       `fault "cloud-cut@20s-10s": ends at 10s, not after it begins at 20s. Write times since the start with their unit: @10s or @10s-1m30s.`,
		"cloud-cut@10s-10s":       `fault "cloud-cut@10s-10s": ends at 10s, not after it begins at 10s. Write times since the start with their unit: @10s or @10s-1m30s.`,
		"cloud-cut@10s-20s-30s":   `fault "cloud-cut@10s-20s-30s": ends at no time: "20s-30s". Write times since the start with their unit: @10s or @10s-1m30s.`,
		"cloud-cut@10s,meter@20s": `fault "cloud-cut@10s,meter@20s": no fault is called "cloud-cut@10s,meter". Write one of cloud-cut, meter-freeze, meter-loss, charger-kill:ID, base-step:AMPS.`,
	} {
		f, err := parseFault(text)
		if err == nil || err.Error() != want || codeOf(err) != exitBadInput {
			t.Errorf("%q: got %+v, %v", text, f, err)
		}
	}
	if err := new(Fault).UnmarshalText([]byte("nothing")); err == nil || !strings.Contains(err.Error(), "has no time") {
		t.Errorf("got %v", err)
	}
}
