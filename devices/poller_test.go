package devices

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// slowSource answers after its delay, or with its error.
type slowSource struct {
	delay  time.Duration
	err    error
	reads  int
	closed int
}

func (s *slowSource) Read(ctx context.Context) (Reading, error) {
	s.reads++
	select {
	case <-ctx.Done():
		return Reading{}, ctx.Err()
	case <-time.After(s.delay):
	}
	return Reading{At: time.Now(), Phases: AllPhases, Current: [3]MilliAmp{1000, 1000, 1000}}, s.err
}

func (s *slowSource) Close() error {
	s.closed++
	return nil
}

func TestPollerKeepsItsPeriodAndSkipsWhatItMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		begin := time.Now()
		source := &slowSource{delay: 300 * time.Millisecond}
		var at []time.Duration
		p := Poller{Source: source, Period: time.Second, OnFailure: func(f *Fault) { t.Error(f) }}
		p.OnReading = func(r Reading) {
			at = append(at, r.At.Sub(begin))
			source.delay = 300 * time.Millisecond
			if len(at) == 3 {
				source.delay = 990 * time.Millisecond
			}
		}
		if err := p.Run(ctx); err != nil {
			t.Fatal(err)
		}
		want := []time.Duration{300, 1300, 2300, 3990, 4300, 5300, 6300, 7300, 8300, 9300}
		if len(at) != len(want) {
			t.Fatalf("readings at %v", at)
		}
		for i := range want {
			if at[i] != want[i]*time.Millisecond {
				t.Fatalf("readings at %v", at)
			}
		}
		if source.closed != 1 {
			t.Errorf("closed %d times, want once at the end", source.closed)
		}
	})
}

func TestPollerNeverDriftsBehindASlowDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		begin := time.Now()
		source := &slowSource{delay: 1500 * time.Millisecond}
		readings := 0
		p := Poller{Source: source, Period: time.Second, Timeout: 5 * time.Second, OnFailure: func(f *Fault) { t.Error(f) },
			OnReading: func(r Reading) {
				if since := r.At.Sub(begin) % time.Second; since != 500*time.Millisecond {
					t.Errorf("sample off its period by %v", since)
				}
				readings++
			}}
		if err := p.Run(ctx); err != nil || readings != 10 {
			t.Fatalf("%d readings, %v; want 10", readings, err)
		}
	})
}

func TestPollerClosesAfterEveryErrorAndTriesAgainInASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10500*time.Millisecond)
		defer cancel()
		source := &slowSource{err: errors.New("no route")}
		faults := 0
		p := Poller{Source: source, Period: 10 * time.Second,
			OnReading: func(Reading) { t.Error("a failed sample was posted") },
			OnFailure: func(f *Fault) {
				faults++
				if source.closed != faults || f.Kind != Unreachable || f.Words() == f.Error() {
					t.Errorf("fault %d: closed %d times, %q", faults, source.closed, f.Words())
				}
			}}
		if err := p.Run(ctx); err != nil || faults != 11 {
			t.Fatalf("%d faults, %v; want one a second though the period is 10 s", faults, err)
		}
	})
}

func TestPollerWithoutSourceIsAnError(t *testing.T) {
	if err := (Poller{}).Run(t.Context()); err == nil {
		t.Fatal("an empty poller ran")
	}
}
