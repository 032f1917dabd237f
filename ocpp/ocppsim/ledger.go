package ocppsim

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Transaction is one transaction as one side saw it.
type Transaction struct {
	Station               string // who keeps this ledger
	Connector             int
	IDTag                 string
	ID                    int // given by the other side; 0 until known
	MeterStart, MeterStop int
	StartedAt, StoppedAt  time.Time
	Stopped               bool // the stop happened here
	StartAcked, StopAcked bool // and was acknowledged
	Samples               int  // meterValue elements acknowledged, or received
	LastSample            time.Time
}

// Difference is something that two ledgers disagree about.
type Difference struct {
	Kind string // lost, doubled, disordered, unequal, invented
	Text string
}

func (d Difference) String() string { return d.Kind + ": " + d.Text }

// Compare matches the finished transactions of chargers, those whose stop was
// acknowledged to them, with the cloud's. slotOf gives a charger's connector its
// number towards the cloud.
func Compare(chargers []Transaction, cloud *CloudLedger, slotOf func(station string, connector int) int) []Difference {
	out := slices.Clone(cloud.Faults)
	used := map[int]bool{}
	for _, t := range chargers {
		slot := slotOf(t.Station, t.Connector)
		var found []Transaction
		for _, c := range cloud.Transactions {
			if c.Connector == slot && strings.EqualFold(c.IDTag, t.IDTag) && c.MeterStart == t.MeterStart && c.StartedAt.Equal(t.StartedAt.Truncate(time.Millisecond)) {
				found = append(found, c)
				used[c.ID] = true
			}
		}
		name := fmt.Sprintf("%s/%d (slot %d) of %s by %s from %d Wh", t.Station, t.Connector, slot, t.StartedAt.UTC().Format(time.TimeOnly), t.IDTag, t.MeterStart)
		switch {
		case len(found) > 1:
			out = append(out, Difference{"doubled", name})
		case len(found) == 0 && t.StopAcked:
			out = append(out, Difference{"lost", name})
		case len(found) == 0:
		case t.StopAcked && !found[0].Stopped:
			out = append(out, Difference{"lost", name + ": its stop"})
		case found[0].Stopped && t.Stopped && (found[0].MeterStop != t.MeterStop || !found[0].StoppedAt.Equal(t.StoppedAt.Truncate(time.Millisecond))):
			out = append(out, Difference{"unequal", fmt.Sprintf("%s: stopped at %d Wh %v, the cloud has %d Wh %v", name, t.MeterStop, t.StoppedAt.UTC(), found[0].MeterStop, found[0].StoppedAt.UTC())})
		}
	}
	for _, c := range cloud.Transactions {
		if !used[c.ID] {
			out = append(out, Difference{"invented", fmt.Sprintf("transaction %d on slot %d by %s from %d Wh", c.ID, c.Connector, c.IDTag, c.MeterStart)})
		}
	}
	return out
}
