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
	Reservation           *int   // that it uses, as the start says it; nil: none (1.6)
	ID                    int    // given by the cloud; 0 until known, and with 2.x
	ChargerTx             string // transactionId of 2.x
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

// Compare matches the transactions of chargers with the cloud's, by connector, start and
// register, and tells what differs. slotOf gives a charger's connector its number
// towards the cloud. What a charger was not acknowledged yet may be missing; a
// transaction that never got its stop to the cloud is lost only if that was.
func Compare(chargers []Transaction, cloud *CloudLedger, slotOf func(station string, connector int) int) []Difference {
	out := slices.Clone(cloud.Faults)
	matched := map[int]bool{} // index in the cloud's ledger
	var alone []Transaction   // nothing matches them exactly
	for _, t := range chargers {
		slot := slotOf(t.Station, t.Connector)
		var found []int
		for i := range cloud.Transactions {
			if c := &cloud.Transactions[i]; c.Connector == slot && strings.EqualFold(c.IDTag, t.IDTag) && t.began(c) {
				found = append(found, i)
				matched[i] = true
			}
		}
		switch {
		case len(found) > 1:
			out = append(out, Difference{"doubled", t.name(slot)})
		case len(found) == 0:
			alone = append(alone, t)
		default:
			out = append(out, t.differs(slot, &cloud.Transactions[found[0]])...)
		}
	}
	for _, t := range alone {
		slot := slotOf(t.Station, t.Connector)
		i := slices.IndexFunc(cloud.Transactions, func(c Transaction) bool { return t.began(&c) })
		switch {
		case i >= 0 && !matched[i]:
			matched[i] = true
			c := &cloud.Transactions[i]
			out = append(out, Difference{"unequal", fmt.Sprintf("%s: the cloud has slot %d and %s", t.name(slot), c.Connector, c.IDTag)})
			out = append(out, t.differs(slot, c)...)
		case t.StopAcked:
			out = append(out, Difference{"lost", t.name(slot)})
		}
	}
	for i, c := range cloud.Transactions {
		if !matched[i] {
			out = append(out, Difference{"invented", fmt.Sprintf("transaction %d on slot %d by %s from %d Wh", c.ID, c.Connector, c.IDTag, c.MeterStart)})
		}
	}
	return out
}

func (t *Transaction) name(slot int) string {
	return fmt.Sprintf("%s/%d (slot %d) of %s by %s from %d Wh", t.Station, t.Connector, slot, t.StartedAt.UTC().Format(time.TimeOnly), t.IDTag, t.MeterStart)
}

// began reports whether c began at the same moment and register. Times on the wire
// have milliseconds.
func (t *Transaction) began(c *Transaction) bool {
	return c.MeterStart == t.MeterStart && c.StartedAt.Equal(t.StartedAt.Truncate(time.Millisecond))
}

// differs compares the ends of one transaction.
func (t *Transaction) differs(slot int, c *Transaction) []Difference {
	switch {
	case t.StopAcked && !c.Stopped:
		return []Difference{{"lost", t.name(slot) + ": its stop"}}
	case c.Stopped && t.Stopped && (c.MeterStop != t.MeterStop || !c.StoppedAt.Equal(t.StoppedAt.Truncate(time.Millisecond))):
		return []Difference{{"unequal", fmt.Sprintf("%s: stopped at %d Wh %v, the cloud has %d Wh %v", t.name(slot), t.MeterStop, t.StoppedAt.UTC(), c.MeterStop, c.StoppedAt.UTC())}}
	}
	return nil
}
