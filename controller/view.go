package controller

import (
	"maps"
	"slices"
	"strings"
	"time"

	"busbar/loadbalance"
)

// Snapshot is an immutable picture of the state at now.
func (s *Site) Snapshot(now time.Time) *Snapshot {
	snap := &Snapshot{
		At: now, SiteID: s.siteInfo.id, SiteName: s.siteInfo.name, Demo: s.cfg.Demo,
		Connectors: make([]ConnectorView, 0, len(s.slots)), Statuses: make([]SlotStatus, 0, len(s.slots)+1),
		Uplink: UplinkView{Station: s.cfg.Layout.Uplink.Station, URL: s.cfg.Layout.Uplink.URL, Protocol: s.cfg.Layout.Uplink.Protocol,
			State: s.uplink.state, Detail: s.uplink.detail, Since: s.uplink.since},
		Alarms: s.activeAlarms(), Log: slices.Clone(s.log[max(0, len(s.log)-logKept):]), Settings: maps.Clone(s.settings),
		Plan: s.planning.shown(), SetpointSum: s.setpoints, TxStarted: s.txStarted, JournalError: s.journalErr,
	}
	snap.Statuses = append(snap.Statuses, s.stationStatus())
	for _, sl := range s.slots {
		snap.Connectors = append(snap.Connectors, s.connectorView(sl))
		snap.Statuses = append(snap.Statuses, s.effective(sl))
	}
	for _, st := range s.order {
		snap.Chargers = append(snap.Chargers, st.view())
	}
	slices.SortFunc(snap.Chargers, func(a, b ChargerView) int { return strings.Compare(string(a.Station), string(b.Station)) })
	for id, w := range s.waiting {
		snap.Waiting = append(snap.Waiting, WaitingView{Station: id, Remote: w.remote, Info: w.info, Since: w.since})
	}
	slices.SortFunc(snap.Waiting, func(a, b WaitingView) int { return strings.Compare(string(a.Station), string(b.Station)) })
	for _, m := range s.meters {
		snap.Meters = append(snap.Meters, MeterView{ID: m.layout.ID, Node: string(m.layout.Node), Current: m.current, Power: m.power, At: m.at, Err: m.err})
	}
	snap.Nodes = s.nodeViews()
	return snap
}

func (st *station) view() ChargerView {
	v := ChargerView{Station: st.id, Node: string(st.node), Online: st.online, Protocol: st.protocol, Remote: st.remote, Info: st.info,
		Since: st.since, LastHeard: st.lastHeard, FailsafeOK: st.installed == int32(st.failsafe)}
	if isStation(st.node) {
		v.Node = ""
	}
	for _, sl := range st.slots {
		v.Slots = append(v.Slots, sl.number)
	}
	st.learnt.view(&v)
	v.Jobs = st.service.jobs
	return v
}

func (s *Site) connectorView(sl *slot) ConnectorView {
	eff := s.effective(sl)
	v := ConnectorView{
		Slot: sl.number, Connector: sl.layout.Number, Bay: sl.layout.Bay, EVSEID: sl.layout.EVSEID, Node: string(sl.node),
		PhaseSet: sl.wires.set, Status: eff.Status, ErrorCode: eff.ErrorCode, Info: eff.Info, Register: sl.register,
		Target: sl.setpoint.Target, Max: sl.layout.Max, LeaseUntil: sl.lim.leaseUntil, Measured: sl.measured, MeasuredAt: sl.measuredAt, SoC: sl.soc,
		Reason: sl.setpoint.Reason, Operative: !sl.inoperable, OperatorLimit: -1,
	}
	if sl.operator.set {
		v.OperatorLimit, v.OperatorUntil = sl.operator.limit, sl.operator.until
	}
	if isStation(sl.node) {
		v.Node = ""
	}
	for _, p := range sl.layout.Wiring {
		v.Phases += p.String()
	}
	if sl.station != nil {
		v.Station, v.Online, v.Failsafe = sl.station.id, sl.station.online, sl.station.failsafe
		v.Setpoint = sl.lim.present(s.now, sl.failsafe())
	}
	if t := sl.tx; t != nil {
		v.Tx, v.UpTx, v.Token, v.Since = t.id, t.row.UpTx, maskToken(t.row.Token), t.row.StartedAt
		v.Energy = sl.register - t.row.MeterStart
		look := s.outlook(sl)
		v.Departure, v.DepartureBy, v.Needs, v.NeedsBy = look.departure, look.leavesBy, look.energy, look.needsBy
		if p := s.planned(sl); p != nil {
			v.Planned, v.PlanRank = p.steps, p.rank
		}
		if look.vehicle != nil {
			v.Vehicle = look.vehicle.ID
		}
	} else {
		v.Setpoint, v.Measured = 0, loadbalance.PerPhase{}
	}
	return v
}

func (s *Site) nodeViews() []NodeView {
	var out []NodeView
	for _, n := range s.nodes {
		if isStation(n.ID) {
			continue
		}
		v := NodeView{ID: string(n.ID), Parent: string(s.circuitOf(n.Parent)), Limit: n.Limit, Metered: n.Metered, State: "ok"}
		for _, st := range s.plan {
			if st.Node == n.ID {
				v.fill(st)
			}
		}
		v.Supply = s.supplyView(n.ID)
		if !n.Metered {
			v.Measured = s.sumBelow(n.ID)
		}
		out = append(out, v)
	}
	return out
}

func (v *NodeView) fill(st loadbalance.NodeState) {
	v.Limit, v.Measured, v.Age, v.Base, v.Booked, v.Headroom = st.Rated, st.Measured, st.Age, st.Base, st.Booked, st.Headroom
	switch {
	case !v.Metered:
	case st.Frozen:
		v.State = "frozen"
	case st.Lost:
		v.State = "lost"
	case !st.Fresh:
		v.State = "stale"
	}
}

// sumBelow is what the chargers below a node without meter report.
func (s *Site) sumBelow(node loadbalance.NodeID) loadbalance.PerPhase {
	var sum loadbalance.PerPhase
	for _, sl := range s.slots {
		if sl.tx == nil || !s.hangsBelow(sl.node, node) {
			continue
		}
		for p := range sum {
			sum[p] += sl.measured[p]
		}
	}
	return sum
}

func (s *Site) hangsBelow(at, node loadbalance.NodeID) bool {
	for range s.nodes {
		if at == node {
			return true
		}
		i := slices.IndexFunc(s.nodes, func(n loadbalance.Node) bool { return n.ID == at })
		if i < 0 || s.nodes[i].Parent == "" {
			return false
		}
		at = s.nodes[i].Parent
	}
	return false
}
