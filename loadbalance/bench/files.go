package bench

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"strconv"
	"strings"

	"busbar/loadbalance"
)

// The files of a workload's folder.
const (
	sessionsFile = "sessions.csv"
	topologyFile = "topology.json"
	baseFile     = "base_1s.csv"
)

// ReadWorkload reads a folder with sessions.csv, topology.json and perhaps base_1s.csv
// in the generator's format. Columns beyond those that every session needs may be
// missing. Errors name file and line.
func ReadWorkload(name string, dir fs.FS) (*Workload, error) {
	topology, err := dir.Open(topologyFile)
	if err != nil {
		return nil, fmt.Errorf("cannot open the workload: %w", err)
	}
	defer func() { _ = topology.Close() }()
	sessions, err := dir.Open(sessionsFile)
	if err != nil {
		return nil, fmt.Errorf("cannot open the workload: %w", err)
	}
	defer func() { _ = sessions.Close() }()
	base, err := dir.Open(baseFile)
	if errors.Is(err, fs.ErrNotExist) {
		return ReadParts(name, topology, sessions, nil)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot open the workload: %w", err)
	}
	defer func() { _ = base.Close() }()
	return ReadParts(name, topology, sessions, base)
}

// ReadParts reads the parts of a workload; base may be nil.
func ReadParts(name string, topology, sessions, base io.Reader) (*Workload, error) {
	w := &Workload{Name: name}
	if err := w.readTopology(topology); err != nil {
		return nil, err
	}
	if err := w.finish(); err != nil {
		return nil, fmt.Errorf("%s: %w", topologyFile, err)
	}
	if err := w.readSessions(sessions); err != nil {
		return nil, err
	}
	if base == nil {
		return w, nil
	}
	return w, w.readBase(base)
}

// currents is a limit in a file: one for all phases or one for each.
type currents [3]float64

func (c *currents) UnmarshalJSON(b []byte) error {
	var one float64
	if json.Unmarshal(b, &one) == nil {
		*c = currents{one, one, one}
		return nil
	}
	var each []float64
	if err := json.Unmarshal(b, &each); err != nil || len(each) != 3 {
		return fmt.Errorf("limit_a must be one number or three, not %s", b)
	}
	*c = currents(each)
	return nil
}

type topologyJSON struct {
	Nodes []struct {
		ID     string   `json:"id"`
		Parent *string  `json:"parent"`
		Limit  currents `json:"limit_a"`
		Fuse   string   `json:"fuse"`
	} `json:"nodes"`
	Connectors []struct {
		ID   string  `json:"id"`
		Node string  `json:"node"`
		Imax float64 `json:"imax_a"`
	} `json:"connectors"`
}

func (w *Workload) readTopology(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("cannot read %s: %w", topologyFile, err)
	}
	var t topologyJSON
	if err := json.Unmarshal(text, &t); err != nil {
		return fmt.Errorf("cannot use %s%s: %w", topologyFile, lineOf(text, err), err)
	}
	index := map[string]int{}
	for i, n := range t.Nodes {
		if _, twice := index[n.ID]; twice || n.ID == "" {
			return fmt.Errorf("cannot use %s: node id %q is empty or there twice", topologyFile, n.ID)
		}
		if least := min(n.Limit[0], n.Limit[1], n.Limit[2]); least < 0 || max(n.Limit[0], n.Limit[1], n.Limit[2]) > 100_000 {
			return fmt.Errorf("cannot use %s: node %q has limit_a %v, need 0 to 100000", topologyFile, n.ID, n.Limit)
		}
		index[n.ID] = i
	}
	for _, n := range t.Nodes {
		node := Node{ID: n.ID, Parent: -1, Limit: n.Limit}
		if n.Fuse == "gG" {
			node.Breaker = loadbalance.BreakerGG
		}
		if n.Parent != nil && *n.Parent != "" {
			at, ok := index[*n.Parent]
			if !ok {
				return fmt.Errorf("cannot use %s: node %q has the unknown parent %q", topologyFile, n.ID, *n.Parent)
			}
			node.Parent = at
		}
		w.Nodes = append(w.Nodes, node)
	}
	for _, c := range t.Connectors {
		at, ok := index[c.Node]
		if !ok {
			return fmt.Errorf("cannot use %s: connector %q is at the unknown node %q", topologyFile, c.ID, c.Node)
		}
		w.Connectors = append(w.Connectors, Connector{ID: c.ID, Node: at, Imax: c.Imax})
	}
	return nil
}

// lineOf tells where in a JSON text an error is, where it is known.
func lineOf(text []byte, err error) string {
	at := int64(-1)
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		at = e.Offset
	} else if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		at = e.Offset
	}
	if at < 0 || at > int64(len(text)) {
		return ""
	}
	return " line " + strconv.Itoa(1+bytes.Count(text[:at], []byte("\n")))
}

