package appliance

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// part is one long-running piece of the box. Run blocks until ctx ends and all its
// goroutines have ended.
type part struct {
	name string
	run  func(ctx context.Context) error
	// ready, if set, is closed by the part when the next one may start.
	ready <-chan struct{}
}

// stopWithin bounds the stop of all parts together (SIGTERM: clean stop in 5 s).
const stopWithin = 5 * time.Second

// running is a started part.
type running struct {
	part
	cancel context.CancelFunc
	done   chan error
}

// runParts starts the parts one after the other and stops them in the reverse order
// when ctx ends or one of them fails. It names the part that failed or did not stop.
func runParts(ctx context.Context, parts []part) error {
	var up []*running
	failed := make(chan *running, len(parts))
	var cause error
start:
	for _, p := range parts {
		r := &running{part: p, done: make(chan error, 1)}
		// Values of ctx stay; its end must not stop all parts at once.
		var own context.Context
		own, r.cancel = context.WithCancel(context.WithoutCancel(ctx))
		go func() {
			err := r.run(own)
			r.done <- err
			if own.Err() == nil {
				failed <- r
			}
		}()
		up = append(up, r)
		if p.ready == nil {
			continue
		}
		select {
		case <-p.ready:
		case <-ctx.Done():
			break start
		case r := <-failed:
			cause = failure(r)
			break start
		}
	}
	if cause == nil {
		select {
		case <-ctx.Done():
		case r := <-failed:
			cause = failure(r)
		}
	}
	return errors.Join(cause, stopParts(up))
}

// failure is why a part ended by itself.
func failure(r *running) error {
	err := <-r.done
	r.done <- nil // it has stopped, for stopParts
	if err == nil {
		err = errors.New("ended by itself")
	}
	return fmt.Errorf("%s: %w", r.name, err)
}

// stopParts ends the newest part first.
func stopParts(up []*running) error {
	deadline := time.NewTimer(stopWithin)
	defer deadline.Stop()
	var errs []error
	for i := len(up) - 1; i >= 0; i-- {
		up[i].cancel()
		select {
		case err := <-up[i].done:
			if err != nil && !errors.Is(err, context.Canceled) {
				errs = append(errs, fmt.Errorf("%s: %w", up[i].name, err))
			}
		case <-deadline.C:
			for j := i; j >= 0; j-- {
				up[j].cancel()
			}
			return errors.Join(append(errs, fmt.Errorf("%s: did not stop within %v", up[i].name, stopWithin))...)
		}
	}
	return errors.Join(errs...)
}
