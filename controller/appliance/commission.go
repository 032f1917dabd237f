package appliance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"busbar/controller"
	"busbar/controller/commission"
	"busbar/loadbalance"
)

// Why a charger can't be probed now.
var (
	ErrUnknownCharger = errors.New("there is no such charger")
	ErrNotConnected   = errors.New("the charger is not connected")
	ErrNotBooted      = errors.New("the charger has not said what it is")
	ErrProbed         = errors.New("the charger is being probed already")
)

const (
	// proofLease and proofWatch are the times of the dead-man test.
	proofLease = 30 * time.Second
	proofWatch = 45 * time.Second
	// callsWithin bounds each call of a probe.
	callsWithin = 40 * time.Second
	// looksEvery is how often a probe looks at the site.
	looksEvery = 500 * time.Millisecond
)

// probes are the chargers being probed. Its methods may be called from any goroutine.
type probes struct {
	mu  sync.Mutex
	now map[controller.StationID]bool
}

// begin takes the place of a charger's one probe; false if it is taken.
func (p *probes) begin(id controller.StationID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.now[id] {
		return false
	}
	if p.now == nil {
		p.now = map[controller.StationID]bool{}
	}
	p.now[id] = true
	return true
}

func (p *probes) end(id controller.StationID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.now, id)
}

// Commission probes a connected charger and remembers what it learnt. It takes seconds,
// with a car charging up to five minutes. The errors are ErrUnknownCharger,
// ErrNotConnected, ErrNotBooted, ErrProbed and those of commission.Run.
func (b *Box) Commission(ctx context.Context, id controller.StationID) (commission.Verdict, error) {
	c, online, ok := b.probed(id)
	switch {
	case !ok:
		return commission.Verdict{}, ErrUnknownCharger
	case !online:
		return commission.Verdict{}, ErrNotConnected
	case c.Info == controller.ChargerInfo{}:
		return commission.Verdict{}, ErrNotBooted // whose abilities would they be?
	case !b.probes.begin(id):
		return commission.Verdict{}, ErrProbed
	}
	defer b.probes.end(id)
	v, err := commission.Run(ctx, c, probeCaller{b, id}, newProbeSite(b, id))
	if err != nil {
		return v, err
	}
	b.hub.Learn(id, func(a *controller.Abilities) { *a = v.Abilities })
	return v, nil
}

// probed is what is known of a charger before its probe.
func (b *Box) probed(id controller.StationID) (c commission.Charger, online, ok bool) {
	snap := b.Snapshot()
	for _, v := range snap.Chargers {
		if v.Station != id {
			continue
		}
		c = commission.Charger{Station: id, Protocol: v.Protocol, Info: v.Info, NominalV: b.opts.Config.LeastVolts(), Abilities: v.Abilities}
		for _, o := range snap.Connectors {
			if o.Station == id {
				c.Failsafe = o.Failsafe // of the charger: the same for all its connectors
			}
		}
		return c, v.Online, true
	}
	return c, false, false
}

// probeCaller is the Hub for a probe.
type probeCaller struct {
	b  *Box
	id controller.StationID
}

// Call implements commission.Caller.
func (p probeCaller) Call(ctx context.Context, action string, payload json.RawMessage) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, callsWithin)
	defer cancel()
	return p.b.hub.Call(ctx, p.id, action, payload)
}

// probeSite is the control loop for a probe.
type probeSite struct {
	b      *Box
	id     controller.StationID
	former map[controller.Slot]operatorLimit // before a Hold
}

func newProbeSite(b *Box, id controller.StationID) probeSite {
	return probeSite{b, id, map[controller.Slot]operatorLimit{}}
}

// operatorLimit is what an operator set on a connector; below 0: nothing.
type operatorLimit struct {
	limit loadbalance.MilliAmp
	until time.Time // zero: until lifted
}

var (
	_ commission.Caller = probeCaller{}
	_ commission.Site   = probeSite{}
)

// Connectors implements commission.Site.
func (p probeSite) Connectors() []commission.Connector {
	var out []commission.Connector
	for _, c := range p.b.Snapshot().Connectors {
		if c.Station == p.id {
			out = append(out, commission.Connector{Number: c.Connector, Phases: c.PhaseSet.Count(), Tx: c.Tx, Setpoint: c.Setpoint,
				Measured: max(c.Measured[0], c.Measured[1], c.Measured[2]), MeasuredAt: c.MeasuredAt})
		}
	}
	return out
}

// operator is the limit of an operator on a slot.
func (p probeSite) operator(slot controller.Slot) (l operatorLimit) {
	l.limit = -1
	for _, c := range p.b.Snapshot().Connectors {
		if c.Slot == slot {
			l = operatorLimit{c.OperatorLimit, c.OperatorUntil}
		}
	}
	return l
}

// slot is the site's number of a connector; 0 if there is none.
func (p probeSite) slot(connector int) controller.Slot {
	for _, c := range p.b.Snapshot().Connectors {
		if c.Station == p.id && c.Connector == connector {
			return c.Slot
		}
	}
	return 0
}

// Wait implements commission.Site.
func (p probeSite) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(looksEvery):
		return nil
	}
}

// Hold implements commission.Site. An operator's limit that it took the place of comes
// back when it is lifted.
func (p probeSite) Hold(ctx context.Context, connector int, limit loadbalance.MilliAmp, lasts time.Duration) error {
	slot := p.slot(connector)
	if limit >= 0 {
		p.former[slot] = p.operator(slot)
	} else if f, ok := p.former[slot]; ok && f.limit >= 0 && (f.until.IsZero() || time.Now().Before(f.until)) {
		if limit = f.limit; !f.until.IsZero() {
			lasts = time.Until(f.until)
		}
	}
	body, err := p.b.Ask(ctx, func(id controller.ReplyID) controller.Event {
		return controller.LimitRequested{Reply: id, Origin: controller.FromCommissioning, Slot: slot, Limit: limit, For: lasts}
	})
	if err != nil {
		return err
	}
	if answer, ok := body.(controller.CommandAnswer); !ok || answer.Status != "Accepted" {
		return fmt.Errorf("cannot limit connector %d: %+v", connector, body)
	}
	return nil
}

// Prove implements commission.Site.
func (p probeSite) Prove(ctx context.Context, connector int) (controller.ProofAnswer, error) {
	slot := p.slot(connector)
	ctx, cancel := context.WithTimeout(ctx, proofLease+proofWatch+2*time.Minute)
	defer cancel()
	body, err := p.b.Ask(ctx, func(id controller.ReplyID) controller.Event {
		return controller.ProofRequested{Reply: id, Slot: slot, Lease: proofLease, Watch: proofWatch}
	})
	if err != nil {
		return controller.ProofAnswer{}, err
	}
	answer, ok := body.(controller.ProofAnswer)
	if !ok {
		panic("appliance: a proof was answered with something else")
	}
	return answer, nil
}
