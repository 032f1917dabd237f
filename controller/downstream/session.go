package downstream

import (
	"context"
	"slices"
	"sync"
	"time"

	"busbar/controller"
	"busbar/ocpp"
)

// session is one charger's socket and what waits to be sent to it. Its worker
// carries out one thing at a time; what goes first is decided anew each time.
type session struct {
	hub     *Hub
	conn    *ocpp.Conn
	id      controller.StationID
	charger Charger // zero if not listed
	dialect dialect
	wake    chan struct{}
	clock   clockJudge
	// namesake: a stranger under the identity of a charger that the Site knows.
	namesake bool

	// patient ends the wait of the CALLs that are handled until patientUntil (patience);
	// impatient ends it at once. They are kept because many CALLs have one lifetime.
	patient      context.Context
	impatient    context.CancelFunc
	patientUntil time.Time

	mu       sync.Mutex
	ended    bool
	limits   []controller.SetLimit // unsent, at most one per slot, oldest first
	failsafe *controller.InstallFailsafe
	commands []order
	keys     []step          // what is left of the baseline
	waits    map[string]bool // names of those of planOnce
	refused  []string
	accepted bool            // may send more than BootNotification
	asked    map[string]bool // before that: actions it was asked for
	booting  int             // BootNotifications being answered: nothing may overtake the answer
	booted   bool            // on this socket
	prepared bool            // it booted here, or the Site knew it: keys or fall-back were sent
	nudged   bool            // asked to boot
	heardAt  time.Time
	problems map[string]bool // logged already
}

// order is a Command with its deadline.
type order struct {
	controller.Command
	deadline time.Time
}

// step is one CALL of the baseline.
type step func(context.Context)

const (
	maxCommands  = 32
	bootPatience = 30 * time.Second // for a Boot, or the Site's word that none is needed
	hearEvery    = 10 * time.Second // ChargerHeard is kept coarse
)

// opened is called before the first message of c is read, so that the Site hears of
// the connection before anything else of it.
func (h *Hub) opened(c *ocpp.Conn) {
	id := controller.StationID(c.Identity())
	charger, listed := h.chargers[c.Identity()]
	s := &session{hub: h, conn: c, id: id, charger: charger, wake: make(chan struct{}, 1)}
	s.dialect = dialectOf(s)
	stranger := h.cfg.Guard != nil && h.cfg.Guard.Opened(c)
	known := listed || h.isKnown(c.Identity())
	s.accepted, s.namesake = known && !stranger, known && stranger
	// Under the lock, so that what the Site does about it finds the session. Post does not
	// wait.
	h.mu.Lock()
	err := h.cfg.Loop.Post(controller.ChargerConnected{Station: id, Generation: c.Generation(), Protocol: string(c.Protocol()), Remote: c.Remote(), Stranger: stranger})
	if err == nil {
		h.sessions[id], h.byConn[c] = s, s
	}
	h.mu.Unlock()
	if err != nil {
		c.Close(closeBusy, "the box is busy, try again")
	}
}

// serve is the session's worker.
func (h *Hub) serve(c *ocpp.Conn) {
	s := h.sessionOf(c)
	if s == nil {
		return
	}
	s.work()
	<-c.Done()
	h.mu.Lock()
	delete(h.byConn, c)
	if h.sessions[s.id] == s {
		delete(h.sessions, s.id)
	}
	h.mu.Unlock()
	s.end()
	h.reports.add(controller.ChargerGone{Station: s.id, Generation: c.Generation(), Cause: c.Err().Error()})
}

// work carries out what waits until the connection ends. The context is only for
// the calls' own deadlines: the end of the connection fails them.
func (s *session) work() {
	nudge := time.NewTimer(bootPatience)
	defer nudge.Stop()
	for {
		if do := s.next(); do != nil {
			do(context.Background())
			continue
		}
		select {
		case <-s.conn.Done():
			return
		case <-s.wake:
		case <-nudge.C:
			s.nudge()
		}
		select {
		case <-s.conn.Done():
			return
		default:
		}
	}
}

