package loadbalance

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"busbar/loadbalance/internal/plain"
)

// checkpoint is what a Balancer carries from one pass to the next.
type checkpoint struct {
	Now    time.Time
	Pass   uint64
	Probed time.Time
	Slots  []slotMemory
	Lines  []line  // in tree order
	Meters []meter // in tree order
}

type slotMemory struct {
	Number int
	slot
}

// Checkpoint writes what the Balancer remembers, as JSON with times measured from base.
// A Balancer restored from it decides the same as this one from then on.
func (b *Balancer) Checkpoint(base time.Time) json.RawMessage {
	c := checkpoint{Now: b.now, Pass: b.pass, Probed: b.probed, Lines: b.lines}
	for number, s := range b.slots {
		c.Slots = append(c.Slots, slotMemory{number, *s})
	}
	slices.SortFunc(c.Slots, func(x, y slotMemory) int { return x.Number - y.Number })
	for i := range b.nodes {
		c.Meters = append(c.Meters, b.nodes[i].meter)
	}
	return plain.Append(nil, &c, base)
}

// RestoreBalancer makes a Balancer from the configuration and the checkpoint of another.
func RestoreBalancer(cfg Config, from json.RawMessage, base time.Time) (*Balancer, error) {
	b, err := NewBalancer(cfg)
	if err != nil {
		return nil, err
	}
	var c checkpoint
	if err := plain.Read(from, &c, base); err != nil {
		return nil, fmt.Errorf("cannot read the checkpoint: %w", err)
	}
	if len(c.Lines) != len(b.lines) || len(c.Meters) != len(b.nodes) {
		return nil, fmt.Errorf("cannot use the checkpoint: it is of another tree")
	}
	b.now, b.pass, b.probed = c.Now, c.Pass, c.Probed
	copy(b.lines, c.Lines)
	for i := range b.nodes {
		b.nodes[i].meter = c.Meters[i]
	}
	for i := range c.Slots {
		b.slots[c.Slots[i].Number] = &c.Slots[i].slot
	}
	return b, nil
}
