package ocppload

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

// Fleet is many stations that load one server. Its methods are for one goroutine, but
// Drawn is for any.
type Fleet struct {
	stations []*station
	mix      Mix
	chasing  atomic.Bool // full speed: an answer makes the next CALL
	cars     Cars
	onLimit  func(lowered bool, at time.Time)

	drawn     [3]atomic.Int64 // sums of the stations' currents, 0.1 A on each phase, by third
	setpoints atomic.Int64
	refused   atomic.Int64
	strange   atomic.Int64

	mu    sync.Mutex
	times [kinds][]time.Duration
}

// firstRegister makes all registers equally long.
const firstRegister = 100_000_000

// Dial connects n stations, named by name, to a server at ws://addr/ocpp/<name>. onLimit,
// if there is one, is told when a frame with a limit for a transaction was read, and
// whether it lowers the one before, from many goroutines.
func Dial(ctx context.Context, addr string, n int, name func(i int) string, onLimit func(lowered bool, at time.Time)) (*Fleet, error) {
	f := &Fleet{onLimit: onLimit}
	dialer := websocket.Dialer{Subprotocols: []string{subprotocol}, HandshakeTimeout: 30 * time.Second, ReadBufferSize: 4096, WriteBufferSize: 4096}
	for i := range n {
		url := "ws://" + addr + "/ocpp/" + name(i)
		ws, resp, err := dialer.DialContext(ctx, url, http.Header{})
		if err != nil {
			if resp != nil {
				err = fmt.Errorf("%w: %s", err, resp.Status)
			}
			f.Close()
			return nil, fmt.Errorf("cannot connect %s: %w", url, err)
		}
		s := &station{fleet: f, third: i % 3, ws: ws, done: make(chan struct{}), frames: prepared(fmt.Sprintf("TAG%05d", i)), status: statusAvailable, register: firstRegister}
		f.stations = append(f.stations, s)
		go s.read()
	}
	return f, nil
}

// Close ends all connections and waits for their goroutines.
func (f *Fleet) Close() {
	for _, s := range f.stations {
		_ = s.ws.Close()
	}
	for _, s := range f.stations {
		<-s.done
	}
}

// Boot registers all stations and reports their connectors free.
func (f *Fleet) Boot(ctx context.Context) error {
	return f.each(func(_ int, s *station) error {
		boot := newFrame("BootNotification", `{"chargePointVendor":"Load","chargePointModel":"L1","firmwareVersion":"1"}`)
		if err := s.call(ctx, Heartbeat, &boot); err != nil {
			return err
		}
		return s.call(ctx, Status, nil)
	})
}

// Cars are what Charge plugs in.
type Cars struct {
	Every int   // at the first of so many stations
	Wants int64 // on each phase if the car may, 0.1 A, up to 99.9 A
}

// Charge starts transactions with cars that stay.
func (f *Fleet) Charge(ctx context.Context, cars Cars) error {
	f.cars = cars
	return f.each(func(i int, s *station) error {
		if i%cars.Every > 0 {
			return nil
		}
		s.mu.Lock()
		s.charging, s.status = true, statusPreparing
		s.mu.Unlock()
		for _, k := range []Kind{Status, Authorize, Start, Status, Meter} {
			if err := s.call(ctx, k, nil); err != nil {
				return err
			}
			s.mu.Lock()
			s.status = statusCharging
			s.mu.Unlock()
		}
		return nil
	})
}

// each does something with all stations, some at a time, and gives the first error.
func (f *Fleet) each(do func(int, *station) error) error {
	errs := make(chan error, len(f.stations))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(f.stations) {
					return
				}
				if err := do(i, f.stations[i]); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	return <-errs
}

