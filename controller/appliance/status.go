package appliance

import (
	"sync"
	"time"

	"busbar/controller"
	"busbar/loadbalance"
)

// stress watches what the metered fuses go through, as far as their meters tell.
type stress struct {
	mu    sync.Mutex
	nodes map[string]*nodeStress // by meter
}

type nodeStress struct {
	at     time.Time
	phases [3]loadbalance.Stress
}

func newStress(l controller.Layout) *stress {
	s := &stress{nodes: map[string]*nodeStress{}}
	for _, m := range l.Meters {
		for _, n := range l.Nodes {
			if n.ID != m.Node {
				continue
			}
			ns := &nodeStress{}
			for p := range ns.phases {
				ns.phases[p] = loadbalance.NewStress(n.Breaker, n.Limit[p])
			}
			s.nodes[m.ID] = ns
		}
	}
	return s
}

// longestGap bounds the time one reading stands for.
const longestGap = 10 * time.Second

func (s *stress) add(m controller.MeterSampled) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.nodes[m.Meter]
	if n == nil {
		return
	}
	dt := time.Duration(0)
	if !n.at.IsZero() {
		dt = min(m.At.Sub(n.at), longestGap)
	}
	n.at = m.At
	for p := range n.phases {
		n.phases[p].Add(dt, m.Current[p])
	}
}

func (s *stress) fill(st *controller.Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.nodes {
		for p := range n.phases {
			ph := &n.phases[p]
			st.WorstOverloadA = max(st.WorstOverloadA, float64(ph.WorstExcess())/1000)
			st.WorstOverloadMs = max(st.WorstOverloadMs, ph.LongestEvent().Milliseconds())
			st.OverloadIntegralS = max(st.OverloadIntegralS, ph.WorstJ())
		}
	}
}

// Status is the report of the box as it is now.
func (b *Box) Status() controller.Status {
	snap := b.loop.Snapshot()
	out := b.outbox()
	st := controller.Status{
		Connectors: len(snap.Connectors), UpstreamConnected: snap.Uplink.State == controller.UplinkAccepted, UpstreamProtocol: snap.Uplink.Protocol,
		TransactionsStarted: snap.TxStarted, TransactionsDelivered: out.Delivered, OutboxPending: out.Pending, OutboxParked: out.Parked,
		EnergyWhDelivered: out.DeliveredEnergy, SetpointChanges: snap.SetpointSum, ReactionMsP99: b.reactions.p99(),
	}
	for _, c := range snap.Chargers {
		if c.Online {
			st.ChargersConnected++
		}
	}
	for _, c := range snap.Connectors {
		st.EnergyWhChargers += c.Energy
	}
	st.EnergyWhChargers += out.DeliveredEnergy
	st.ChargerNetwork = b.networkSecurity()
	fillPlan(&st, snap)
	b.fillGrid(&st, snap)
	b.stress.fill(&st)
	if b.decorate != nil {
		b.decorate(&st)
	}
	return st
}

// fillGrid adds what the first supply shows.
func (b *Box) fillGrid(st *controller.Status, snap *controller.Snapshot) {
	for _, n := range snap.Nodes {
		if n.Parent != "" {
			continue
		}
		for p, a := range n.Limit {
			st.GridLimitA[p] = float64(a) / 1000
		}
		for _, m := range snap.Meters {
			if m.Node != n.ID || m.At.IsZero() {
				continue
			}
			st.MeterAgeMs = new(time.Since(m.At).Milliseconds())
			st.GridCurrentA = new([3]float64{float64(m.Current[0]) / 1000, float64(m.Current[1]) / 1000, float64(m.Current[2]) / 1000})
		}
		return
	}
}

// fillPlan adds how planning goes.
func fillPlan(st *controller.Status, snap *controller.Snapshot) {
	p := &snap.Plan
	if st.PlanFailures = p.Failures; p.State == controller.PlanFollowed {
		st.PlanAgeS, st.PlanIterations, st.PlanGap = new(snap.At.Sub(p.At).Seconds()), new(p.Iterations), new(p.Gap)
	}
}
