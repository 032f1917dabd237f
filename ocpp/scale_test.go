package ocpp

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestTrafficIsBackWithinFiveSecondsAfter200TimeOutsAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, permit(Options{Handler: echo}))
		var mute sync.Map // identity: does not answer
		var servers []*Conn
		for i := range 200 {
			id := fmt.Sprintf("CP%d", i)
			mute.Store(id, true)
			_, server := w.connect(id, Options{Handler: &moody{mute: &mute, id: id}})
			servers = append(servers, server)
		}
		var all sync.WaitGroup
		for _, server := range servers {
			all.Go(func() {
				if _, err := server.Call(t.Context(), Call{Action: "A"}); !errors.Is(err, ErrTimeout) {
					t.Errorf("got %v", err)
				}
			})
		}
		all.Wait()
		mute.Clear()
		over := time.Now()
		for _, server := range servers {
			all.Go(func() {
				if _, err := server.Call(t.Context(), Call{Action: "A", Payload: number(1)}); err != nil {
					t.Errorf("after the time-outs: %v", err)
				}
			})
		}
		all.Wait()
		if took := time.Since(over); took >= 5*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// moody answers as long as its identity is not mute.
type moody struct {
	mute *sync.Map
	id   string
}

func (m *moody) HandleCall(ctx context.Context, _ *Conn, r *Request) (json.RawMessage, error) {
	if _, mute := m.mute.Load(m.id); mute {
		select {
		case <-ctx.Done():
		case <-time.After(31 * time.Second):
		}
	}
	return r.Payload, nil
}

func TestNewcomerOfAHalfOpenSocketIsServedWithinFiveSeconds(t *testing.T) {
	for name, from := range map[string]string{"same address": "10.0.0.1:4001", "other address": "10.0.0.9:4000"} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(t, permit(Options{Handler: echo}))
				w.raw("CP1", V16) // its peer is gone: it reads nothing and answers nothing
				old := <-w.opened
				time.Sleep(time.Second)
				var open sync.WaitGroup
				open.Go(func() {
					if _, err := old.Call(t.Context(), Call{Action: "Reset"}); !errors.Is(err, ErrClosed) {
						t.Errorf("the open call of the old one: %v", err)
					}
				})
				synctest.Wait()
				w.from = from
				start := time.Now()
				fresh, _ := w.connect("CP1", Options{})
				if _, err := fresh.Call(t.Context(), Call{Action: "Heartbeat"}); err != nil {
					t.Error(err)
				}
				if took := time.Since(start); took >= 5*time.Second {
					t.Errorf("served after %v", took)
				}
				open.Wait()
				<-old.Done()
			})
		})
	}
}

func TestNewcomerWithAnotherCredentialIsRefusedWhileTheOldOneAnswers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, permit(Options{}))
		cfg := w.config("CP1", Options{})
		cfg.Password = "first"
		old, err := Dial(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		<-w.opened
		cfg.Password = "second"
		if _, err := Dial(t.Context(), cfg); statusOf(err) != 409 {
			t.Errorf("got %v", err)
		}
		if len(w.refused) != 1 || old.Err() != nil {
			t.Errorf("%+v, %v", w.refused, old.Err())
		}
		old.Close(1000, "")
		<-old.Done()
	})
}

// reconnects is how many times a charger comes back: few, or BUSBAR_RECONNECTS.
func reconnects(t *testing.T) int {
	t.Helper()
	text := os.Getenv("BUSBAR_RECONNECTS")
	if text == "" {
		return 200
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 10 {
		t.Fatalf("BUSBAR_RECONNECTS is %q", text)
	}
	return n
}

// usage is what a process may leak.
type usage struct {
	goroutines, descriptors int
	heap                    int64
}

func measure(t *testing.T) usage {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return usage{runtime.NumGoroutine(), len(fds), int64(m.HeapAlloc)}
}

// Each way in which a connection can end, over real sockets.
func TestReconnectsLeaveNothingBehind(t *testing.T) {
	n := reconnects(t)
	s := newSite(t)
	secureConfig, secure := s.charger(2)
	secureConfig.TLS = secure.Config()
	plain, _ := s.charger(1)
	wrong := plain
	wrong.Identity, wrong.Password = "CP9", "guess"
	come := func(i int) {
		cfg := plain
		if i%4 == 0 {
			cfg = secureConfig
		}
		cfg.Identity = fmt.Sprintf("CP%d-%d", i%4, i%3)
		c, err := Dial(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Call(t.Context(), Call{Action: "A", Payload: number(i)}); err != nil {
			t.Fatal(err)
		}
		switch i % 3 {
		case 0: // a goodbye
			c.Close(1000, "")
		case 1: // torn off
			_ = c.ws.NetConn().Close()
		case 2: // closed by the box
			s.srv.Conn(cfg.Identity).Close(1001, "")
		}
		<-c.Done()
		if i%10 == 0 {
			if _, err := Dial(t.Context(), wrong); statusOf(err) != 401 {
				t.Fatal(err)
			}
			<-s.told
		}
	}
	for i := range n / 2 {
		come(i)
	}
	early := measure(t)
	for i := range n / 2 {
		come(i)
	}
	deadline := time.Now().Add(10 * time.Second)
	for {
		now := measure(t)
		if now.goroutines <= early.goroutines+10 && now.descriptors <= early.descriptors+5 && now.heap <= early.heap+2<<20 {
			t.Logf("%d reconnects: %+v, at half of them %+v", n, now, early)
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d reconnects: %+v, at half of them %+v", n, now, early)
		}
		runtime.Gosched()
	}
}

// storm is how many chargers come back at once, after a power cut.
const storm = 200

func TestAllOf200ChargersAreServedWhenTheyReconnectAtOnceOverTLS(t *testing.T) {
	s := newSite(t)
	cfg, secure := s.charger(2)
	cfg.TLS = secure.Config()
	start := time.Now()
	var all sync.WaitGroup
	for i := range storm {
		all.Go(func() {
			cfg := cfg
			cfg.Identity = fmt.Sprintf("CP%d", i)
			callOnce(t, cfg)
		})
	}
	all.Wait()
	if len(s.refused) > 0 {
		t.Errorf("%d refused, the first: %+v", len(s.refused), s.refused[0])
	}
	t.Logf("%d chargers served after %v", storm, time.Since(start))
}

// A port is not blocked by those that open it and say nothing.
func TestSilentSocketsDoNotKeepChargersOut(t *testing.T) {
	s := newSite(t)
	for range 100 {
		conn, err := net.Dial("tcp", s.ports[2])
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	cfg, secure := s.charger(2)
	cfg.TLS = secure.Config()
	callOnce(t, cfg)
}

// Closing the port ends handshakes under way.
func TestClosedPortWaitsForNobody(t *testing.T) {
	s := newSite(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	config, err := ServerTLS{Certificates: func() []tls.Certificate { return s.certificates }}.Config()
	if err != nil {
		t.Fatal(err)
	}
	port := s.srv.Listen(l, config)
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	start := time.Now()
	if err := port.Close(); err != nil || time.Since(start) > 5*time.Second {
		t.Errorf("%v after %v", err, time.Since(start))
	}
	if _, err := port.Accept(); err == nil {
		t.Error("a closed port accepts")
	}
}