// call sends one frame and waits for its answer; nil is the prepared one of k.
func (s *station) call(ctx context.Context, k Kind, own *frame) error {
	answered := make(chan []byte, 1)
	s.mu.Lock()
	s.answered = answered
	var err error
	if own != nil {
		s.lastID++
		fill(own.bytes, own.id, len(holeID), '0', s.lastID)
		err = s.write(k, own.bytes, time.Now())
	} else {
		err = s.send(k, time.Now())
	}
	s.mu.Unlock()
	if err != nil {
		return err
	}
	select {
	case payload := <-answered:
		s.mu.Lock()
		defer s.mu.Unlock()
		s.learn(payload)
		return s.refused
	case <-s.done:
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Drawn is what the cars take, in amperes on each phase: of every third station from the
// first, the second and the third on.
func (f *Fleet) Drawn() [3]float64 {
	var out [3]float64
	for i := range f.drawn {
		out[i] = float64(f.drawn[i].Load()) / 10
	}
	return out
}

// Load is what one interval of load brought.
type Load struct {
	Messages int           // answered
	Missed   int           // not sent at their time, because an answer was still due
	Refused  int           // answered with a CALLERROR
	Took     time.Duration // from the first frame to the last answer
	Times    [kinds][]time.Duration
}

// drainWithin is how long the last answers may take.
const drainWithin = 10 * time.Second

// Run sends a mix for a time: rate messages per second and station, at even distances
// over the stations; rate 0: each station sends as soon as it has its answer. It
// returns when all is answered. The error is that of the first station that failed.
func (f *Fleet) Run(ctx context.Context, mix Mix, rate float64, lasts time.Duration) (Load, error) {
	f.mix = mix
	f.mu.Lock()
	f.times = [kinds][]time.Duration{}
	f.mu.Unlock()
	f.refused.Store(0)
	var load Load
	start := time.Now()
	if rate > 0 {
		load.Missed = f.pace(ctx, start, lasts, time.Duration(float64(time.Second)/rate/float64(len(f.stations))))
	} else {
		f.chase(ctx, lasts)
	}
	err := f.drain(ctx)
	load.Took = time.Since(start)
	f.mu.Lock()
	load.Times = f.times
	f.mu.Unlock()
	for _, t := range load.Times {
		load.Messages += len(t)
	}
	load.Refused = int(f.refused.Load())
	return load, errors.Join(err, ctx.Err())
}

// pace sends one message after each gap, from one station after the other.
func (f *Fleet) pace(ctx context.Context, start time.Time, lasts, gap time.Duration) (missed int) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for n := 0; ; n++ {
		due := time.Duration(n) * gap
		if due >= lasts {
			return missed
		}
		if wait := time.Until(start.Add(due)); wait > 0 {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-ctx.Done():
				return missed
			}
		}
		s := f.stations[n%len(f.stations)]
		s.mu.Lock()
		if !s.step(time.Now()) {
			missed++
		}
		s.mu.Unlock()
	}
}

// chase lets all stations send as fast as they are answered.
func (f *Fleet) chase(ctx context.Context, lasts time.Duration) {
	f.chasing.Store(true)
	for _, s := range f.stations {
		s.mu.Lock()
		s.step(time.Now())
		s.mu.Unlock()
	}
	select {
	case <-time.After(lasts):
	case <-ctx.Done():
	}
	f.chasing.Store(false)
}

// drain waits for the answers still due.
func (f *Fleet) drain(ctx context.Context) error {
	end := time.Now().Add(drainWithin)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for _, s := range f.stations {
		for {
			s.mu.Lock()
			waiting, err := s.waiting, s.err
			s.mu.Unlock()
			if err != nil {
				return err
			}
			if !waiting {
				break
			}
			if time.Now().After(end) {
				return fmt.Errorf("no answer to %s within %v", s.kind, drainWithin)
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return nil
}

// count notes how long an answer took.
func (f *Fleet) count(k Kind, took time.Duration) {
	f.mu.Lock()
	f.times[k] = append(f.times[k], took)
	f.mu.Unlock()
}

// Setpoints counts the charging profiles that were written to the stations so far.
func (f *Fleet) Setpoints() int { return int(f.setpoints.Load()) }
