package loadbalance

import (
	"bufio"
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite the golden scenarios in testdata")

// TestGolden plays the scenarios of testdata/*.txt and compares what the balancer
// does with what is written below each "----". A scenario is read as a story:
//
//	node  main limit=63 worst=40 metered
//	car   1 at=main phases=L1L2L3 max=32 failsafe=6 takes=16
//	base  main 20/20/20
//	run   30s
//	----
//	t+3s  1: raise 6.0 A -> 16.0 A, lease 2m0s
//	1: 16.0 A of 16.0 A, max
//
// In this little world chargers acknowledge at the next second, cars draw what they
// hold at once, and meters show the base load and the cars. Renewals are not shown.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(text))
			if *update {
				if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != string(text) {
				t.Errorf("%s differs; run with -update and read the difference. Now:\n%s", name, got)
			}
		})
	}
}

// play runs a scenario and gives back its text with the outcome as it is.
func play(t *testing.T, text string) string {
	s := &story{t: t, now: morning, base: map[NodeID][3]MilliAmp{}, meters: map[NodeID]string{}, stuck: map[NodeID]PerPhase{}}
	var out strings.Builder
	skip := false
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		line := lines.Text()
		switch {
		case line == "----":
			skip = true
			out.WriteString("----\n" + s.said.String() + s.state() + "\n")
			s.said.Reset()
		case skip && line != "":
		case skip:
			skip = false
		default:
			out.WriteString(line + "\n")
			s.do(line)
		}
	}
	return strings.TrimRight(out.String(), "\n") + "\n"
}

// story is a scenario under way.
type story struct {
	t      *testing.T
	b      *Balancer
	now    time.Time
	start  time.Time
	nodes  []Node
	conns  []Connector
	takes  []MilliAmp
	deaf   []bool
	sends  [][]onway
	base   map[NodeID][3]MilliAmp
	meters map[NodeID]string // "", "off" or "stuck"
	stuck  map[NodeID]PerPhase
	reads  []Reading
	caps   []Cap
	plan   Plan
	alarms string
	said   strings.Builder
}

func (s *story) do(line string) {
	line, _, _ = strings.Cut(line, "#")
	f := strings.Fields(line)
	if len(f) == 0 {
		return
	}
	switch f[0] {
	case "node":
		s.node(f[1:])
	case "car":
		s.car(f[1:])
	case "base":
		s.base[NodeID(f[1])] = s.phases(f[2])
	case "meter":
		s.meters[NodeID(f[1])] = strings.TrimPrefix(f[2], "on")
	case "cap":
		s.caps = s.caps[:0]
		if f[2] != "off" {
			s.caps = append(s.caps, Cap{Node: NodeID(f[1]), Limit: PerPhase(s.phases(f[2])), Rule: RuleSiteCap})
		}
	case "offline", "online":
		s.conn(f[1]).Online = f[0] == "online"
	case "takes", "max":
		s.set(f[0], f[1], s.amps(f[2]))
	case "deaf":
		s.deaf[s.at(f[1])] = true
	case "plug", "unplug":
		c := s.conn(f[1])
		*c = Connector{Slot: c.Slot, Node: c.Node, Phases: c.Phases, Min: c.Min, Max: c.Max, Failsafe: c.Failsafe, Priority: c.Priority, Online: c.Online}
		s.sends[s.at(f[1])] = nil
		if f[0] == "plug" {
			c.Wants, c.CanStartUnasked, c.WantsSince = true, true, s.now
		}
	case "run":
		d, err := time.ParseDuration(f[1])
		if err != nil {
			s.t.Fatal(err)
		}
		s.run(d)
	default:
		s.t.Fatalf("unknown word %q", f[0])
	}
}

func (s *story) node(f []string) {
	n := Node{ID: NodeID(f[0])}
	for _, word := range f[1:] {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "limit":
			n.Limit = PerPhase(s.phases(value))
		case "worst":
			n.WorstBase = PerPhase(s.phases(value))
		case "below":
			n.Parent = NodeID(value)
		case "step":
			n.LargestStep = s.amps(value)
		case "metered":
			n.Metered = true
		default:
			s.t.Fatalf("unknown word %q", word)
		}
	}
	s.nodes = append(s.nodes, n)
}

