package devices

import (
	"context"
	"errors"
	"time"
)

// Source is a device that is asked. Its methods are called by one goroutine.
type Source interface {
	// Read takes one sample, connecting first where needed. It ends by ctx's
	// deadline. Errors may be a *Fault, with its own remedy, or an *Implausible.
	Read(ctx context.Context) (Reading, error)
	// Close ends the connection; the next Read opens a new one.
	Close() error
}

// retryAfter is the pause after a failed sample. It is short and does not grow: a
// fuse waits for the next value, and one attempt a second harms no meter.
const retryAfter = time.Second

// Poller owns one Source: it alone reads it, and closes it after every error and at
// the end, so that nothing of a failed exchange can be taken for a later one.
//
// Each sample that is complete and passes Check goes to OnReading, each failed one to
// OnFailure. Both are called from Run's goroutine and must return at once: they fill
// a slot in which the newest wins. A device that fails for longer costs one call of
// OnFailure per attempt.
type Poller struct {
	Source Source
	// Period between the starts of two samples. (1 s) A sample that takes longer
	// skips the starts it missed.
	Period time.Duration
	// Timeout of one whole sample, connecting included. (1 s)
	Timeout   time.Duration
	Limits    Limits
	OnReading func(Reading)
	OnFailure func(*Fault)
}

// Run polls until ctx ends and then returns nil, with the source closed. An error
// means that the Poller is not complete.
func (p Poller) Run(ctx context.Context) error {
	if p.Source == nil || p.OnReading == nil || p.OnFailure == nil {
		return errors.New("cannot poll: source or callback missing")
	}
	if p.Period <= 0 {
		p.Period = time.Second
	}
	if p.Timeout <= 0 {
		p.Timeout = time.Second
	}
	defer func() { _ = p.Source.Close() }()
	timer := time.NewTimer(0)
	defer timer.Stop()
	due := time.Now()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		r, err := p.sample(ctx)
		if ctx.Err() != nil {
			return nil
		}
		now := time.Now()
		if err != nil {
			_ = p.Source.Close()
			p.OnFailure(AsFault(err))
			due = now.Add(retryAfter)
		} else {
			p.OnReading(r)
			due = due.Add(p.Period)
			if missed := now.Sub(due); missed > 0 {
				due = due.Add((missed + p.Period - 1) / p.Period * p.Period)
			}
		}
		timer.Reset(due.Sub(now))
	}
}

func (p Poller) sample(ctx context.Context) (Reading, error) {
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	r, err := p.Source.Read(ctx)
	if err != nil {
		return Reading{}, err
	}
	if err := Check(r, p.Limits); err != nil {
		return Reading{}, err
	}
	r.Doubts = Doubt(r)
	return r, nil
}
