package ocpp

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"busbar/controller/sitesim/memnet"
)

// world is a Server on a network in memory. It lives inside one bubble, which also
// proves that no goroutine is left: synctest fails a test that leaves one.
type world struct {
	t   *testing.T
	net *memnet.Network
	srv *Server

	mu      sync.Mutex
	refused []Refusal
	from    string // the address the next client seems to come from
	opened  chan *Conn
}

type named struct {
	net.Conn
	addr string
}

func (n named) RemoteAddr() net.Addr { return fakeAddr(n.addr) }

type fakeAddr string

func (a fakeAddr) Network() string { return "mem" }
func (a fakeAddr) String() string  { return string(a) }

type namingListener struct {
	net.Listener
	w *world
}

func (l namingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	return named{c, l.w.from}, nil
}

// permit admits everybody with these options.
func permit(opt Options) func(*Handshake) Admission {
	return func(*Handshake) Admission {
		return Admission{Protocols: []Protocol{V21, V201, V16}, Options: opt}
	}
}

func newWorld(t *testing.T, admit func(*Handshake) Admission) *world {
	t.Helper()
	w := &world{t: t, net: memnet.New(), from: "10.0.0.1:4000", opened: make(chan *Conn, 256)}
	w.srv = NewServer(ServerConfig{
		Admit:  admit,
		Opened: func(c *Conn) { w.opened <- c },
		Refused: func(r Refusal) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.refused = append(w.refused, r)
		},
	})
	l, err := w.net.Listen("box:8887")
	if err != nil {
		t.Fatal(err)
	}
	hs := &http.Server{Handler: w.srv}
	var serving sync.WaitGroup
	serving.Go(func() { _ = hs.Serve(namingListener{l, w}) })
	t.Cleanup(func() {
		if err := w.srv.Close(context.Background()); err != nil {
			t.Error(err)
		}
		_ = hs.Close()
		serving.Wait()
	})
	return w
}

func (w *world) config(id string, opt Options) ClientConfig {
	return ClientConfig{URL: "ws://box:8887/ocpp", Identity: id, Protocols: []Protocol{V16}, DialContext: w.net.DialContext, Options: opt}
}

// connect gives both ends of a new connection.
func (w *world) connect(id string, opt Options) (client, server *Conn) {
	w.t.Helper()
	client, err := Dial(w.t.Context(), w.config(id, opt))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		client.Close(1000, "test over")
		<-client.Done()
	})
	return client, <-w.opened
}

// raw is a client that speaks bytes.
func (w *world) raw(id string, protocols ...Protocol) *websocket.Conn {
	w.t.Helper()
	d := websocket.Dialer{NetDialContext: w.net.DialContext}
	for _, p := range protocols {
		d.Subprotocols = append(d.Subprotocols, string(p))
	}
	ws, _, err := d.DialContext(w.t.Context(), "ws://box:8887/"+id, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = ws.Close() })
	answerPings(ws)
	return ws
}

// answerPings has a client answer pings, and read on where that is too late: the close
// frame may stand behind the ping.
func answerPings(ws *websocket.Conn) {
	ws.SetPingHandler(func(data string) error {
		_ = ws.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(time.Second))
		return nil
	})
}

func send(t *testing.T, ws *websocket.Conn, text string) {
	t.Helper()
	if err := ws.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func receive(t *testing.T, ws *websocket.Conn) string {
	t.Helper()
	_ = ws.SetReadDeadline(time.Now().Add(time.Minute))
	_, b, err := ws.ReadMessage()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// echo answers every CALL with its own payload.
var echo = HandlerFunc(func(_ context.Context, _ *Conn, r *Request) (json.RawMessage, error) { return r.Payload, nil })

// silent never answers before the connection ends.
var silent = HandlerFunc(func(ctx context.Context, _ *Conn, _ *Request) (json.RawMessage, error) {
	<-ctx.Done()
	return nil, ctx.Err()
})

func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

func number(i int) json.RawMessage { return json.RawMessage(fmt.Sprintf(`{"n":%d}`, i)) }
