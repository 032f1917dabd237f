package web

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"busbar/controller/sitesim/memnet"
	"busbar/loadbalance"
)

// served runs a Server behind a real HTTP server in a network in memory, inside a
// bubble. A goroutine that is left over fails the bubble.
func served(t *testing.T, s *Server) (network *memnet.Network, stop func()) {
	t.Helper()
	network = memnet.New()
	l, err := network.Listen("box:80")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: s, ReadHeaderTimeout: 5 * time.Second}
	server.RegisterOnShutdown(s.Close)
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return network, func() {
		if err := server.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		wg.Wait()
	}
}

// TestStreamOverANetwork: a viewer reads live updates and the server's stop ends it.
func TestStreamOverANetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(picture(time.Now()))
		network, stop := served(t, rig(b, demo))
		transport := &http.Transport{DialContext: network.DialContext}
		defer transport.CloseIdleConnections()
		r, err := http.NewRequestWithContext(t.Context(), "GET", "http://localhost/api/v1/stream", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.URL.Host, r.Host = "box:80", "localhost"
		answer, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		var text []byte
		var wg sync.WaitGroup
		wg.Go(func() { text, _ = io.ReadAll(answer.Body) }) // until the server's end
		for i := range 20 {
			next := picture(b.Snapshot().At)
			next.Nodes[0].Measured[0] = loadbalance.MilliAmp(i+10) * 1000
			b.snap.Store(next)
			time.Sleep(streamEvery)
		}
		time.Sleep(2 * answerTaken) // no deadline of an answer ends a stream
		next := picture(b.Snapshot().At)
		next.SiteName, next.Connectors[0].Info, next.Connectors[0].ErrorCode = "x", "the very last", "OtherError"
		b.snap.Store(next)
		time.Sleep(time.Second)
		stop()
		wg.Wait()
		if !strings.Contains(string(text), "29.0") || !strings.Contains(string(text), "the very last") {
			t.Errorf("the viewer did not get the last state in %d bytes", len(text))
		}
	})
}

// TestStuckViewerIsDropped: who takes nothing is gone soon, keeps nobody waiting and
// no memory.
func TestStuckViewerIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(picture(time.Now()))
		s := rig(b, demo)
		network, stop := served(t, s)
		c, err := network.DialContext(t.Context(), "tcp", "box:80")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, "GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n := len(s.viewer); n != 1 {
			t.Fatalf("%d viewers, want 1", n)
		}
		for i := range 400 { // until its buffer is full, and a little longer
			next := picture(time.Now())
			next.Nodes[0].Measured[0] = loadbalance.MilliAmp(i) * 100
			b.snap.Store(next)
			time.Sleep(streamEvery)
		}
		if n := len(s.viewer); n != 0 {
			t.Errorf("%d viewers, want the stuck one to be gone", n)
		}
		stop()
	})
}

// TestSlowBodyIsCut: an order that trickles in holds its connection for a bounded time.
func TestSlowBodyIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network, stop := served(t, rig(newBox(picture(time.Now())), demo))
		c, err := network.DialContext(t.Context(), "tcp", "box:80")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		begin := time.Now()
		if _, err := io.WriteString(c, "POST /api/v1/demo/faults HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"); err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(c)
		if took := time.Since(begin); took > bodyWithin+time.Second {
			t.Errorf("the connection was held %v", took)
		}
		if err != nil && !errors.Is(err, net.ErrClosed) && len(answer) == 0 {
			t.Errorf("got %q, %v", answer, err)
		}
		stop()
	})
}
