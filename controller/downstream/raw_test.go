package downstream

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"busbar/controller"
)

// rawCharger is a charger by its bytes alone: nothing between the test and the socket
// mends what it says.
type rawCharger struct {
	t      *testing.T
	ws     *websocket.Conn
	frames chan string // what came, in order; closed when the socket ends
	end    error       // why, after that
}

// rawDial opens a socket at path with these subprotocols and headers.
func (r *rig) rawDial(path string, protocols []string, header http.Header) (*rawCharger, *http.Response, error) {
	d := websocket.Dialer{NetDialContext: r.net.DialContext, Subprotocols: protocols}
	ws, resp, err := d.DialContext(r.t.Context(), "ws://box:8887"+path, header)
	if err != nil {
		return nil, resp, err
	}
	c := &rawCharger{t: r.t, ws: ws, frames: make(chan string, 100)}
	go c.read() // joined by the clean-up
	r.t.Cleanup(func() {
		_ = ws.Close()
		for range c.frames {
		}
	})
	synctest.Wait()
	return c, resp, nil
}

// raw is a charger that connects as 1.6 chargers do.
func (r *rig) raw(id string) *rawCharger {
	r.t.Helper()
	c, _, err := r.rawDial("/ocpp/"+id, []string{"ocpp1.6"}, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

func (c *rawCharger) read() {
	defer close(c.frames)
	for {
		_, b, err := c.ws.ReadMessage()
		if err != nil {
			c.end = err
			return
		}
		c.frames <- string(b)
	}
}

func (c *rawCharger) send(text string) {
	c.t.Helper()
	if err := c.ws.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		c.t.Fatal(err)
	}
	synctest.Wait()
}

// got is the next frame within a minute, "" if none came, "closed" if the socket ended.
func (c *rawCharger) got() string {
	select {
	case f, ok := <-c.frames:
		if !ok {
			return "closed"
		}
		return f
	case <-time.After(time.Minute):
		return ""
	}
}

// quiet is what is there already, without waiting.
func (c *rawCharger) quiet() []string {
	synctest.Wait()
	var out []string
	for {
		select {
		case f, ok := <-c.frames:
			if !ok {
				return append(out, "closed")
			}
			out = append(out, f)
		default:
			return out
		}
	}
}

// call sends a message and gives what came back for it.
func (c *rawCharger) call(text string) string {
	c.t.Helper()
	c.send(text)
	return c.got()
}

// answer answers the CALL that is next, with %s in its place for the id, and gives it
// without its id.
func (c *rawCharger) answer(text string) string {
	c.t.Helper()
	frame := c.got()
	id, rest := callID(c.t, frame)
	c.send(fmt.Sprintf(text, id))
	return rest
}

// callID splits a CALL into its id and "Action {payload}".
func callID(t *testing.T, frame string) (id, rest string) {
	t.Helper()
	var parts []json.RawMessage
	if err := json.Unmarshal([]byte(frame), &parts); err != nil || len(parts) != 4 {
		t.Fatalf("no CALL: %q", frame)
	}
	return strings.Trim(string(parts[1]), `"`), strings.Trim(string(parts[2]), `"`) + " " + string(parts[3])
}

// told are the events in words, without those of the connection.
func (r *rig) told() []string {
	synctest.Wait()
	var out []string
	for _, ev := range r.loop.take() {
		switch ev.(type) {
		case controller.ChargerConnected, controller.ChargerGone:
		default:
			out = append(out, describe(ev))
		}
	}
	return out
}

// exchange is one message of a charger, the answer to its bytes, and what the loop
// heard of it.
type exchange struct{ name, send, answer, event string }

func (r *rig) exchanges(cp *rawCharger, list []exchange) {
	r.t.Helper()
	for _, x := range list {
		r.told()
		if got := cp.call(x.send); got != x.answer {
			r.t.Errorf("%s: answered %s\nwant %s", x.name, got, x.answer)
		}
		if got := strings.Join(r.told(), "; "); got != x.event {
			r.t.Errorf("%s: the controller heard %s\nwant %s", x.name, got, x.event)
		}
	}
}

// play answers what it is asked until all is quiet: reply gives the rest of the frame
// after its id, with the type before ("3,{...}" becomes [3,id,{...}]).
func (c *rawCharger) play(reply func(call string) string) (calls []string) {
	c.t.Helper()
	for {
		frames := c.quiet()
		if len(frames) == 0 {
			return calls
		}
		for _, frame := range frames {
			id, call := callID(c.t, frame)
			calls = append(calls, call)
			kind, rest, _ := strings.Cut(reply(call), ",")
			c.send(fmt.Sprintf(`[%s,%q,%s]`, kind, id, rest))
		}
	}
}

// skim answers what it is asked until all is quiet, and gives the answers to its own.
func (c *rawCharger) skim(reply func(call string) string) (answers []string) {
	c.t.Helper()
	for {
		frames := c.quiet()
		if len(frames) == 0 {
			return answers
		}
		for _, frame := range frames {
			if !strings.HasPrefix(frame, "[2,") {
				answers = append(answers, frame)
				continue
			}
			id, call := callID(c.t, frame)
			kind, rest, _ := strings.Cut(reply(call), ",")
			c.send(fmt.Sprintf(`[%s,%q,%s]`, kind, id, rest))
		}
	}
}

// always answers everything with the same.
func always(text string) func(string) string { return func(string) string { return text } }

// refusing answers Rejected to a call that has one of the parts, else Accepted.
func refusing(parts ...string) func(string) string {
	return func(call string) string {
		for _, part := range parts {
			if strings.Contains(call, part) {
				return `3,{"status":"Rejected"}`
			}
		}
		return `3,{"status":"Accepted"}`
	}
}

// abilities is the last word on a charger's.
func (r *rig) abilities(id controller.StationID) controller.Abilities {
	synctest.Wait()
	r.loop.mu.Lock()
	defer r.loop.mu.Unlock()
	out := controller.Abilities{}
	for _, ev := range eventsOf[controller.ChargerLearnt](r.loop.learnt) {
		if ev.Station == id {
			out = ev.Abilities
		}
	}
	return out
}
