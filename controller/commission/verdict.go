package commission

import (
	"fmt"
	"time"

	"busbar/controller"
)

// Outcome is what a check came to.
type Outcome string

// The outcomes. Only Missing makes a verdict a bad one.
const (
	OK        Outcome = "ok"
	Different Outcome = "works differently" // and the box can live with it
	Missing   Outcome = "missing"           // something must be done
	Open      Outcome = "open"              // could not be found out now
)

// Finding is one check's result.
type Finding struct {
	Check   string  `json:"check"` // stable, e.g. "profiles.default"
	Outcome Outcome `json:"outcome"`
	Text    string  `json:"text"`             // what was found
	Remedy  string  `json:"remedy,omitempty"` // what to do
}

// String is the finding as one line.
func (f Finding) String() string {
	line := fmt.Sprintf("%s: %s: %s", f.Outcome, f.Check, f.Text)
	if f.Remedy != "" {
		line += " " + f.Remedy
	}
	return line
}

// Verdict is what a probe found out.
type Verdict struct {
	Charger  string    `json:"charger"`
	Protocol string    `json:"protocol"`
	Vendor   string    `json:"vendor"`
	Model    string    `json:"model"`
	Firmware string    `json:"firmware"`
	At       time.Time `json:"at"`
	// Good is false if a finding is Missing.
	Good      bool                 `json:"good"`
	Findings  []Finding            `json:"findings"`
	Abilities controller.Abilities `json:"abilities"`
}

// Summary is the verdict in one line.
func (v Verdict) Summary() string {
	count := map[Outcome]int{}
	for _, f := range v.Findings {
		count[f.Outcome]++
	}
	word := "can be led"
	if !v.Good {
		word = "needs attention"
	}
	return fmt.Sprintf("%s (%s %s, firmware %s, %s) %s: %d ok, %d work differently, %d open, %d missing.",
		v.Charger, v.Vendor, v.Model, v.Firmware, v.Protocol, word, count[OK], count[Different], count[Open], count[Missing])
}