// next takes the weightiest thing to do: a reduction, the fall-back, another
// setpoint, a command, a key of the baseline. nil: nothing, or not yet.
func (s *session) next() func(context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.booting > 0 || s.ended {
		return nil
	}
	if i := slices.IndexFunc(s.limits, func(l controller.SetLimit) bool { return l.Urgent || l.Reduction }); i >= 0 {
		return s.takeLimit(i)
	}
	switch {
	case s.failsafe != nil:
		f := *s.failsafe
		s.failsafe = nil
		return func(ctx context.Context) { s.sendFailsafe(ctx, f) }
	case len(s.limits) > 0:
		return s.takeLimit(0)
	case len(s.commands) > 0:
		o := s.commands[0]
		s.commands = s.commands[1:]
		return func(ctx context.Context) { s.sendCommand(ctx, o) }
	case len(s.keys) > 0:
		do := s.keys[0]
		s.keys = s.keys[1:]
		return do
	}
	return nil
}

func (s *session) takeLimit(i int) func(context.Context) {
	l := s.limits[i]
	s.limits = slices.Delete(s.limits, i, i+1)
	return func(ctx context.Context) { s.sendLimit(ctx, l) }
}

func (s *session) stir() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// setLimit puts a setpoint into its connector's slot; one that still lies there is
// superseded. false: the connection has ended.
func (s *session) setLimit(l controller.SetLimit) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return false
	}
	if i := slices.IndexFunc(s.limits, func(o controller.SetLimit) bool { return o.Slot == l.Slot }); i >= 0 {
		old := s.limits[i]
		s.hub.reports.add(unsentLimit(old, "superseded before it was sent"))
		l.Urgent = l.Urgent || old.Urgent && l.Limit <= old.Limit // a cut stays a cut
		s.limits[i] = l
	} else {
		s.limits = append(s.limits, l)
	}
	s.stir()
	return true
}

func (s *session) installFailsafe(e controller.InstallFailsafe) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failsafe, s.prepared = &e, true
	s.stir()
}

func (s *session) pushBaseline() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.prepared = true
	s.keys, s.waits, s.refused = []step{s.dialect.pushBaseline}, nil, nil
	s.stir()
}

// command queues a command; why is not empty if it can't.
func (s *session) command(c controller.Command) (why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ended:
		return "the charger is not connected"
	case len(s.commands) >= maxCommands:
		return "too many commands wait for this charger"
	}
	within := c.Within
	if within <= 0 {
		within = s.hub.cfg.CallTimeout
	}
	s.commands = append(s.commands, order{Command: c, deadline: time.Now().Add(within)})
	s.stir()
	return ""
}

// end reports what will not be sent any more.
func (s *session) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	for _, l := range s.limits {
		s.hub.reports.add(unsentLimit(l, "the connection was lost"))
	}
	for _, o := range s.commands {
		s.hub.reports.add(controller.CommandAnswered{Op: o.Op, Err: "the connection was lost"})
	}
	s.limits, s.commands, s.keys, s.failsafe = nil, nil, nil, nil
}

func (s *session) isAccepted() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accepted
}

// hasBooted tells that the charger booted on this socket.
func (s *session) hasBooted() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.booted
}

// bootBegins holds everything back until the answer to a Boot has left: a charger
// refuses what comes before it. The returned function lets it go again.
func (s *session) bootBegins() (ends func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.booting++
	s.prepared = true
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.booting--
		s.stir()
	}
}

func (s *session) bootAccepted() {
	s.mu.Lock()
	s.accepted, s.booted = true, true
	s.mu.Unlock()
	s.clock.reset()
	if _, listed := s.hub.chargers[string(s.id)]; !listed {
		s.hub.mu.Lock()
		s.hub.adopted[string(s.id)] = true
		s.hub.mu.Unlock()
	}
}

// heard tells the Site, now and then, that the charger speaks.
func (s *session) heard() {
	now := time.Now()
	s.mu.Lock()
	due := now.Sub(s.heardAt) >= hearEvery
	if due {
		s.heardAt = now
	}
	s.mu.Unlock()
	if due {
		_ = s.hub.cfg.Loop.Post(controller.ChargerHeard{Station: s.id}) // one that is lost is followed by others
	}
}

// nudge asks a charger that came back without Boot, and that the Site has never seen
// boot, to send one.
func (s *session) nudge() {
	s.mu.Lock()
	due := !s.prepared && !s.nudged && s.accepted
	s.nudged = true
	s.mu.Unlock()
	if due {
		s.dialect.askBoot(context.Background())
	}
}

// within bounds the time of one call's answer.
func (s *session) within(d time.Duration) func(*ocpp.Call) {
	return func(c *ocpp.Call) { c.Timeout = d }
}