func (s *story) car(f []string) {
	slot, err := strconv.Atoi(f[0])
	if err != nil {
		s.t.Fatal(err)
	}
	c := Connector{Slot: slot, Node: "main", Min: 6 * Amp, Max: 32 * Amp, Online: true, Wants: true, CanStartUnasked: true, WantsSince: s.now}
	takes := 32 * Amp
	for _, word := range f[1:] {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "at":
			c.Node = NodeID(value)
		case "phases":
			for p := L1; p <= L3; p++ {
				if strings.Contains(value, p.String()) {
					c.Phases |= Phases(p)
				}
			}
		case "max":
			c.Max = s.amps(value)
		case "failsafe":
			c.Failsafe = s.amps(value)
		case "priority":
			c.Priority = int(s.amps(value) / Amp)
		case "takes":
			takes = s.amps(value)
		case "unplugged":
			c.Wants, c.CanStartUnasked, c.WantsSince = false, false, time.Time{}
		default:
			s.t.Fatalf("unknown word %q", word)
		}
	}
	s.conns, s.takes, s.deaf, s.sends = append(s.conns, c), append(s.takes, takes), append(s.deaf, false), append(s.sends, nil)
}

func (s *story) set(what, slot string, a MilliAmp) {
	if what == "max" {
		s.conn(slot).Max, s.conn(slot).CeilingRule = a, RuleOperator
		return
	}
	s.takes[s.at(slot)] = a
}

func (s *story) at(slot string) int {
	return slices.IndexFunc(s.conns, func(c Connector) bool { return strconv.Itoa(c.Slot) == slot })
}
func (s *story) conn(slot string) *Connector { return &s.conns[s.at(slot)] }

func (s *story) amps(text string) MilliAmp {
	a, err := strconv.ParseFloat(text, 64)
	if err != nil {
		s.t.Fatal(err)
	}
	return MilliAmp(a * 1000)
}

func (s *story) phases(text string) (out [3]MilliAmp) {
	parts := strings.Split(text, "/")
	for p := range out {
		out[p] = s.amps(parts[min(p, len(parts)-1)])
	}
	return out
}

func (s *story) run(d time.Duration) {
	if s.b == nil {
		b, err := NewBalancer(Config{Nodes: s.nodes})
		if err != nil {
			s.t.Fatal(err)
		}
		s.b = b
	}
	s.start = s.now
	for end := s.now.Add(d); s.now.Before(end); {
		s.now = s.now.Add(time.Second)
		s.live()
		s.pass()
	}
}

// live lets a second pass on chargers and meters.
func (s *story) live() {
	for i := range s.conns {
		c := &s.conns[i]
		if c.Online && len(s.sends[i]) > 0 {
			o := s.sends[i][0]
			c.Held, c.HeldAt, c.LeaseUntil, s.sends[i], c.SentOpen = o.limit, s.now, s.now.Add(o.lease), nil, false
		}
		if c.Online && c.Wants {
			c.MeasuredAt, c.Measured = s.now, s.drawn(i)
		}
	}
	for _, n := range s.nodes {
		if !n.Metered || s.meters[n.ID] == "off" {
			continue
		}
		r := Reading{Node: n.ID, At: s.now, Current: s.stuck[n.ID], Period: time.Second}
		if s.meters[n.ID] != "stuck" {
			r.Current = s.measure(n.ID)
			s.stuck[n.ID] = r.Current
		}
		s.reads = slices.DeleteFunc(s.reads, func(o Reading) bool { return o.Node == n.ID })
		s.reads = append(s.reads, r)
	}
}

