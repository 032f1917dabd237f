package controller

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// ErrCongested is returned when the Loop's queue is full: the sender should answer
// its peer that it is busy, or close.
var ErrCongested = errors.New("cannot take the event: the control loop's queue is full")

// ErrStopped is returned after the Loop ended.
var ErrStopped = errors.New("cannot take the event: the control loop has stopped")

// Journal is the Loop's view of the store. Submit must not wait for the disk; the
// journal posts Committed or JournalFailed.
type Journal interface {
	Submit(seq Seq, rows []Row) error
	LookupToken(lookup uint64, token IDToken)
	LookupTx(lookup uint64, tx TxID)
	Telemetry(t Telemetry)
}

// Adapter carries out effects for one side. Do must return at once. It is called by one
// goroutine at a time, and must not need a mutex that somebody holds while asking.
type Adapter interface {
	Do(Effect)
}

// LoopConfig is what a Loop is made of.
type LoopConfig struct {
	Site     *Site
	Journal  Journal
	Chargers Adapter // SetLimit, InstallFailsafe, PushBaseline, Command, Disconnect
	Cloud    Adapter // AskToken, ReportStatus, RestartUplink
	// Planner takes PlanWanted; nil if SiteConfig.Plan is not set.
	Planner Adapter
	// Incidents takes KeepIncident; nil if SiteConfig.Record is not set.
	Incidents Adapter
	Logger    *slog.Logger
	// Queue is how many facts may wait (1024).
	Queue int
	// OnStep, if set, is told how long a Step took; it must return at once.
	OnStep func(time.Duration)
	// OnLag, if set, is told how late a Tick came that was asked for.
	OnLag func(time.Duration)
}

// Loop owns a Site: who has the turn steps it, and nobody else looks at it. Post, Ask
// and Snapshot may be called from any goroutine.
type Loop struct {
	cfg      LoopConfig
	facts    chan Event    // received by who has the turn alone, so that nothing overtakes
	work     chan struct{} // signals that facts or slots has something
	stopped  chan struct{}
	snapshot atomic.Pointer[Snapshot]
	watched  atomic.Bool // somebody took the snapshot since it was made

	slotMu sync.Mutex
	slots  map[string]MeterSampled // latest wins, by meter

	// turn is Run's, and that of who asks while there is nothing else to do: waking Run
	// would cost more than most Steps. It guards the Site and what follows.
	turn    sync.Mutex
	running bool
	timer   *time.Timer
	wakeAt  time.Time // what the timer is set to

	replyMu   sync.Mutex
	replies   map[ReplyID]chan AnswerBody
	lastReply ReplyID
}

