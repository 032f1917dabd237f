package adoption

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"busbar/ocpp"
)

// shelf keeps credentials in memory.
type shelf struct{}

func (shelf) SaveCredential(context.Context, Credential) error  { return nil }
func (shelf) DeleteCredential(context.Context, string) error    { return nil }
func (shelf) Credentials(context.Context) ([]Credential, error) { return nil, nil }

// door counts whether the port without TLS is open, and keeps the log.
type door struct {
	mu   sync.Mutex
	open int
	log  []Entry
}

func (d *door) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open--
	return nil
}

func (d *door) opened() (io.Closer, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open++
	return d, nil
}

func (d *door) audit(_ context.Context, e Entry) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.log = append(d.log, e)
	return nil
}

func (d *door) lines(code string) (out []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range d.log {
		if e.Code == code {
			out = append(out, e.By+"|"+e.Station+"|"+e.Text)
		}
	}
	return out
}

func (d *door) isOpen() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.open == 1
}

// inBubble runs a Service in a bubble.
func inBubble(t *testing.T, f func(t *testing.T, s *Service, d *door)) {
	synctest.Test(t, func(t *testing.T) {
		d := &door{}
		s, err := New(t.Context(), Config{Vault: shelf{}, Onboarding: "closed", OpenPlain: d.opened, Audit: d.audit,
			Known: func(string) bool { return false }, Decide: func(context.Context, string, bool) error { return nil }})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		f(t, s, d)
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if d.isOpen() {
			t.Error("the port without TLS is left open")
		}
	})
}

// TestThePairingWindowEndsByItself, at its time and not before; another opening moves it.
func TestThePairingWindowEndsByItself(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Service, d *door) {
		open := func(span time.Duration) {
			if err := s.OpenPairing(t.Context(), "anna", span); err != nil {
				t.Fatal(err)
			}
		}
		check := func(want bool) {
			t.Helper()
			synctest.Wait()
			if got := !s.State().Pairing.IsZero(); got != want || d.isOpen() != want {
				t.Errorf("window %v, port %v, want %v", got, d.isOpen(), want)
			}
		}
		check(false)
		open(0)
		check(true)
		time.Sleep(DefaultPairing - time.Second)
		check(true)
		open(5 * time.Minute) // prolonged
		time.Sleep(5*time.Minute - time.Second)
		check(true)
		time.Sleep(time.Second)
		check(false)
		open(time.Hour)
		open(time.Minute) // cut
		time.Sleep(time.Minute)
		check(false)
		if got := d.lines("adoption.pairing"); len(got) != 6 || got[2] != "box||the pairing window is over" {
			t.Errorf("log %q", got)
		}
		for _, span := range []time.Duration{time.Second, -time.Minute, MaxPairing + 1} {
			if _, ok := errors.AsType[*Refusal](s.OpenPairing(t.Context(), "anna", span)); !ok {
				t.Errorf("a window of %v opened", span)
			}
		}
	})
}

// TestRefusalsAreOneLineABurst: 10 000 tries of one charger are a few lines with their
// number, and 10 000 different ones hide nothing else.
func TestRefusalsAreOneLineABurst(t *testing.T) {
	inBubble(t, func(t *testing.T, s *Service, d *door) {
		refuse := func(id string) {
			s.TurnedAway(ocpp.Refusal{At: time.Now(), Identity: id, Remote: "10.0.0.9:4711", Status: 401, Reason: "the charger sent a wrong password", Remedy: "Set it."})
		}
		for range 1000 {
			refuse("CP1")
			time.Sleep(time.Second)
		}
		synctest.Wait()
		lines := d.lines("adoption.refused")
		if len(lines) != 2 || lines[0] != "|CP1|refused, from 10.0.0.9: the charger sent a wrong password. Set it." || !strings.HasSuffix(lines[1], "(599 more times before)") {
			t.Errorf("%q", lines)
		}
		if r := s.Refusals(); len(r) != 1 || r[0].Times != 1000 || r[0].Last.Sub(r[0].First) != 999*time.Second {
			t.Errorf("%+v", r)
		}
		for i := range 10_000 {
			refuse(fmt.Sprintf("X%d", i))
		}
		synctest.Wait()
		if n, kept := len(d.lines("adoption.refused")), len(s.Refusals()); n > 2+2*refusedLines || kept != maxRefused {
			t.Errorf("%d lines, %d kept", n, kept)
		}
	})
}
