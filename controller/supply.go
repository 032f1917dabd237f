package controller

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"busbar/loadbalance"
)

// stationNode is a virtual fuse between the first supply and everything the box controls
// below it: the cloud's cap on the station holds there, and only the chargers' current
// counts against it. That of another supply has the supply's name behind it.
const stationNode loadbalance.NodeID = "@station"

func isStation(node loadbalance.NodeID) bool {
	return strings.HasPrefix(string(node), string(stationNode))
}

// StateGrid is the state of a supply in which its circuit's own limits hold; "" is an
// unknown one.
const StateGrid = "grid"

// SupplyRequested says in which state a supply is, from somebody or something that knows:
// "grid" or a name of its states, "" if it isn't known any more. It is answered with a
// CommandAnswer.
type SupplyRequested struct {
	Reply  ReplyID
	Origin Origin
	Supply loadbalance.NodeID
	State  string
	For    time.Duration // it is unknown again after; 0: holds until another one is told
}

func (SupplyRequested) event() {}

// supply is a root of the tree at run time.
type supply struct {
	node    loadbalance.NodeID
	station loadbalance.NodeID // the virtual node below it
	states  []string           // beside StateGrid; none: it has no other state
	state   string             // "": unknown
	until   time.Time          // zero: until another one is told
}

// wireSupplies puts a virtual node under each supply.
func (s *Site) wireSupplies(l Layout) {
	own := len(s.nodes)
	for i := range own {
		top := s.nodes[i]
		if top.Parent != "" {
			continue
		}
		p := &supply{node: top.ID, station: stationNode}
		if len(s.supplies) > 0 {
			p.station += loadbalance.NodeID("/" + string(top.ID))
		}
		for _, state := range top.States {
			p.states = append(p.states, state.Name)
		}
		for _, known := range l.Supplies {
			if known.Node == top.ID {
				p.state = known.State
			}
		}
		for k := range own {
			if s.nodes[k].Parent == top.ID {
				s.nodes[k].Parent = p.station
			}
		}
		// Its limits are never what holds: those of the supply are as strict in every state.
		s.nodes = append(s.nodes, loadbalance.Node{ID: p.station, Parent: top.ID, Limit: mostOf(top), Breaker: top.Breaker})
		s.supplies = append(s.supplies, p)
	}
}

// mostOf is the highest limit of a node in any state.
func mostOf(n loadbalance.Node) loadbalance.PerPhase {
	most := n.Limit
	for _, state := range n.States {
		for p := range most {
			most[p] = max(most[p], state.Limit[p])
		}
	}
	return most
}

// below is the node a charger hangs at: straight below a supply means below its virtual
// node.
func (s *Site) below(node loadbalance.NodeID) loadbalance.NodeID {
	for _, p := range s.supplies {
		if p.node == node {
			return p.station
		}
	}
	return node
}

// circuitOf is the configured circuit that a node stands for.
func (s *Site) circuitOf(node loadbalance.NodeID) loadbalance.NodeID {
	for _, p := range s.supplies {
		if p.station == node {
			return p.node
		}
	}
	return node
}

// supplyOf is the supply above a node, nil if there is none.
func (s *Site) supplyOf(node loadbalance.NodeID) *supply {
	for _, p := range s.supplies {
		if s.hangsBelow(node, p.node) {
			return p
		}
	}
	return nil
}

// gridOf is the grid above a node.
func (s *Site) gridOf(node loadbalance.NodeID) loadbalance.Grid {
	if p := s.supplyOf(node); p != nil {
		for i := range s.nodes {
			if s.nodes[i].ID == p.node {
				return s.nodes[i].Grid
			}
		}
	}
	return loadbalance.GridStar
}

