package ocpp

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"sync"
	"syscall"
	"testing"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"
)

var benchPayload = json.RawMessage(`{"connectorId":1,"transactionId":1000001,"meterValue":[{"timestamp":"2026-03-01T08:00:00Z","sampledValue":[` +
	`{"value":"12345","unit":"Wh"},{"value":"10.1","measurand":"Current.Import","phase":"L1"},{"value":"10.2","measurand":"Current.Import","phase":"L2"},` +
	`{"value":"10.3","measurand":"Current.Import","phase":"L3"}]}]}`)

func BenchmarkParseFrame(b *testing.B) {
	text := Frame{Type: TypeCall, ID: "0b0b1bdf-5f9c-4f5c-8f43-21b0b35c0a3f", Action: "MeterValues", Payload: benchPayload}.Append(nil)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := ParseFrame(text); err != nil {
			b.Fatal(err)
		}
	}
}

// benchPayloads are the smallest and the commonest message of a charger.
var benchPayloads = []struct {
	action  string
	payload json.RawMessage
}{{"Heartbeat", json.RawMessage("{}")}, {"MeterValues", benchPayload}}

// BenchmarkEcho is one CALL there and its answer back over the loopback: "bare" with
// the WebSocket library and JSON arrays alone, "conn" with all that a Conn does (one
// open CALL, time-outs, order, repeated CALLs, trace). conn may cost twice of bare.
func BenchmarkEcho(b *testing.B) {
	for _, m := range benchPayloads {
		b.Run("bare/"+m.action, func(b *testing.B) {
			ws := benchBare(b)
			defer reportCPU(b)()
			for b.Loop() {
				if err := ws.WriteJSON([]any{TypeCall, uuid.NewString(), m.action, m.payload}); err != nil {
					b.Fatal(err)
				}
				var answer []json.RawMessage
				if err := ws.ReadJSON(&answer); err != nil || len(answer) != 3 {
					b.Fatal(err)
				}
			}
		})
		b.Run("conn/"+m.action, func(b *testing.B) {
			client := benchPair(b)
			defer reportCPU(b)()
			for b.Loop() {
				if _, err := client.Call(b.Context(), Call{Action: m.action, Payload: m.payload}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// reportCPU reports allocations, and the time of all processors, which goroutines that
// work beside each other would hide.
func reportCPU(b *testing.B) func() {
	b.ReportAllocs()
	used := func() int64 {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return u.Utime.Nano() + u.Stime.Nano()
	}
	before := used()
	return func() { b.ReportMetric(float64(used()-before)/float64(b.N), "cpu-ns/op") }
}

// benchServe serves h on the loopback until the benchmark ends.
func benchServe(b *testing.B, h http.Handler) (addr string) {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	hs := &http.Server{Handler: h}
	var serving sync.WaitGroup
	serving.Go(func() { _ = hs.Serve(l) })
	b.Cleanup(func() {
		_ = hs.Close()
		serving.Wait()
	})
	return l.Addr().String()
}

// benchBare is a client of an echo without OCPP.
func benchBare(b *testing.B) *websocket.Conn {
	b.Helper()
	var up websocket.Upgrader
	addr := benchServe(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := up.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer ws.Close()
		for {
			var call []json.RawMessage
			if ws.ReadJSON(&call) != nil || ws.WriteJSON([]any{TypeCallResult, call[1], call[3]}) != nil {
				return
			}
		}
	}))
	ws, _, err := websocket.DefaultDialer.DialContext(b.Context(), "ws://"+addr+"/CP1", nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = ws.Close() })
	return ws
}

// benchPair is a client of an echoing Server.
func benchPair(b *testing.B) *Conn {
	b.Helper()
	srv := NewServer(ServerConfig{Admit: permit(Options{Handler: echo})})
	addr := benchServe(b, srv)
	client, err := Dial(b.Context(), ClientConfig{URL: "ws://" + addr, Identity: "CP1", Protocols: []Protocol{V16}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		client.Close(1000, "")
		<-client.Done()
		_ = srv.Close(context.Background())
	})
	return client
}
