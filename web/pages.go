package web

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"time"

	"busbar/controller"
	"busbar/loadbalance"
)

// view is the live page at one moment, ready to be laid out.
type view struct {
	words   language
	now     time.Time
	loc     *time.Location
	snap    *controller.Snapshot
	demo    bool
	faults  []FaultButton
	version string
	build   string // what the page's files are
}

func (s *Server) view(now time.Time) view {
	v := view{words: english(), now: now, loc: s.cfg.Location, snap: s.snapshot(), version: s.cfg.Version, build: s.build}
	if s.cfg.Demo != nil {
		v.demo, v.faults = true, s.cfg.Demo.Faults()
	}
	return v
}

// parts are the pieces of the page that live updates replace, in page order.
func (v view) parts() []part {
	out := []part{{"summary", v.summary()}, {"alarms", v.alarms()}}
	if v.demo {
		out = append(out, part{"faults", v.faultForms()})
	}
	for i, n := range v.nodes() {
		out = append(out, part{fmt.Sprintf("node-%d", i), n.card()})
	}
	for _, c := range v.snap.Connectors {
		out = append(out, part{fmt.Sprintf("slot-%d", c.Slot), v.connector(c)})
	}
	return append(out, part{"waiting", v.waiting()}, part{"log", v.log()})
}

// home is GET /.
func (s *Server) home(w http.ResponseWriter, r *http.Request) {
	var buf bytes.Buffer // whole or not at all
	if err := s.view(time.Now()).page().Render(r.Context(), &buf); err != nil {
		s.cfg.Logger.Error("cannot render the page", "err", err)
		fail(w, r, http.StatusInternalServerError, "The page can't be made.", "The log says why.")
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = buf.WriteTo(w) // a viewer that left gets no answer
}

// nodeCard is one fuse on the page.
type nodeCard struct {
	controller.NodeView
	words   language
	depth   int
	phases  [3]phaseBar
	trouble string // what its meter's reader says
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
	if b.limit <= 0 {
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

// stalled is how long the control loop has not shown itself, 0 while it does.
func (v view) stalled() time.Duration {
	if d := v.now.Sub(v.snap.At); !v.snap.At.IsZero() && d > 5*time.Second {
		return d
	}
	return 0
}

// charging counts the connectors where current may flow now.
func (v view) charging() (charging, sessions, connected int) {
	for _, c := range v.snap.Connectors {
		if c.Status == controller.StatusCharging && c.Online {
			charging++
		}
		if c.Tx != 0 {
			sessions++
		}
	}
	for _, c := range v.snap.Chargers {
		if c.Online {
			connected++
		}
	}
	return charging, sessions, connected
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

// logShown is how many lines of the log the page has.
const logShown = 20

// newest are the last lines of the log, newest first.
func (v view) newest() []controller.LogEntry {
	out := slices.Clone(v.snap.Log[max(0, len(v.snap.Log)-logShown):])
	slices.Reverse(out)
	return out
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

func (v view) siteName() string {
	if v.snap.SiteName != "" {
		return v.snap.SiteName
	}
	if v.snap.SiteID != "" {
		return v.snap.SiteID
	}
	return "Busbar"
}
