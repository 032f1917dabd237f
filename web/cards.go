package web

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"busbar/controller"
	"busbar/loadbalance"
)

// nodeCard is one fuse on the page.
type nodeCard struct {
	controller.NodeView
	words   language
	depth   int
	phases  [3]phaseBar
	trouble string // what its meter's reader says
	power   string // of its meter, "" if not known
}

// phaseBar is the current on one phase of one fuse.
type phaseBar struct {
	name     string
	now      loadbalance.MilliAmp
	cars     loadbalance.MilliAmp // of it at chargers below, as they report
	limit    loadbalance.MilliAmp
	headroom loadbalance.MilliAmp
	known    bool
}

// barScale is how far a bar reaches: 125 % of the fuse, so that an overload shows.
const barScale = 1.25

// width is the part of the bar that a current fills, 0..100.
func (b phaseBar) width(a loadbalance.MilliAmp) string {
	if b.limit <= 0 || !b.known {
		return "0"
	}
	w := float64(a) / (float64(b.limit) * barScale) * 100
	return fmt.Sprintf("%.1f", min(max(w, 0), 100))
}

// level is how near the fuse is: "calm", "near" above 90 %, "over" above 100 %.
func (b phaseBar) level() string {
	switch {
	case !b.known:
		return "unknown"
	case b.now > b.limit:
		return "over"
	case b.now*10 > b.limit*9:
		return "near"
	}
	return "calm"
}

// nodes are the fuses from the root down.
func (v view) nodes() []nodeCard {
	out := make([]nodeCard, 0, len(v.snap.Nodes))
	for _, n := range v.snap.Nodes {
		c := nodeCard{NodeView: n, words: v.words, depth: min(v.depth(n), 4)}
		cars := v.carsBelow(n.ID)
		for p := range c.phases {
			c.phases[p] = phaseBar{name: loadbalance.Phase(p).String(), now: n.Measured[p], limit: n.Limit[p], headroom: n.Headroom[p],
				cars: max(0, min(cars[p], n.Measured[p])), known: measures(n)}
		}
		for _, m := range v.snap.Meters {
			if m.Node == n.ID {
				c.trouble = m.Err
				if m.Err == "" && measures(n) && m.Power != 0 {
					c.power = kilowatt(m.Power)
				}
			}
		}
		out = append(out, c)
	}
	return out
}

// measures reports whether a fuse's current is known; an old value is never shown as
// if it were one.
func measures(n controller.NodeView) bool { return n.State == "ok" || n.State == "stale" }

// silent reports whether a running transaction has no measured current yet: missing
// is not zero.
func silent(c controller.ConnectorView) bool { return c.Tx != 0 && c.MeasuredAt.IsZero() }

func (v view) parent(id string) string {
	i := slices.IndexFunc(v.snap.Nodes, func(n controller.NodeView) bool { return n.ID == id })
	if i < 0 {
		return ""
	}
	return v.snap.Nodes[i].Parent
}

func (v view) depth(n controller.NodeView) int {
	d := 0
	for p := n.Parent; p != "" && d < len(v.snap.Nodes); p = v.parent(p) {
		d++
	}
	return d
}

// carsBelow is what the chargers below a fuse report to draw.
func (v view) carsBelow(id string) loadbalance.PerPhase {
	var sum loadbalance.PerPhase
	for _, c := range v.snap.Connectors {
		at := c.Node
		for range len(v.snap.Nodes) + 1 {
			if at == id {
				for p := range sum {
					sum[p] += c.Measured[p]
				}
				break
			}
			at = v.parent(at)
		}
	}
	return sum
}

// tone is the colour of a connector's state.
func tone(c controller.ConnectorView) string {
	if !c.Online {
		return "off"
	}
	switch c.Status {
	case controller.StatusCharging:
		return "go"
	case controller.StatusFaulted:
		return "bad"
	case controller.StatusUnavailable:
		return "off"
	case controller.StatusSuspendedEV, controller.StatusSuspendedEVSE, controller.StatusPreparing, controller.StatusFinishing, controller.StatusReserved:
		return "wait"
	case controller.StatusAvailable:
		return "free"
	}
	return "off"
}

