package ocpp

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
)

// TestSlowHandlerHoldsUpNobodyElse: while CALLs are slow, pings and the answers to our
// own CALLs are heard, and the CALLs behind keep their order; afterwards all goes on.
func TestSlowHandlerHoldsUpNobodyElse(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var order []string
		w := newWorld(t, permit(Options{Handler: HandlerFunc(func(_ context.Context, _ *Conn, r *Request) (json.RawMessage, error) {
			if len(order)%4 == 0 {
				time.Sleep(5 * time.Second)
			}
			order = append(order, r.ID)
			return r.Payload, nil
		})}))
		ws := w.raw("CP1", V16)
		server := <-w.opened
		for round := range 3 {
			order = nil
			for i := range 8 {
				send(t, ws, fmt.Sprintf(`[2,"%d-%d","A",{"n":1}]`, round, i))
			}
			var pong time.Time
			ws.SetPongHandler(func(string) error { pong = time.Now(); return nil })
			if err := ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(time.Second)); err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			var all sync.WaitGroup
			all.Go(func() {
				if _, err := server.Call(t.Context(), Call{ID: "own", Action: "Reset"}); err != nil || time.Since(start) > 2*reliefAfter {
					t.Errorf("our own CALL took %v: %v", time.Since(start), err)
				}
			})
			if got := receive(t, ws); got != `[2,"own","Reset",{}]` {
				t.Fatal(got)
			}
			send(t, ws, `[3,"own",{}]`)
			for i := range 8 {
				if got := receive(t, ws); got != fmt.Sprintf(`[3,"%d-%d",{"n":1}]`, round, i) {
					t.Fatal(got)
				}
			}
			all.Wait()
			if wait := pong.Sub(start); pong.IsZero() || wait > 2*reliefAfter {
				t.Errorf("the pong came after %v", wait)
			}
			synctest.Wait()
			server.mu.Lock()
			if server.running != 2 { // else two of them read
				t.Errorf("%d goroutines are left after slow CALLs", server.running)
			}
			server.mu.Unlock()
		}
	})
}

// TestOneWritesAtATime: while the peer reads slowly, neither an answer is written into a
// CALL by its maker nor a CALL into an answer by the writer.
func TestOneWritesAtATime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		big := json.RawMessage(`{"text":"` + strings.Repeat("x", 512<<10) + `"}`) // more than the network holds
		w := newWorld(t, permit(Options{Handler: HandlerFunc(func(_ context.Context, _ *Conn, r *Request) (json.RawMessage, error) {
			if r.Action == "Big" {
				return big, nil
			}
			return nil, nil
		})}))
		for _, first := range []string{`[2,"own"`, `[3,"1"`} {
			ws := w.raw("CP1", V16)
			server := <-w.opened
			var all sync.WaitGroup
			call := func(payload json.RawMessage) {
				all.Go(func() {
					if _, err := server.Call(t.Context(), Call{ID: "own", Action: "Reset", Payload: payload}); err != nil {
						t.Error(err)
					}
				})
				synctest.Wait()
			}
			if first == `[2,"own"` {
				call(big)
				send(t, ws, `[2,"1","Small",{}]`)
				synctest.Wait()
			} else {
				send(t, ws, `[2,"1","Big",{}]`)
				synctest.Wait()
				call(nil)
			}
			if got := receive(t, ws); !strings.HasPrefix(got, first) || len(got) < len(big) {
				t.Fatalf("%.40s came first", got)
			}
			if got := receive(t, ws); len(got) > 100 {
				t.Fatalf("%.40s came second", got)
			}
			send(t, ws, `[3,"own",{}]`)
			all.Wait()
			_ = ws.Close()
			<-server.Done()
		}
	})
}