func (w *Workload) readSessions(r io.Reader) error {
	c, err := newColumns(sessionsFile, r, "connector", "arrive_s", "depart_s", "energy_kwh", "grid_phases", "imax_a")
	if err != nil {
		return err
	}
	connectors := map[string]int{}
	for i, x := range w.Connectors {
		connectors[x.ID] = i
	}
	for c.next() {
		s := Session{ID: c.text("id"), Arrive: c.whole("arrive_s"), Depart: c.whole("depart_s"), KWh: c.float("energy_kwh"), Imax: c.float("imax_a"), Min: 6}
		at, ok := connectors[c.text("connector")]
		if !ok {
			c.fail("connector", "is not in "+topologyFile)
		}
		s.Connector = at
		if s.ID == "" {
			s.ID = strconv.Itoa(len(w.Sessions))
		}
		if s.Arrive < 0 || s.Depart <= s.Arrive {
			c.fail("depart_s", "is not after the arrival, or that is before 0")
		}
		if s.KWh < 0 {
			c.fail("energy_kwh", "is negative")
		}
		if s.Imax <= 0 || s.Imax > 10_000 {
			c.fail("imax_a", "is not between 0 and 10000")
		}
		if s.Phases, ok = parsePhases(c.text("grid_phases")); !ok {
			c.fail("grid_phases", "is not like L1, L2L3 or L1L2L3")
		}
		if c.has("min_a") {
			s.Min = c.float("min_a")
		}
		s.EVCap = s.Imax
		if c.has("ev_cap_a") {
			s.EVCap = min(s.Imax, c.float("ev_cap_a"))
		}
		if c.has("declared_depart_s") {
			s.Declared = c.whole("declared_depart_s")
		}
		if c.has("priority") {
			s.Priority = c.whole("priority")
		}
		s.Car = readCar(c)
		w.Sessions = append(w.Sessions, s)
	}
	if c.err == nil && len(w.Sessions) == 0 {
		return fmt.Errorf("cannot use %s: it has no session", sessionsFile)
	}
	return c.err
}

// readCar reads how the car follows; what is missing is ideal.
func readCar(c *columns) CarModel {
	m := CarModel{}
	for _, f := range []struct {
		column string
		to     *float64
	}{{"battery_kwh", &m.BatteryKWh}, {"taper_from", &m.TaperFrom}, {"dead_s", &m.Dead}, {"up_a_s", &m.Up}, {"down_a_s", &m.Down}, {"underuse_a", &m.Underuse}, {"start_delay_s", &m.StartDelay}} {
		if c.has(f.column) {
			*f.to = c.float(f.column)
		}
	}
	switch c.text("behaviour") {
	case "limited":
		m.Behaviour = Limited
	case "delayed":
		m.Behaviour = Delayed
	case "slow":
		m.Behaviour = Slow
	case "ignores":
		m.Behaviour = Ignores
	}
	return m
}

// parsePhases reads "L2L3" in any order.
func parsePhases(text string) (loadbalance.PhaseSet, bool) {
	var set loadbalance.PhaseSet
	for part := range strings.SplitSeq(strings.TrimPrefix(text, "L"), "L") {
		if len(part) != 1 || part[0] < '1' || part[0] > '3' || set.Has(loadbalance.Phase(part[0]-'1')) {
			return 0, false
		}
		set |= 1 << (part[0] - '1')
	}
	return set, set != 0
}

// readBase reads t_s,L1_a,L2_a,L3_a: one row a second from 0 on.
func (w *Workload) readBase(r io.Reader) error {
	lines := bufio.NewScanner(r)
	for number := 1; lines.Scan(); number++ {
		if number == 1 {
			continue // header
		}
		fields := strings.Split(strings.TrimSpace(lines.Text()), ",")
		if len(fields) != 4 || fields[0] != strconv.Itoa(len(w.Base)) {
			return fmt.Errorf("cannot use %s line %d: need second %d and three currents, have %q", baseFile, number, len(w.Base), lines.Text())
		}
		var row loadbalance.PerPhase
		for p := range row {
			v, err := strconv.ParseFloat(fields[p+1], 64)
			if err != nil || !(math.Abs(v) <= 1e5) {
				return fmt.Errorf("cannot use %s line %d: %q is not a current", baseFile, number, fields[p+1])
			}
			row[p] = loadbalance.MilliAmp(math.Round(v * 1000))
		}
		w.Base = append(w.Base, row)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("cannot read %s: %w", baseFile, err)
	}
	if len(w.Base) == 0 {
		return fmt.Errorf("cannot use %s: it has no row", baseFile)
	}
	return nil
}
