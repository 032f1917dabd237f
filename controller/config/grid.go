package config

import (
	"fmt"
	"slices"
	"strings"

	"busbar/loadbalance"
)

// GridType is the kind of supply.
type GridType string

// The grids. What a connector's phases are in each stands at wires.
const (
	GridStar    GridType = "star-230-400"  // with neutral
	GridDelta   GridType = "delta-3x230"   // without neutral, also IT
	GridStar120 GridType = "star-120-208"  // with neutral
	GridSplit   GridType = "split-120-240" // L1 and L2 and neutral
)

// balancing is the grid as load management knows it.
func (t GridType) balancing() loadbalance.Grid {
	switch t {
	case GridDelta:
		return loadbalance.GridDelta
	case GridStar120:
		return loadbalance.GridStar120
	case GridSplit:
		return loadbalance.GridSplit
	}
	return loadbalance.GridStar
}

// Volts is the voltage from a line to the star point, or the middle, where nominal is
// that of Site.NominalV.
func (t GridType) Volts(nominal int) int {
	if t == GridDelta {
		return (nominal*577 + 500) / 1000
	}
	return nominal
}

// StateGrid is the state of a supply in which the limits of the circuit itself hold.
const StateGrid = "grid"

// SupplyState is a set of limits that holds for a supply's circuit while the supply is in
// that state.
type SupplyState struct {
	Name  string
	Limit loadbalance.PerPhase // all 0: the chargers get nothing
	Power Watt                 // 0: no limit
	// WorstBase is that of the supply if nil.
	WorstBase *loadbalance.PerPhase
}

// Percent is a share.
type Percent int

func supplyKind() kind[Supply] {
	return object(
		required("circuit", "id of the circuit this supply feeds", identifierOf[loadbalance.NodeID](), func(s *Supply) *loadbalance.NodeID { return &s.Circuit }),
		maybe("meter", "id of the meter that measures the whole supply; without one worst_base_a counts for ever", identifier(), func(s *Supply) *string { return &s.Meter }),
		required("type", "kind of supply: star-230-400, delta-3x230 (no neutral), star-120-208 or split-120-240", enum(GridStar, GridDelta, GridStar120, GridSplit), func(s *Supply) *GridType { return &s.Type }),
		required("worst_base_a", "the worst load beside the chargers for L1, L2, L3, such as [20, 20, 20]", perPhase(amps(true, 0, 6300)), func(s *Supply) *loadbalance.PerPhase { return &s.WorstBase }),
		optional("largest_step_a", "the largest load beside the chargers that switches on at once; what exceeds 0.4 of the limit is kept free",
			amps(true, 0, 6300), 0, func(s *Supply) *loadbalance.MilliAmp { return &s.LargestStep }),
		maybe("imbalance_a", "the most two lines may differ by, such as 20 (4.6 kVA at 230 V); no limit if absent", amps(false, 1, 6300), func(s *Supply) *loadbalance.MilliAmp { return &s.Imbalance }),
		maybe("continuous_factor", "share of each fuse below that may flow for hours, such as 0.8 in North America; 1 if absent", share(), func(s *Supply) *Percent { return &s.Continuous }),
		maybe("states", "other states of the supply, such as generator or island, each with its limits", list(supplyStateKind(), 0, 8), func(s *Supply) *[]SupplyState { return &s.States }),
		maybe("state", "state until another one is told: grid, or one of states; without it the least of all limits holds until then", identifier(), func(s *Supply) *string { return &s.State }),
	)
}

func supplyStateKind() kind[SupplyState] {
	return object(
		required("name", "name of the state, such as generator", identifier(), func(s *SupplyState) *string { return &s.Name }),
		required("limit_a", "what the circuit may carry in this state for L1, L2, L3; [0, 0, 0] where the chargers get nothing", perPhase(amps(true, 1, 6300)), func(s *SupplyState) *loadbalance.PerPhase { return &s.Limit }),
		maybe("limit_kw", "power in this state, of chargers and building", power(), func(s *SupplyState) *Watt { return &s.Power }),
		maybe("worst_base_a", "the worst load beside the chargers in this state; that of the supply if absent", pointer(perPhase(amps(true, 0, 6300))), func(s *SupplyState) **loadbalance.PerPhase { return &s.WorstBase }),
	)
}

// pointer tells absence from zero.
func pointer[T any](k kind[T]) kind[*T] {
	return kind[*T]{
		read: func(r *reader, n node, path string) *T { return new(k.read(r, n, path)) },
		write: func(v *T) node {
			if v == nil {
				return node{}
			}
			return k.write(*v)
		},
		schema: k.schema,
	}
}

// share is 0.5 to 1, in hundredths.
func share() kind[Percent] {
	return kind[Percent]{
		read: func(r *reader, n node, path string) Percent {
			v, ok := milliAmp(n) // thousandths, whatever of
			if !ok || v < 500 || v > 1000 || v%10 != 0 {
				r.problem(path, "must be a share from 0.5 to 1 as a plain number, got "+n.describe(), "Write one with at most two decimals, such as 0.8.")
				return 0
			}
			return Percent(v / 10)
		},
		write:  func(v Percent) node { return node{kind: numberNode, text: decimal(float64(v) / 100)} },
		schema: func() schema { return schema{"type": "number", "minimum": 0.5, "maximum": 1} },
	}
}

// Supply is the entry of grid above a circuit; false if none is.
func (c *Config) Supply(of loadbalance.NodeID) (Supply, bool) {
	for range c.Circuits {
		circuit, ok := c.circuit(of)
		if !ok {
			break
		}
		if circuit.Parent == "" {
			i := slices.IndexFunc(c.Grid, func(s Supply) bool { return s.Circuit == circuit.ID })
			if i < 0 {
				break
			}
			return c.Grid[i], true
		}
		of = circuit.Parent
	}
	return Supply{}, false
}

