package ocpp

import (
	"compress/flate"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/gorilla/websocket"
)

// extension is what the server agrees to when a client offers versions and extensions.
func extension(t *testing.T, w *world, offer string, protocols ...string) string {
	t.Helper()
	header := http.Header{"Sec-WebSocket-Protocol": {strings.Join(protocols, ", ")}}
	d := websocket.Dialer{NetDialContext: w.net.DialContext}
	dial := d.NetDialContext
	// The library sets the header of extensions itself; another one is put on the wire.
	d.NetDialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err == nil && offer != "" {
			c = &offering{Conn: c, line: "Sec-WebSocket-Extensions: " + offer + "\r\n"}
		}
		return c, err
	}
	ws, resp, err := d.DialContext(t.Context(), "ws://box:8887/CP1", header)
	if resp == nil || err != nil && !strings.Contains(err.Error(), "compression") {
		t.Fatal(err)
	}
	if ws != nil {
		_ = ws.Close()
	}
	return resp.Header.Get("Sec-WebSocket-Extensions")
}

// offering adds one line to the head of the request.
type offering struct {
	net.Conn
	line string
}

func (o *offering) Write(b []byte) (int, error) {
	if head, rest, ok := strings.Cut(string(b), "\r\n"); ok && o.line != "" {
		line := o.line
		o.line = ""
		if _, err := io.WriteString(o.Conn, head+"\r\n"+line+rest); err != nil {
			return 0, err
		}
		return len(b), nil
	}
	return o.Conn.Write(b)
}

func TestCompressionIsAgreedUponFor2xOnly(t *testing.T) {
	const agreed = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
	for _, c := range []struct {
		offer, want string
		protocols   []string
	}{
		{"permessage-deflate", agreed, []string{"ocpp2.0.1"}},
		{"permessage-deflate; client_max_window_bits", agreed, []string{"ocpp2.1"}},
		{"permessage-deflate; client_max_window_bits=10; server_no_context_takeover", agreed, []string{"ocpp2.0.1"}},
		{"permessage-deflate; server_max_window_bits=15", agreed, []string{"ocpp2.0.1"}},
		{"permessage-deflate; server_max_window_bits=10", "", []string{"ocpp2.0.1"}},
		{"permessage-deflate; server_max_window_bits=10, permessage-deflate", agreed, []string{"ocpp2.0.1"}},
		{"x-webkit-deflate-frame", "", []string{"ocpp2.0.1"}},
		{"", "", []string{"ocpp2.0.1"}},
		{"permessage-deflate", "", []string{"ocpp1.6"}},
		{"permessage-deflate", "", []string{"ocpp1.6", "ocpp2.0.1"}}, // 1.6 is taken
		{"permessage-deflate", agreed, []string{"ocpp2.0.1", "ocpp1.6"}},
	} {
		bubble(t, func(t *testing.T) {
			w := newWorld(t, permit(Options{}))
			if got := extension(t, w, c.offer, c.protocols...); got != c.want {
				t.Errorf("%q with %v: %q, want %q", c.offer, c.protocols, got, c.want)
			}
		})
	}
}

func TestBothEndsCompressWhatIsLong(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, permit(Options{Handler: echo}))
		for _, p := range []Protocol{V16, V201} {
			var wire counter
			cfg := w.config("CP"+string(p[4]), Options{})
			cfg.Protocols = []Protocol{p}
			cfg.DialContext = wire.dial(w)
			client, err := Dial(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			payload := json.RawMessage(`{"text":"` + strings.Repeat("abc", 10_000) + `"}`)
			if got, err := client.Call(t.Context(), Call{Action: "A", Payload: payload}); err != nil || string(got) != string(payload) {
				t.Fatal(err)
			}
			client.Close(1000, "")
			<-client.Done()
			if small := wire.in < 3000 && wire.out < 3000; small != (p == V201) {
				t.Errorf("%s: %d bytes out, %d in", p, wire.out, wire.in)
			}
		}
	})
}

// counter counts what passes a connection.
type counter struct {
	net.Conn
	mu      sync.Mutex
	in, out int
}

func (c *counter) dial(w *world) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := w.net.DialContext(ctx, network, addr)
		c.Conn = conn
		return c, err
	}
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.in += n
	return n, err
}

func (c *counter) Write(b []byte) (int, error) {
	c.mu.Lock()
	c.out += len(b)
	c.mu.Unlock()
	return c.Conn.Write(b)
}

