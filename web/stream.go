package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/a-h/templ"
)

// Limits of the stream.
const (
	maxViewers   = 64
	streamEvery  = 500 * time.Millisecond // at most two updates a second per viewer
	streamWrite  = 5 * time.Second        // a viewer that takes no bytes that long is dropped
	streamIdle   = 15 * time.Second       // a sign of life through proxies
	sharedFor    = streamEvery / 2        // viewers within it share one rendering
	reconnectMil = 2000                   // milliseconds until a browser asks again
)

// fragment is a part of the page that changes: the inside of the element with ID.
type fragment struct {
	ID   string `json:"id"`
	HTML string `json:"html"`
}

// pageEvent tells which page the fragments belong to.
type pageEvent struct {
	Key string `json:"key"`
}

// rendering is the live part of the page at one moment.
type rendering struct {
	at        time.Time
	page      string // pageKey
	fragments []fragment
}

// rendered is the newest rendering, made anew if the last one is too old.
func (s *Server) rendered() (rendering, error) {
	s.liveMu.Lock()
	defer s.liveMu.Unlock()
	now := time.Now()
	if !s.live.at.IsZero() && now.Sub(s.live.at) < sharedFor {
		return s.live, nil
	}
	var out []fragment
	var buf bytes.Buffer
	v := s.view(now)
	for _, p := range v.parts() {
		buf.Reset()
		if err := p.body.Render(context.Background(), &buf); err != nil {
			return rendering{}, fmt.Errorf("cannot render %s: %w", p.id, err)
		}
		out = append(out, fragment{ID: p.id, HTML: buf.String()})
	}
	s.live = rendering{at: now, page: v.key(), fragments: out}
	return s.live, nil
}

// key names what a page is made of: program, files, parts. A browser that shows
// another page than the stream fills loads it again.
func (v view) key() string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q", v.version, v.build)
	for _, p := range v.parts() {
		fmt.Fprintf(h, " %q", p.id)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// part is a piece of the page that is replaced as a whole.
type part struct {
	id   string
	body templ.Component
}

// stream is GET /api/v1/stream: Server-Sent Events. "page" carries {key} of the page
// that the fragments belong to, "fragment" carries {id, html} of a part that changed.
// Everything is sent after each connect. There is no queue: what changed while a
// viewer was slow is one update.
func (s *Server) stream(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Sec-Fetch-Site") == "cross-site" { // can't read it, but would take a viewer's place
		fail(w, r, http.StatusForbidden, "The request comes from another web site.", "Open the box's own page.")
		return
	}
	select {
	case s.viewer <- struct{}{}:
		defer func() { <-s.viewer }()
	default:
		w.Header().Set("Retry-After", "10")
		fail(w, r, http.StatusServiceUnavailable, fmt.Sprintf("%d viewers watch already.", maxViewers), "Close other pages of this box, or ask again later.")
		return
	}
	if s.closed.Err() != nil {
		fail(w, r, http.StatusServiceUnavailable, "The box is stopping.", "Ask again when it is back.")
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // proxies pass each event on at once
	if r.Method == http.MethodHead {
		return
	}
	v := viewer{w: w, control: http.NewResponseController(w)}
	v.out.WriteString(fmt.Sprintf("retry: %d\n\n", reconnectMil))
	tick := time.NewTicker(streamEvery)
	defer tick.Stop()
	for s.still(r) {
		now, err := s.rendered()
		if err != nil {
			s.cfg.Logger.Error("stream ends", "err", err)
			return
		}
		if err := v.send(now); err != nil {
			return // the viewer left
		}
		select {
		case <-r.Context().Done():
			return
		case <-s.closed.Done():
			return
		case <-tick.C:
		}
	}
}

// viewer is one open stream.
type viewer struct {
	w       http.ResponseWriter
	control *http.ResponseController
	out     bytes.Buffer
	page    string            // the page it was told of
	has     map[string]string // what it was sent, by id
	wrote   time.Time
}

// send writes what differs from what the viewer has.
func (v *viewer) send(now rendering) error {
	next := make(map[string]string, len(now.fragments))
	if v.page != now.page {
		v.page = now.page
		v.event("page", pageEvent{Key: now.page})
	}
	for _, f := range now.fragments {
		if old, ok := v.has[f.ID]; !ok || old != f.HTML {
			v.event("fragment", f)
		}
		next[f.ID] = f.HTML
	}
	v.has = next
	if v.out.Len() == 0 {
		if now.at.Sub(v.wrote) < streamIdle {
			return nil
		}
		v.out.WriteString(": still here\n\n")
	}
	v.wrote = now.at
	// Where the writer knows no deadline (in tests) a stuck viewer ends with its request.
	_ = v.control.SetWriteDeadline(time.Now().Add(streamWrite))
	if _, err := v.out.WriteTo(v.w); err != nil {
		return err
	}
	err := v.control.Flush()
	// HTTP/2 would end a stream whose deadline passes between two updates.
	_ = v.control.SetWriteDeadline(time.Time{})
	return err
}

func (v *viewer) event(name string, body any) {
	fmt.Fprintf(&v.out, "event: %s\ndata: ", name)
	e := json.NewEncoder(&v.out)
	e.SetEscapeHTML(false) // it is data, and a third shorter
	if err := e.Encode(body); err != nil {
		panic("web: event can't be JSON: " + err.Error())
	}
	v.out.WriteByte('\n') // Encode ended the line, this ends the event
}
