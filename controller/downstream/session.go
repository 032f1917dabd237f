package downstream

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"busbar/controller"
	"busbar/ocpp"
)

// session is one connection of a charger.
type session struct {
	hub      *Hub
	conn     *ocpp.Conn
	id       controller.StationID
	accepted atomic.Bool // Boot was accepted, now or in an earlier life
	booted   atomic.Bool // it sent Boot on this connection
	counted  bool        // among the unknown ones; under the hub's lock

	mu     sync.Mutex
	limits []controller.SetLimit // waiting, one per slot, urgent ones first
	jobs   []func(context.Context)
	ended  bool
	wg     sync.WaitGroup // commands on their way
	kickL  chan struct{}
	kickJ  chan struct{}
}

// maxJobs bounds what may wait for one charger beside setpoints.
const maxJobs = 16

func newSession(h *Hub, c *ocpp.Conn, known bool) *session {
	s := &session{hub: h, conn: c, id: controller.StationID(c.Identity()), kickL: make(chan struct{}, 1), kickJ: make(chan struct{}, 1)}
	s.accepted.Store(known)
	return s
}

// run works until the connection ends, and says what became of everything that waits.
func (s *session) run() {
	ctx, cancel := context.WithCancel(context.Background()) // the connection's lifetime
	var wg sync.WaitGroup
	wg.Go(func() { s.sendLimits(ctx) })
	wg.Go(func() { s.doJobs(ctx) })
	<-s.conn.Done()
	cancel()
	s.mu.Lock()
	s.ended = true
	left := s.limits
	s.limits = nil
	s.mu.Unlock()
	wg.Wait()
	s.wg.Wait()
	for _, e := range left {
		s.hub.tell(controller.LimitAnswered{Station: s.id, Slot: e.Slot, Seq: e.Seq, Err: "the connection was lost"})
	}
}

func kick(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// setLimit puts a setpoint in its connector's slot; what waited there is reported as
// not sent. It is false after the connection ended.
func (s *session) setLimit(e controller.SetLimit) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return false
	}
	kept := s.limits[:0]
	for _, o := range s.limits {
		if o.Slot == e.Slot {
			s.hub.report(controller.LimitAnswered{Station: s.id, Slot: o.Slot, Seq: o.Seq, Err: "replaced by a newer setpoint"})
			e.Urgent = e.Urgent || o.Urgent && e.Limit <= o.Limit
			continue
		}
		kept = append(kept, o)
	}
	s.limits = append(kept, e)
	kick(s.kickL)
	return true
}

// nextLimit takes the first urgent one, else the oldest.
func (s *session) nextLimit() (controller.SetLimit, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.limits) == 0 {
		return controller.SetLimit{}, false
	}
	at := 0
	for i, e := range s.limits {
		if e.Urgent {
			at = i
			break
		}
	}
	e := s.limits[at]
	s.limits = append(s.limits[:at], s.limits[at+1:]...)
	return e, true
}

func (s *session) sendLimits(ctx context.Context) {
	for {
		e, ok := s.nextLimit()
		if !ok {
			select {
			case <-ctx.Done():
				return
			case <-s.kickL:
			}
			continue
		}
		s.hub.tell(s.sendLimit(ctx, e))
	}
}

// prepare queues what follows a connection: fall-back, keys. False when full or ended.
func (s *session) prepare(job func(context.Context)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || len(s.jobs) >= maxJobs {
		return false
	}
	s.jobs = append(s.jobs, job)
	kick(s.kickJ)
	return true
}

func (s *session) doJobs(ctx context.Context) {
	for {
		s.mu.Lock()
		var job func(context.Context)
		if len(s.jobs) > 0 {
			job = s.jobs[0]
			s.jobs = s.jobs[1:]
		}
		s.mu.Unlock()
		if job != nil {
			job(ctx)
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-s.kickJ:
		}
	}
}

// command starts a CALL of its own; its answer is posted. False after the end.
func (s *session) command(e controller.Command) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return false
	}
	s.wg.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), e.Within)
		defer cancel()
		s.hub.tell(s.carryOut(ctx, e))
	})
	return true
}

// fate says what became of a CALL: whether it left, and whether its outcome is unknown.
func fate(err error) (sent, unknown bool) {
	if errors.Is(err, ocpp.ErrNotSent) {
		return false, false
	}
	if _, refused := errors.AsType[*ocpp.Error](err); refused {
		return true, false
	}
	return true, true
}

// answerWithin bounds how long a charger waits for the Site; the disk may be slow.
const answerWithin = 25 * time.Second