// NewLoop prepares a Loop; Run starts it.
func NewLoop(cfg LoopConfig) *Loop {
	if cfg.Queue == 0 {
		cfg.Queue = 1024
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	l := &Loop{
		cfg:     cfg,
		facts:   make(chan Event, cfg.Queue),
		work:    make(chan struct{}, 1),
		stopped: make(chan struct{}),
		slots:   map[string]MeterSampled{},
		replies: map[ReplyID]chan AnswerBody{},
	}
	l.snapshot.Store(cfg.Site.Snapshot(time.Time{}))
	return l
}

// Post hands an event over. Readings of meters never wait: the newest one per meter
// replaces the one before. Facts wait in a bounded queue; when it is full Post
// returns ErrCongested at once.
func (l *Loop) Post(ev Event) error {
	if m, ok := ev.(MeterSampled); ok {
		l.slotMu.Lock()
		l.slots[m.Meter] = m
		l.slotMu.Unlock()
		l.stir()
		return nil
	}
	select {
	case <-l.stopped:
		return ErrStopped
	default:
	}
	select {
	case l.facts <- ev:
		l.stir()
		return nil
	default:
		return ErrCongested
	}
}

// stir has Run look at what there is to do.
func (l *Loop) stir() {
	select {
	case l.work <- struct{}{}:
	default:
	}
}

// Ask hands over the event that ask makes with a fresh ReplyID and waits for its Answer.
// What the same goroutine has posted before goes first. The caller must hold no mutex
// that an Adapter needs. It ends early with ctx's error, or ErrStopped.
func (l *Loop) Ask(ctx context.Context, ask func(ReplyID) Event) (AnswerBody, error) {
	answer := make(chan AnswerBody, 1)
	l.replyMu.Lock()
	l.lastReply++
	id := l.lastReply
	l.replies[id] = answer
	l.replyMu.Unlock()
	defer func() {
		l.replyMu.Lock()
		delete(l.replies, id)
		l.replyMu.Unlock()
	}()
	if ev := ask(id); !l.stepHere(ev) {
		if err := l.Post(ev); err != nil {
			return nil, err
		}
	}
	select {
	case body := <-answer:
		return body, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-l.stopped:
		return nil, ErrStopped
	}
}

// Snapshot is the newest published state; never nil. It is at most snapshotEvery old
// while somebody looks more often than that, else at most unwatchedEvery.
func (l *Loop) Snapshot() *Snapshot {
	l.watched.Store(true)
	return l.snapshot.Load()
}

// stepHere steps the Site on the goroutine of who asks; false if somebody else has the
// turn, too much waits or the Loop does not run.
func (l *Loop) stepHere(ev Event) bool {
	if !l.turn.TryLock() {
		return false
	}
	defer l.turn.Unlock()
	if !l.running {
		return false
	}
	defer endProcess()
	done := l.drain()
	if done {
		l.step(ev)
	}
	l.publish()
	return done
}

// endProcess has a panic of a Step end the process, although callers of Ask survive
// theirs: a Site that was left half stepped must not send another setpoint.
func endProcess() {
	if p := recover(); p != nil {
		stack := debug.Stack()
		go func() { panic(fmt.Sprintf("the control loop panicked: %v\n%s", p, stack)) }()
		select {} // nobody gets the turn any more
	}
}

// Run steps the Site until ctx ends. A panic in a Step is not caught: the process
// must end, and the chargers' leases keep the site safe until it is back.
func (l *Loop) Run(ctx context.Context) error {
	defer close(l.stopped)
	timer := l.begin()
	defer l.finish()
	for {
		due := false
		select {
		case <-ctx.Done():
			return nil
		case <-l.work:
		case <-timer.C:
			due = true
		}
		l.take(due)
	}
}

// begin lets the Site be stepped, for the first time at once.
func (l *Loop) begin() *time.Timer {
	l.turn.Lock()
	defer l.turn.Unlock()
	l.timer, l.running = time.NewTimer(0), true
	return l.timer
}

func (l *Loop) finish() {
	l.turn.Lock()
	defer l.turn.Unlock()
	l.running = false
	l.timer.Stop()
}

// take is Run's turn; due: the timer has run out.
func (l *Loop) take(due bool) {
	l.turn.Lock()
	defer l.turn.Unlock()
	if due {
		if l.cfg.OnLag != nil && !l.wakeAt.IsZero() {
			l.cfg.OnLag(time.Since(l.wakeAt))
		}
		l.step(Tick{})
	}
	for _, m := range l.takeReadings() {
		l.step(m)
	}
	l.drain()
	l.publish()
}

// drain steps what waits, so that a burst of facts costs one snapshot. It leaves room for
// readings and the timer in between: false if it left something.
func (l *Loop) drain() bool {
	for range 64 {
		select {
		case ev := <-l.facts:
			l.step(ev)
		default:
			return true
		}
	}
	l.stir()
	return false
}

func (l *Loop) takeReadings() []MeterSampled {
	l.slotMu.Lock()
	defer l.slotMu.Unlock()
	out := make([]MeterSampled, 0, len(l.slots))
	for id, m := range l.slots {
		out = append(out, m)
		delete(l.slots, id)
	}
	return out
}

func (l *Loop) step(ev Event) {
	start := time.Now()
	effects := l.cfg.Site.Step(start, ev)
	if l.cfg.OnStep != nil {
		l.cfg.OnStep(time.Since(start))
	}
	for _, e := range effects {
		l.carryOut(e)
	}
}

func (l *Loop) carryOut(e Effect) {
	switch e := e.(type) {
	case Answer:
		l.answer(e)
	case Persist:
		if err := l.cfg.Journal.Submit(e.Seq, e.Rows); err != nil {
			l.cfg.Logger.Error("cannot hand rows to the journal", "err", err)
			for _, failed := range l.cfg.Site.Step(time.Now(), JournalFailed{Err: err.Error()}) {
				if _, again := failed.(Persist); !again {
					l.carryOut(failed)
				}
			}
		}
	case LookupToken:
		l.cfg.Journal.LookupToken(e.Lookup, e.Token)
	case LookupTx:
		l.cfg.Journal.LookupTx(e.Lookup, e.Tx)
	case Telemetry:
		l.cfg.Journal.Telemetry(e)
	case Wake:
		l.wakeAt = e.At
		l.timer.Reset(max(0, time.Until(e.At)))
	case SetLimit, InstallFailsafe, PushBaseline, Disconnect, Command:
		l.cfg.Chargers.Do(e)
	case AskToken, ReportStatus, RestartUplink:
		l.cfg.Cloud.Do(e)
	case PlanWanted:
		l.cfg.Planner.Do(e)
	case KeepIncident:
		l.cfg.Incidents.Do(e)
	default:
		panic("controller: effect without a way to carry it out")
	}
}

func (l *Loop) answer(a Answer) {
	if a.Reply == 0 {
		return
	}
	l.replyMu.Lock()
	waiting := l.replies[a.Reply]
	delete(l.replies, a.Reply)
	l.replyMu.Unlock()
	if waiting != nil {
		waiting <- a.Body
	}
}

// publish makes a new snapshot if the last one is old enough. Making one costs more
// than a Step, so an unwatched box makes few.
func (l *Loop) publish() {
	now := time.Now()
	every := unwatchedEvery
	if l.watched.Load() {
		every = snapshotEvery
	}
	if now.Sub(l.snapshot.Load().At) < every {
		return
	}
	l.watched.Store(false)
	l.snapshot.Store(l.cfg.Site.Snapshot(now))
}

// How old a snapshot may get before the Loop's next turn replaces it.
const (
	snapshotEvery  = 100 * time.Millisecond
	unwatchedEvery = 5 * time.Second
)