// Type is the kind of grid that feeds a circuit.
func (c *Config) Type(of loadbalance.NodeID) GridType {
	if s, ok := c.Supply(of); ok && s.Type != "" {
		return s.Type
	}
	return GridStar
}

// GridOf is the grid that feeds a circuit as load management knows it.
func (c *Config) GridOf(of loadbalance.NodeID) loadbalance.Grid { return c.Type(of).balancing() }

// Volts is the voltage of the site from a line to the star point or the middle.
func (c *Config) Volts() int {
	if len(c.Grid) == 0 {
		return c.Site.NominalV
	}
	return c.Grid[0].Type.Volts(c.Site.NominalV)
}

// LeastVolts is the least that an ampere in one conductor stands for at any charger of the
// site, whatever is known of its wiring: what limits in watts can count on.
func (c *Config) LeastVolts() int {
	least := c.Site.NominalV
	for _, s := range c.Grid {
		switch s.Type {
		case GridDelta:
			least = min(least, c.Site.NominalV/2)
		case GridStar120:
			least = min(least, c.Site.NominalV*866/1000)
		}
	}
	return least
}

// node adds what a supply says to its circuit.
func (s *Supply) node(n *loadbalance.Node) {
	n.Grid, n.Metered, n.WorstBase, n.LargestStep, n.Imbalance = s.Type.balancing(), s.Meter != "", s.WorstBase, s.LargestStep, s.Imbalance
	for _, state := range s.States {
		n.States = append(n.States, loadbalance.SupplyState{Name: state.Name, Limit: state.Limit, Power: int64(state.Power), WorstBase: state.WorstBase})
	}
}

// checkSupply looks at what grid, voltage and states say together.
func (r *reader) checkSupply(c *Config, i int) {
	s, path := c.Grid[i], index("grid", i)
	if s.Type == "" || !r.ok(path+".type") {
		return
	}
	if low := s.Type == GridStar120 || s.Type == GridSplit; r.ok("site") && low != (c.Site.NominalV < 200) {
		remedy := map[bool]string{true: "Write nominal_v: 120 in site.", false: "Write nominal_v: 230 in site."}[low]
		r.problem(path+".type", fmt.Sprintf("%s does not go with a nominal voltage of %d V", s.Type, c.Site.NominalV), remedy)
	}
	if i > 0 && s.Type != c.Grid[0].Type && (s.Type == GridDelta || c.Grid[0].Type == GridDelta) && r.ok("grid[0].type") {
		r.problem(path+".type", fmt.Sprintf("%s and %s on one site have no common nominal voltage", s.Type, c.Grid[0].Type), "Give each a box of its own.")
	}
	if s.Imbalance > 0 && s.Type == GridDelta {
		r.problem(path+".imbalance_a", "is about loads between a line and neutral, which a grid without neutral has none of", "Remove imbalance_a.")
	}
	if s.Type == GridSplit {
		r.splitHasNoThird(path+".worst_base_a", s.WorstBase)
		for k, state := range s.States {
			r.splitHasNoThird(index(path+".states", k)+".limit_a", state.Limit)
		}
	}
	r.checkStates(s, path)
}

// splitHasNoThird: currents of split phase stand at L1 and L2.
func (r *reader) splitHasNoThird(path string, p loadbalance.PerPhase) {
	if p[loadbalance.L3] != 0 && r.ok(path) {
		r.problem(path, "says something of L3, which a split phase supply doesn't have", "Write 0 for L3.")
	}
}

func (r *reader) checkStates(s Supply, path string) {
	unique(r, path+".states", "name", len(s.States), func(i int) string { return s.States[i].Name })
	names := []string{StateGrid}
	for i, state := range s.States {
		names = append(names, state.Name)
		if state.Name == StateGrid {
			r.problem(index(path+".states", i)+".name", "grid is the state in which the circuit's own limits hold", "Call it otherwise, or remove it.")
		}
	}
	switch {
	case s.State == "" || !r.ok(path+".states"):
	case len(s.States) == 0:
		r.problem(path+".state", "is said of a supply that has one state only", "Remove state, or add states: [{name: generator, limit_a: […]}].")
	case !slices.Contains(names, s.State):
		r.problem(path+".state", fmt.Sprintf("%s is no state of this supply", quote(s.State)), "Write one of: "+strings.Join(names, ", ")+".")
	}
}

// checkLimit looks at a circuit's limit with its grid in mind.
func (r *reader) checkLimit(c *Config, path string, circuit Circuit) {
	if c.Type(circuit.ID) != GridSplit {
		return
	}
	r.splitHasNoThird(path+".limit_a", circuit.Limit)
	r.splitHasNoThird(path+".worst_base_a", circuit.WorstBase)
}

// checkWires wants a connector's phases to be something the grid has.
func (r *reader) checkWires(c *Config, path string, charger Charger, conn Connector) {
	grid, wires := c.Type(charger.Circuit), loadbalance.Phases(conn.Wiring...)
	if len(conn.Wiring) == 0 || !r.ok(path+".phases") {
		return
	}
	switch {
	case grid == GridSplit && wires.Has(loadbalance.L3):
		r.problem(path+".phases", "names L3, which a split phase supply doesn't have", "Write [L1, L2] for 240 V, [L1] or [L2] for 120 V.")
	case grid == GridDelta && wires.Count() == 1:
		r.problem(path+".phases", "names one line, but in a grid without neutral a load lies between two", "Write both lines, such as [L1, L2]; [L1, L2, L3] for a three-phase charger.")
	}
}