// drawn is what a car draws: what its charger holds, at most what it takes.
func (s *story) drawn(i int) (out PerPhase) {
	c := &s.conns[i]
	a := c.Failsafe
	if s.now.Before(c.LeaseUntil) {
		a = c.Held
	}
	if a = min(a, s.takes[i]); s.deaf[i] {
		a = s.takes[i]
	}
	for p := range out {
		if c.Wants && (c.Phases == 0 || c.Phases.Has(Phase(p))) {
			out[p] = a
		}
	}
	return out
}

// measure is what the meter of a node shows; its last digit is never quite still.
func (s *story) measure(id NodeID) PerPhase {
	sum := PerPhase{-MilliAmp(s.now.Unix() % 2)}
	for _, n := range s.nodes {
		if s.hangs(n.ID, id) {
			for p := range sum {
				sum[p] += s.base[n.ID][p]
			}
		}
	}
	for i := range s.conns {
		if s.hangs(s.conns[i].Node, id) {
			for p, a := range s.drawn(i) {
				sum[p] += a
			}
		}
	}
	return sum
}

func (s *story) hangs(at, id NodeID) bool {
	for at != id {
		i := slices.IndexFunc(s.nodes, func(n Node) bool { return n.ID == at })
		if at = s.nodes[i].Parent; at == "" {
			return false
		}
	}
	return true
}

func (s *story) pass() {
	s.plan = s.b.Step(s.now, Input{Connectors: s.conns, Readings: s.reads, Caps: s.caps})
	for _, sp := range s.plan.Setpoints {
		if sp.Action == Keep || sp.Action == Release {
			continue
		}
		i := slices.IndexFunc(s.conns, func(c Connector) bool { return c.Slot == sp.Slot })
		c := &s.conns[i]
		present := c.Failsafe
		if s.now.Before(c.LeaseUntil) {
			present = c.Held
		}
		if sp.Limit > present {
			c.LastUp = s.now
		} else if sp.Limit < present {
			c.LastDown = s.now
		}
		s.sends[i] = []onway{{sp.Limit, sp.Lease, s.now}}
		c.SentOpen, c.Sent, c.SentAt = true, sp.Limit, s.now
		if sp.Action != Renew {
			urgent := map[bool]string{true: " at once"}[sp.Urgent]
			fmt.Fprintf(&s.said, "t+%v  %d: %s%s %v -> %v, lease %v\n", s.now.Sub(s.start), sp.Slot, actionName(sp.Action), urgent, present, sp.Limit, sp.Lease)
		}
	}
	var alarms strings.Builder
	for _, a := range s.plan.Alarms {
		alarms.WriteString(fmt.Sprintf(" [%s %s%s]", alarmNames[a.Kind], a.Node, strings.TrimPrefix(strconv.Itoa(a.Slot), "0")))
	}
	if alarms.String() != s.alarms {
		fmt.Fprintf(&s.said, "t+%v  alarms:%s\n", s.now.Sub(s.start), cmp.Or(alarms.String(), " none"))
		s.alarms = alarms.String()
	}
}

// state is what each connector holds in the end, and why.
func (s *story) state() string {
	var out strings.Builder
	for _, c := range s.conns {
		for _, sp := range s.plan.Setpoints {
			if sp.Slot != c.Slot {
				continue
			}
			why := ruleNames[sp.Reason.Rule]
			if sp.Reason.Node != "" && sp.Reason.Age == 0 {
				why += fmt.Sprintf(" %s.%v", sp.Reason.Node, sp.Reason.Phase)
			} else if sp.Reason.Node != "" {
				why += fmt.Sprintf(" %s, %v old", sp.Reason.Node, sp.Reason.Age)
			}
			fmt.Fprintf(&out, "%d: %v of %v, %s\n", sp.Slot, sp.Limit, sp.Target, why)
		}
	}
	return out.String()
}

var ruleNames = [...]string{"max", "share of", "waiting for", "idle", "profile", "site cap", "operator", "stale meter", "lost meter", "offline", "donor on", "pacing", "disobeys"}
var alarmNames = [...]string{"meter lost", "meter frozen", "overload", "disobedience", "fail-safe sum"}
