package web

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"time"

	"busbar/controller"
)

// view is the live page at one moment, ready to be laid out.
type view struct {
	words   language
	now     time.Time
	loc     *time.Location
	snap    *controller.Snapshot
	demo    bool
	doors   *Doors // nil: chargers are not let in here
	access  []Access
	roots   []RootCertificate
	faults  []FaultButton
	version string
	build   string // what the page's files are
}

func (s *Server) view(now time.Time) view {
	v := view{words: english(), now: now, loc: s.cfg.Location, snap: s.snapshot(), version: s.cfg.Version, build: s.build}
	if s.cfg.Adoption != nil {
		v.doors, v.access = new(s.cfg.Adoption.Doors()), s.cfg.Adoption.Access()
	}
	if s.cfg.Certificates != nil {
		v.roots = s.cfg.Certificates.Roots()
	}
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
		out = append(out, part{fmt.Sprintf("slot-%d", c.Slot), v.slot(c).card()})
	}
	return append(out, part{"waiting", v.waiting()}, part{"chargers", v.chargers()}, part{"log", v.log()})
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

// logShown is how many lines of the log the page has.
const logShown = 20

// newest are the last lines of the log, newest first.
func (v view) newest() []controller.LogEntry {
	out := slices.Clone(v.snap.Log[max(0, len(v.snap.Log)-logShown):])
	slices.Reverse(out)
	return out
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

// cloudDetail is why there is no link to the cloud.
func (v view) cloudDetail() string {
	if v.snap.Uplink.State == controller.UplinkAccepted {
		return ""
	}
	return v.snap.Uplink.Detail
}
