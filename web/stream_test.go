package web

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"busbar/controller"
	"busbar/loadbalance"
)

// screen is a viewer's end of a stream in a bubble.
type screen struct {
	mu     sync.Mutex
	header http.Header
	code   int
	text   bytes.Buffer
	gone   bool
}

func newScreen() *screen { return &screen{header: http.Header{}} }

func (s *screen) Header() http.Header  { return s.header }
func (s *screen) WriteHeader(code int) { s.code = code }
func (s *screen) Flush()               {}
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		return 0, http.ErrHandlerTimeout
	}
	return s.text.Write(p)
}

// take returns the events since the last take as "event id".
func (s *screen) take(t *testing.T) (events []string, html string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for block := range strings.SplitSeq(s.text.String(), "\n\n") {
		name, data, ok := strings.Cut(block, "\ndata: ")
		if !ok {
			continue
		}
		var f fragment
		if err := json.Unmarshal([]byte(data), &f); err != nil || strings.Contains(data, "\n") {
			t.Fatalf("event can't be read: %q", block)
		}
		events = append(events, strings.TrimSpace(strings.TrimPrefix(name, "event: ")+" "+f.ID))
		html += f.HTML
	}
	s.text.Reset()
	return events, html
}

func watch(ctx context.Context, s *Server, w http.ResponseWriter) {
	r := httptest.NewRequestWithContext(ctx, "GET", "/api/v1/stream", nil)
	s.ServeHTTP(w, r)
}

func TestStreamSendsWhatChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(picture(time.Now()))
		s := rig(b, demo)
		ctx, cancel := context.WithCancel(t.Context())
		v := newScreen()
		var wg sync.WaitGroup
		wg.Go(func() { watch(ctx, s, v) })
		synctest.Wait()
		first, _ := v.take(t)
		if len(first) != 1+len(s.view(time.Now()).parts()) || first[0] != "page" {
			t.Errorf("first came %v", first)
		}
		if got := v.header.Get("Content-Type"); got != "text/event-stream" {
			t.Errorf("content type %q", got)
		}

		next := picture(b.Snapshot().At)
		next.Connectors[2].Status = controller.StatusPreparing
		b.snap.Store(next)
		time.Sleep(streamEvery)
		synctest.Wait()
		changed, html := v.take(t)
		if !strings.Contains(strings.Join(changed, ","), "fragment slot-3") || !strings.Contains(html, "preparing") {
			t.Errorf("after a change came %v", changed)
		}
		for _, e := range changed {
			if e != "fragment slot-3" && e != "fragment summary" {
				t.Errorf("%s was sent though it did not change", e)
			}
		}

		more := picture(b.Snapshot().At)
		more.Connectors = more.Connectors[:4]
		b.snap.Store(more)
		time.Sleep(streamEvery)
		synctest.Wait()
		if got, _ := v.take(t); len(got) == 0 || got[0] != "page" {
			t.Errorf("after a connector went away came %v", got)
		}
		cancel()
		wg.Wait()
	})
}

// TestStreamIsPaced: however often the site changes, a viewer gets two updates a second.
func TestStreamIsPaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(picture(time.Now()))
		s := rig(b, demo)
		ctx, cancel := context.WithCancel(t.Context())
		v := newScreen()
		var wg sync.WaitGroup
		wg.Go(func() { watch(ctx, s, v) })
		synctest.Wait()
		v.take(t)
		for i := range 100 { // ten seconds
			next := picture(b.Snapshot().At)
			next.Nodes[0].Measured[0] = loadbalance.MilliAmp(i) * 100
			b.snap.Store(next)
			time.Sleep(100 * time.Millisecond)
		}
		synctest.Wait()
		n := 0
		got, _ := v.take(t)
		for _, e := range got {
			if e == "fragment node-0" {
				n++
			}
		}
		if n < 18 || n > 21 {
			t.Errorf("%d updates in ten seconds", n)
		}
		cancel()
		wg.Wait()
	})
}

func TestStreamsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := rig(newBox(picture(time.Now())), demo)
		var wg sync.WaitGroup
		ctx, cancel := context.WithCancel(t.Context())
		left, gone := newScreen(), newScreen()
		wg.Go(func() { watch(ctx, s, left) })                // closes its browser
		wg.Go(func() { watch(t.Context(), s, gone) })        // its network breaks
		wg.Go(func() { watch(t.Context(), s, newScreen()) }) // until Close
		synctest.Wait()
		cancel()
		gone.mu.Lock()
		gone.gone = true
		gone.mu.Unlock()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if n := len(s.viewer); n != 1 {
			t.Errorf("%d viewers are counted, want 1", n)
		}
		s.Close()
		s.Close()
		wg.Wait()
		after := newScreen()
		watch(t.Context(), s, after)
		if after.code != 503 {
			t.Errorf("after Close: got %d", after.code)
		}
	})
}

func TestStreamHasPlaceFor64(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := rig(newBox(picture(time.Now())), demo)
		var wg sync.WaitGroup
		for range maxViewers {
			wg.Go(func() { watch(t.Context(), s, newScreen()) })
		}
		synctest.Wait()
		late := newScreen()
		watch(t.Context(), s, late)
		if late.code != 503 || late.header.Get("Retry-After") == "" {
			t.Errorf("viewer 65: got %d", late.code)
		}
		s.Close()
		wg.Wait()
	})
}

// TestStreamOverHTTP: headers arrive at once and Shutdown does not wait for viewers.
func TestStreamOverHTTP(t *testing.T) {
	s := rig(newBox(picture(time.Now())), demo)
	server := httptest.NewServer(s)
	server.Config.RegisterOnShutdown(s.Close)
	answer, err := server.Client().Get(server.URL + "/api/v1/stream")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	buf := make([]byte, 64)
	if n, err := answer.Body.Read(buf); err != nil || !strings.HasPrefix(string(buf[:n]), "retry: 2000\n\n") {
		t.Errorf("got %q %v", buf[:n], err)
	}
	if err := server.Config.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	server.Close()
}
