package record

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"busbar/loadbalance"
	"busbar/loadbalance/internal/plain"
)

// Pass is one pass of a recording, decided again.
type Pass struct {
	Line  int
	At    time.Time
	Input loadbalance.Input // valid until the next pass
	Plan  loadbalance.Plan  // of this replay; valid until the next pass
	// Same is true if the Plan is what was decided then. Did is what was commanded then.
	Same bool
	Did  []loadbalance.Setpoint
}

// Outcome sums a replay up.
type Outcome struct {
	Passes, Different int
	// Drifted counts checkpoints inside the recording that the replay did not arrive at:
	// a difference that may show in a decision only later.
	Drifted  int
	From, To time.Time
	// Site is what the recording's balancer was made from.
	Site loadbalance.Config
}

// ErrNotARecording is returned for files that are something else.
var ErrNotARecording = errors.New("cannot replay: this is not a recording of the balancer")

// Replay reads a recording and decides every pass again; visit, if set, sees each. The
// error says which line can't be read; differences are no error.
func Replay(r io.Reader, visit func(Pass)) (Outcome, error) {
	in := bufio.NewReaderSize(r, 1<<20)
	p := &player{visit: visit}
	for {
		raw, err := in.ReadBytes('\n')
		if len(raw) > 0 {
			p.line++
			if err := p.read(raw); err != nil {
				return p.out, err
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return p.out, fmt.Errorf("cannot replay: %w", err)
		}
	}
	if p.line == 0 {
		return p.out, ErrNotARecording
	}
	return p.out, nil
}

type player struct {
	visit   func(Pass)
	line    int
	base    time.Time
	cfg     loadbalance.Config
	b       *loadbalance.Balancer
	in      loadbalance.Input
	decided decision
	out     Outcome
}

// row is any line of a recording.
type row struct {
	Recording   int             `json:"recording"`
	Base        time.Time       `json:"base"`
	Config      json.RawMessage `json:"config"`
	Checkpoint  json.RawMessage `json:"checkpoint"`
	Pass        *int64          `json:"pass"`
	ConnectorsN *int            `json:"connectors_n"`
	ReadingsN   *int            `json:"readings_n"`
	CapsN       *int            `json:"caps_n"`
	SuppliesN   *int            `json:"supplies_n"`
	Connectors  changes         `json:"connectors"`
	Readings    changes         `json:"readings"`
	Caps        changes         `json:"caps"`
	Supplies    changes         `json:"supplies"`
	Did         json.RawMessage `json:"did"`
	Sum         string          `json:"sum"`
}

type changes map[string]json.RawMessage

func (p *player) read(raw []byte) error {
	var r row
	if err := json.Unmarshal(raw, &r); err != nil {
		if p.line == 1 {
			return ErrNotARecording
		}
		return fmt.Errorf("cannot replay line %d: %w", p.line, err)
	}
	switch {
	case p.line == 1:
		if r.Recording != 1 {
			return ErrNotARecording
		}
		p.base = r.Base
		if err := plain.Read(r.Config, &p.cfg, p.base); err != nil {
			return fmt.Errorf("cannot replay line 1: %w", err)
		}
		p.out.Site = p.cfg
	case r.Pass == nil:
		if p.b != nil && !bytes.Equal(p.b.Checkpoint(p.base), r.Checkpoint) {
			p.out.Drifted++
		}
		b, err := loadbalance.RestoreBalancer(p.cfg, r.Checkpoint, p.base)
		if err != nil {
			return fmt.Errorf("cannot replay line %d: %w", p.line, err)
		}
		p.b, p.in, p.decided = b, loadbalance.Input{}, decision{}
	case p.b == nil:
		return fmt.Errorf("cannot replay line %d: a pass before the first checkpoint", p.line)
	default:
		if err := p.pass(&r); err != nil {
			return fmt.Errorf("cannot replay line %d: %w", p.line, err)
		}
	}
	return nil
}

func (p *player) pass(r *row) error {
	var err error
	if p.in.Connectors, err = change(p.in.Connectors, r.ConnectorsN, r.Connectors, p.base); err != nil {
		return err
	}
	if p.in.Readings, err = change(p.in.Readings, r.ReadingsN, r.Readings, p.base); err != nil {
		return err
	}
	if p.in.Caps, err = change(p.in.Caps, r.CapsN, r.Caps, p.base); err != nil {
		return err
	}
	if p.in.Supplies, err = change(p.in.Supplies, r.SuppliesN, r.Supplies, p.base); err != nil {
		return err
	}
	v := Pass{Line: p.line, At: p.base.Add(time.Duration(*r.Pass)), Input: p.in}
	if err := plain.Read(r.Did, &v.Did, p.base); err != nil {
		return err
	}
	v.Plan = p.b.Step(v.At, p.in)
	v.Same = p.decided.sum(v.Plan, p.base) == r.Sum
	if p.out.Passes++; !v.Same {
		p.out.Different++
	}
	if p.out.From.IsZero() {
		p.out.From = v.At
	}
	p.out.To = v.At
	if p.visit != nil {
		p.visit(v)
	}
	return nil
}

// mostItems bounds what a line may ask for.
const mostItems = 100_000

// change applies what a line says of a list.
func change[T any](list []T, n *int, set changes, base time.Time) ([]T, error) {
	if n != nil {
		if *n < 0 || *n > mostItems {
			return nil, fmt.Errorf("a list of %d items", *n)
		}
		for len(list) < *n {
			var zero T
			list = append(list, zero)
		}
		list = list[:*n]
	}
	for at, raw := range set {
		i, err := strconv.Atoi(at)
		if err != nil || i < 0 || i >= len(list) {
			return nil, fmt.Errorf("item %q of %d", at, len(list))
		}
		if err := plain.Read(raw, &list[i], base); err != nil {
			return nil, err
		}
	}
	return list, nil
}
