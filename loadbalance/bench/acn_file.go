package bench

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"strconv"

	"busbar/loadbalance"
)

// columns reads fields of a CSV file by the name of their column and remembers the
// first that cannot be read.
type columns struct {
	name string
	csv  *csv.Reader
	at   map[string]int
	row  []string
	err  error
}

// newColumns reads the header and checks that all needed columns are there.
func newColumns(name string, r io.Reader, needed ...string) (*columns, error) {
	c := &columns{name: name, csv: csv.NewReader(r), at: map[string]int{}}
	c.csv.ReuseRecord = true
	header, err := c.csv.Read()
	if err != nil {
		return nil, fmt.Errorf("cannot read the header of %s: %w", name, err)
	}
	for i, h := range header {
		c.at[h] = i
	}
	for _, n := range needed {
		if _, ok := c.at[n]; !ok {
			return nil, fmt.Errorf("cannot use %s: column %q is missing", name, n)
		}
	}
	return c, nil
}

// next goes to the next row; false at the end or after an error.
func (c *columns) next() bool {
	if c.err != nil {
		return false
	}
	row, err := c.csv.Read()
	if err == io.EOF {
		return false
	}
	if err != nil {
		c.err = fmt.Errorf("cannot read %s: %w", c.name, err)
		return false
	}
	c.row = row
	return true
}

func (c *columns) has(column string) bool {
	i, ok := c.at[column]
	return ok && c.row[i] != ""
}

func (c *columns) text(column string) string {
	i, ok := c.at[column]
	if !ok {
		return ""
	}
	return c.row[i]
}

func (c *columns) float(column string) float64 {
	v, err := strconv.ParseFloat(c.text(column), 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		c.fail(column, "is not a number")
	}
	return v
}

// whole reads seconds and counts; other tools write 3600.0, too.
func (c *columns) whole(column string) int {
	v := c.float(column)
	if math.Abs(v) > 1e12 {
		c.fail(column, "is out of range")
		return 0
	}
	return int(v)
}

func (c *columns) fail(column, what string) {
	if c.err == nil {
		line, _ := c.csv.FieldPos(c.at[column])
		c.err = fmt.Errorf("cannot use %s line %d: %s %q %s", c.name, line, column, c.text(column), what)
	}
}

// ACNSession is one row of the file of ACN sessions.
type ACNSession struct {
	Station        string
	Arrive, Depart int // slots of 5 minutes
	KWh            float64
	Feeder, Board  string
	Phases         loadbalance.PhaseSet // on the European tree
	Imax           float64              // A, on the European tree
}

// ReadACN reads acn_caltech_2019-03.csv: sessions in order of arrival.
func ReadACN(name string, r io.Reader) ([]ACNSession, error) {
	c, err := newColumns(name, r, "arrive_slot5m", "depart_slot5m", "station_id", "requested_kwh", "eu_feeder", "eu_board", "eu_phases", "eu_l1_phase", "eu_imax_a")
	if err != nil {
		return nil, err
	}
	var out []ACNSession
	for c.next() {
		s := ACNSession{Station: c.text("station_id"), Arrive: c.whole("arrive_slot5m"), Depart: c.whole("depart_slot5m"), KWh: c.float("requested_kwh"),
			Feeder: "f" + c.text("eu_feeder"), Board: "b" + c.text("eu_board"), Phases: loadbalance.AllPhases, Imax: c.float("eu_imax_a")}
		if l1 := c.whole("eu_l1_phase"); c.text("eu_phases") != "3" {
			if l1 < 1 || l1 > 3 {
				c.fail("eu_l1_phase", "is not 1, 2 or 3")
			}
			s.Phases = loadbalance.Phases(loadbalance.Phase(l1 - 1))
		}
		if s.Depart <= s.Arrive {
			c.fail("depart_slot5m", "is not after the arrival")
		}
		out = append(out, s)
	}
	return out, c.err
}

// EUTree puts ACN sessions on a tree of 230/400 V (scenario W1): the root as given,
// boards at 0.6 of it but at least 16 A, feeders of 32 A, one connector for each
// station, stays in whole slots.
func EUTree(name string, rootAmps float64, sessions []ACNSession) (*Workload, error) {
	w := &Workload{Name: name}
	index := map[string]int{}
	node := func(id string, parent int, limit float64) int {
		i, ok := index[id]
		if !ok {
			i = len(w.Nodes)
			index[id] = i
			w.Nodes = append(w.Nodes, Node{ID: id, Parent: parent, Limit: [3]float64{limit, limit, limit}})
		}
		return i
	}
	grid := node("grid", -1, rootAmps)
	stations := map[string]int{}
	for i, s := range sessions {
		board := node(s.Board, grid, max(16, math.Floor(.6*rootAmps+.5)))
		feeder := node(s.Feeder, board, 32)
		at, ok := stations[s.Station]
		if !ok {
			at = len(w.Connectors)
			stations[s.Station] = at
			w.Connectors = append(w.Connectors, Connector{ID: s.Station, Node: feeder, Imax: 32})
		}
		w.Sessions = append(w.Sessions, Session{ID: strconv.Itoa(i), Connector: at, Arrive: s.Arrive * SlotSeconds, Depart: s.Depart * SlotSeconds, KWh: s.KWh,
			Phases: s.Phases, Imax: s.Imax, EVCap: s.Imax, Min: 6})
	}
	return w, w.finish()
}