// supplyRequested takes a state; what nobody knows is the least of all limits.
func (s *Site) supplyRequested(ev SupplyRequested) {
	i := slices.IndexFunc(s.supplies, func(p *supply) bool { return p.node == ev.Supply })
	switch {
	case i < 0:
		s.answer(ev.Reply, CommandAnswer{Status: "Rejected", Reason: fmt.Sprintf("%s is no supply", ev.Supply)})
		return
	case len(s.supplies[i].states) == 0:
		s.answer(ev.Reply, CommandAnswer{Status: "Rejected", Reason: fmt.Sprintf("supply %s has no states: add them to its entry in grid", ev.Supply)})
		return
	case ev.State != "" && !slices.Contains(s.supplies[i].names(), ev.State):
		s.answer(ev.Reply, CommandAnswer{Status: "Rejected", Reason: fmt.Sprintf("supply %s has the states %s", ev.Supply, strings.Join(s.supplies[i].names(), ", "))})
		return
	}
	p := s.supplies[i]
	before := p.state
	p.state, p.until = ev.State, time.Time{}
	if ev.For > 0 && ev.State != "" {
		p.until = s.now.Add(ev.For)
	}
	s.passDue, s.passNow = true, true // a fuse may have changed
	s.planning.due = true
	s.stir()
	reply := ev.Reply
	then := func() { s.answer(reply, CommandAnswer{Status: "Accepted"}) }
	if before == p.state && !p.until.IsZero() {
		then() // told again and again
		return
	}
	s.noteThen(nil, SeverityInfo, "supply.state", string(p.node), fmt.Sprintf("supply is in state %s, says %s", cmp.Or(p.state, "unknown"), ev.Origin))
	kept := p.state
	if !p.until.IsZero() {
		kept = "" // unknown after a restart, as it would be by itself
	}
	s.persist(then, SettingRow{Key: supplyPrefix + string(p.node), Value: cmp.Or(kept, forgotten)})
}

func (s *Site) supplyView(node loadbalance.NodeID) *SupplyView {
	for _, p := range s.supplies {
		if p.node == node && len(p.states) > 0 {
			return &SupplyView{State: p.state, States: p.names(), Until: p.until}
		}
	}
	return nil
}

func (p *supply) names() []string { return append([]string{StateGrid}, p.states...) }

// supplyPrefix begins the names of the settings that hold the state of a supply; forgotten
// is that of an unknown one.
const (
	supplyPrefix = "supply/"
	forgotten    = "?"
)

// recoverSupplies takes back what was told last: it is newer than the configuration.
func (s *Site) recoverSupplies() {
	for _, p := range s.supplies {
		key := supplyPrefix + string(p.node)
		switch told := s.settings[key]; {
		case told == forgotten:
			p.state = ""
		case slices.Contains(p.names(), told):
			p.state = told
		}
		delete(s.settings, key) // no setting for anybody to see
	}
}

// watchSupplies forgets what was told for a time only, and says where nothing is known.
func (s *Site) watchSupplies() {
	for _, p := range s.supplies {
		if !p.until.IsZero() && !s.now.Before(p.until) {
			p.state, p.until = "", time.Time{}
			s.passDue, s.passNow = true, true
			s.note(SeverityWarning, "supply.state", string(p.node), "nobody tells the state of the supply any more")
		}
		s.wake(p.until)
		if len(p.states) == 0 || p.state != "" {
			s.clear("supply.unknown", string(p.node))
			continue
		}
		s.raise("supply.unknown", string(p.node), SeverityWarning, fmt.Sprintf("Nobody says in which state supply %s is: the least limits of all its states hold.", p.node),
			"Tell it: POST /api/v1/supplies/"+string(p.node)+"/state, or set state in its entry in grid.")
	}
}

// supplyInputs is what is known of the supplies that have states.
func (s *Site) supplyInputs(in []loadbalance.SupplyIn) []loadbalance.SupplyIn {
	for _, p := range s.supplies {
		if len(p.states) == 0 || p.state == "" {
			continue
		}
		state := p.state
		if state == StateGrid {
			state = ""
		}
		in = append(in, loadbalance.SupplyIn{Node: p.node, State: state})
	}
	return in
}