// uplinkTone is the colour of the link to the cloud.
func uplinkTone(u controller.UplinkView) string {
	switch u.State {
	case controller.UplinkAccepted:
		return "go"
	case controller.UplinkOff:
		return "off"
	case controller.UplinkRejected, controller.UplinkDisconnected:
		return "bad"
	}
	return "wait"
}

// nodeTone is the colour of how a fuse knows its current.
func nodeTone(n controller.NodeView) string {
	switch {
	case !n.Metered:
		return "off"
	case n.State == "ok":
		return "go"
	case n.State == "stale":
		return "wait"
	}
	return "bad"
}

// slotCard is one connector on the page.
type slotCard struct {
	controller.ConnectorView
	words  language
	title  string // bay, else charger
	place  string // where it is and hangs
	gauges []gauge
	doing  string // since when, energy, card, battery
	error  string
}

// gauge is the current on one phase of one connector against what it may take.
type gauge struct {
	name     string
	measured loadbalance.MilliAmp
	setpoint loadbalance.MilliAmp
	max      loadbalance.MilliAmp
	known    bool
	deaf     bool
}

// fill is the part of the gauge that a current takes, 0..100; all of it is the
// connector's own maximum.
func (g gauge) fill(a loadbalance.MilliAmp) float64 {
	whole := g.max
	if whole <= 0 {
		whole = 32 * loadbalance.Amp
	}
	return min(max(float64(a)/float64(whole)*100, 0), 100)
}

func (g gauge) width() string {
	if !g.known {
		return "0"
	}
	return fmt.Sprintf("%.1f", g.fill(g.measured))
}

// tick is where the setpoint's mark begins, within the gauge.
func (g gauge) tick() string { return fmt.Sprintf("%.1f", min(g.fill(g.setpoint), 100-tickWidth)) }

const tickWidth = 1.6

// level is "over" where the control found that a charger does not obey. Right after a
// reduction the measured current is the older of the two, and no fault.
func (g gauge) level() string {
	if g.deaf {
		return "over"
	}
	return "calm"
}

func (v view) slot(c controller.ConnectorView) slotCard {
	s := slotCard{ConnectorView: c, words: v.words, title: c.Bay}
	var place []string
	if s.title == "" {
		s.title = string(c.Station)
	} else {
		place = append(place, string(c.Station))
	}
	if v.connectors(c.Station) > 1 {
		place = append(place, fmt.Sprintf("connector %d", c.Connector))
	}
	place = append(place, c.Node, phases(c.Phases))
	s.place = joined(place)
	if c.ErrorCode != "" && c.ErrorCode != controller.NoError {
		s.error = joined([]string{v.words.fault(c.ErrorCode), c.Info})
	}
	if c.Tx == 0 {
		return s
	}
	doing := []string{energy(c.Energy), lasting(v.now.Sub(c.Since))}
	if c.Token != "" {
		doing = append(doing, "card "+c.Token)
	}
	if c.SoC > 0 {
		doing = append(doing, fmt.Sprintf("battery %d %%", c.SoC))
	}
	if !c.MeasuredAt.IsZero() && v.now.Sub(c.MeasuredAt) > measuredOld {
		doing = append(doing, "measured "+age(v.now.Sub(c.MeasuredAt))+" ago")
	}
	s.doing = joined(doing)
	for p, a := range c.Measured {
		if phase := loadbalance.Phase(p); c.PhaseSet.Has(phase) || a != 0 {
			s.gauges = append(s.gauges, gauge{name: phase.String(), measured: a, setpoint: c.Setpoint, max: c.Max, known: !silent(c),
				deaf: c.Reason.Rule == loadbalance.RuleUnresponsive})
		}
	}
	return s
}

// measuredOld is when a charger's own figures are said to be old: chargers report
// each 10 to 60 s.
const measuredOld = 90 * time.Second

func (v view) connectors(station controller.StationID) int {
	n := 0
	for _, c := range v.snap.Connectors {
		if c.Station == station {
			n++
		}
	}
	return n
}

// joined puts the parts that say something behind one another.
func joined(parts []string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " · ")
}