// The defaults of decision 12: 1 MiB from chargers, 4 MiB from the cloud, counted
// after inflating; one byte more closes with 1009.
func TestFrameLimitIsThatOfTheInflatedMessage(t *testing.T) {
	for _, p := range []Protocol{V16, V201} {
		bubble(t, func(t *testing.T) {
			w := newWorld(t, func(hs *Handshake) Admission {
				adm := permit(Options{Handler: echo})(hs)
				if hs.Identity == "BIG" {
					adm.Options.MaxMessage = 8 << 20 // to be told back what a client can read
				}
				return adm
			})
			for over := range 2 {
				d := websocket.Dialer{NetDialContext: w.net.DialContext, EnableCompression: true, Subprotocols: []string{string(p)}}
				ws, _, err := d.DialContext(t.Context(), "ws://box:8887/CP1", nil)
				if err != nil {
					t.Fatal(err)
				}
				answerPings(ws)
				server := <-w.opened
				const head, tail = `[2,"1","A",{"a":"`, `"}]`
				send(t, ws, head+strings.Repeat("x", 1<<20+over-len(head)-len(tail))+tail)
				if over == 0 {
					receive(t, ws)
				} else {
					closesTooBig(t, ws)
				}
				_ = ws.Close()
				<-server.Done()
			}
			cfg := w.config("BIG", Options{Handler: echo})
			cfg.Protocols = []Protocol{p}
			client, err := Dial(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			server := <-w.opened
			payload := func(size int) json.RawMessage { return json.RawMessage(`{"a":"` + strings.Repeat("x", size) + `"}`) }
			if _, err := server.Call(t.Context(), Call{Action: "A", Payload: payload(4<<20 - 100)}); err != nil {
				t.Errorf("%s: just below the limit: %v", p, err)
			}
			if _, err := server.Call(t.Context(), Call{Action: "A", Payload: payload(4 << 20)}); !errors.Is(err, ErrClosed) {
				t.Errorf("%s: above the limit: %v", p, err)
			}
			<-client.Done()
		})
	}
}

func closesTooBig(t *testing.T, ws *websocket.Conn) {
	t.Helper()
	if _, _, err := ws.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseMessageTooBig) {
		t.Errorf("got %v, want close 1009", err)
	}
}

func TestBombCostsNoMoreThanTheLimit(t *testing.T) {
	var packed strings.Builder
	deflate, err := flate.NewWriter(&packed, flate.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	blank := strings.Repeat(" ", 1<<20)
	for range 64 {
		_, _ = io.WriteString(deflate, blank)
	}
	_ = deflate.Flush()
	message := strings.TrimSuffix(packed.String(), "\x00\x00\xff\xff")
	bubble(t, func(t *testing.T) {
		w := newWorld(t, permit(Options{Handler: echo}))
		d := websocket.Dialer{NetDialContext: w.net.DialContext, EnableCompression: true, Subprotocols: []string{string(V201)}}
		ws, _, err := d.DialContext(t.Context(), "ws://box:8887/CP1", nil)
		if err != nil {
			t.Fatal(err)
		}
		answerPings(ws)
		defer ws.Close()
		<-w.opened
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := ws.NetConn().Write(rawFrame(message)); err != nil {
			t.Fatal(err)
		}
		closesTooBig(t, ws)
		runtime.ReadMemStats(&after)
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 16<<20 {
			t.Errorf("%d bytes on the wire cost %d bytes", len(message), grown)
		}
	})
}

// rawFrame is a masked text frame with the bit of compression set (RFC 6455 §5.2).
func rawFrame(payload string) []byte {
	const fin, compressed, text, masked = 0x80, 0x40, 0x01, 0x80
	b := []byte{fin | compressed | text, masked | 127}
	for shift := 56; shift >= 0; shift -= 8 {
		b = append(b, byte(len(payload)>>shift))
	}
	b = append(b, 0, 0, 0, 0) // a mask that changes nothing
	return append(b, payload...)
}

func TestClientGoesOnWithoutCompressionWhenTheServersTermsAreOdd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, permit(Options{Handler: echo}))
		cfg := w.config("CP1", Options{})
		cfg.Protocols = []Protocol{V201}
		dials := 0
		cfg.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			dials++
			conn, err := w.net.DialContext(ctx, network, addr)
			return &forgetful{Conn: conn}, err
		}
		client, err := Dial(t.Context(), cfg)
		if err != nil || dials != 2 {
			t.Fatalf("%v after %d dials", err, dials)
		}
		client.Close(1000, "")
		<-client.Done()
	})
}

// forgetful loses a term from the server's answer.
type forgetful struct{ net.Conn }

func (f *forgetful) Read(b []byte) (int, error) {
	n, err := f.Conn.Read(b)
	out := strings.Replace(string(b[:n]), "; client_no_context_takeover", "", 1)
	return copy(b, out), err
}
