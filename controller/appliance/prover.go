package appliance

import (
	"context"
	"time"

	"busbar/controller"
	"busbar/loadbalance"
)

const (
	// proverLooks is how often the prover looks for a charger to be proven.
	proverLooks = 30 * time.Second
	// provenAfter is how long a car must have charged: it is a real session then, and
	// its current steady.
	provenAfter = 5 * time.Minute
	// provenAgain is the time between two tries at one charger.
	provenAgain = 6 * time.Hour
)

// prover finishes the commissioning of chargers with their first real session: it makes
// the dead-man test where none was made yet, on one charger at a time (decision 14).
// Who drives there has the fall-back current for a few seconds, once.
type prover struct {
	b     *Box
	tried map[controller.StationID]time.Time
}

func (p *prover) run(ctx context.Context) error {
	tick := time.NewTicker(proverLooks)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case now := <-tick.C:
			if id, connector, ok := p.next(now); ok {
				p.tried[id] = now
				p.prove(ctx, id, connector)
			}
		}
	}
}

// next finds a charger without proof whose car draws enough for one.
func (p *prover) next(now time.Time) (id controller.StationID, connector int, ok bool) {
	snap := p.b.Snapshot()
	open := map[controller.StationID]bool{}
	for _, c := range snap.Chargers {
		tried, before := p.tried[c.Station]
		open[c.Station] = c.Online && c.FailsafeOK && c.Abilities.DeadMan.Result == "" && c.Abilities.Source != controller.AbilitiesConfigured &&
			(!before || now.Sub(tried) >= provenAgain)
	}
	for _, c := range snap.Connectors {
		draws := max(c.Measured[0], c.Measured[1], c.Measured[2])
		if open[c.Station] && c.Tx != 0 && now.Sub(c.Since) >= provenAfter && draws > c.Failsafe+c.Failsafe/10+loadbalance.Amp {
			return c.Station, c.Connector, true
		}
	}
	return "", 0, false
}

func (p *prover) prove(ctx context.Context, id controller.StationID, connector int) {
	if !p.b.probes.begin(id) {
		return
	}
	defer p.b.probes.end(id)
	a, err := newProbeSite(p.b, id).Prove(ctx, connector)
	switch {
	case err != nil:
		p.b.log.Info("cannot prove the fall-back of a charger", "station", id, "err", err)
	case a.Result != "":
		p.b.hub.Learn(id, func(known *controller.Abilities) {
			known.DeadMan = controller.DeadManProof{Mode: known.DeadMan.Mode, Result: a.Result, Fallback: a.Fallback, Took: a.Took, At: time.Now().UTC()}
			if known.DeadMan.Mode == "" {
				known.DeadMan.Mode = controller.DeadManTx
			}
		})
	}
}
