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
	Now     time.Time
	Pass    uint64
	Probed  time.Time
	Rotated time.Time
	Slots   []slotMemory
	Lines   []line       // in tree order
	Nodes   []nodeMemory // in tree order
}

type nodeMemory struct {
	Meter   meter
	Seated  int
	Swapped time.Time
}

type slotMemory struct {
	Number int
	slot
}

// Checkpoint writes what the Balancer remembers, as JSON with times measured from base.
// A Balancer restored from it decides the same as this one from then on.
func (b *Balancer) Checkpoint(base time.Time) json.RawMessage {
	c := checkpoint{Now: b.now, Pass: b.pass, Probed: b.probed, Rotated: b.rotatedAt, Lines: b.lines}
	for number, s := range b.slots {
		c.Slots = append(c.Slots, slotMemory{number, *s})
	}
	slices.SortFunc(c.Slots, func(x, y slotMemory) int { return x.Number - y.Number })
	for i := range b.nodes {
		n := &b.nodes[i]
		c.Nodes = append(c.Nodes, nodeMemory{Meter: *n.meter, Seated: n.seated, Swapped: n.swappedAt})
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
	if len(c.Lines) != len(b.lines) || len(c.Nodes) != len(b.nodes) {
		return nil, fmt.Errorf("cannot use the checkpoint: it is of another tree")
	}
	b.now, b.pass, b.probed, b.rotatedAt = c.Now, c.Pass, c.Probed, c.Rotated
	copy(b.lines, c.Lines)
	for i := range b.nodes {
		n := &b.nodes[i]
		*n.meter, n.seated, n.swappedAt = c.Nodes[i].Meter, c.Nodes[i].Seated, c.Nodes[i].Swapped
	}
	for i := range c.Slots {
		b.slots[c.Slots[i].Number] = &c.Slots[i].slot
	}
	return b, nil
}
