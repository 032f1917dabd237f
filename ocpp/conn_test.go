package ocpp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
)

func TestCrossingCallsAreAnsweredBothWays(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, permit(Options{Handler: echo}))
		client, server := w.connect("CP1", Options{Handler: echo})
		var all sync.WaitGroup
		for i := range 50 {
			for _, c := range []*Conn{client, server} {
				all.Go(func() {
					got, err := c.Call(t.Context(), Call{Action: "DataTransfer", Payload: number(i)})
					if err != nil || string(got) != string(number(i)) {
						t.Errorf("call %d: %s, %v", i, got, err)
					}
				})
			}
		}
		all.Wait()
	})
}

func TestInboundCallsAreHandledInTheirOrderAndAfterRunsBetween(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var log []string
		w := newWorld(t, permit(Options{Handler: HandlerFunc(func(_ context.Context, _ *Conn, r *Request) (json.RawMessage, error) {
			time.Sleep(time.Second)
			log = append(log, r.ID)
			r.After(func() { log = append(log, "after "+r.ID) })
			return nil, nil
		})}))
		ws := w.raw("CP1", V16)
		for _, id := range []string{"a", "b", "c"} {
			send(t, ws, `[2,"`+id+`","StatusNotification",{"connectorId":1}]`)
		}
		for _, id := range []string{"a", "b", "c"} {
			if got := receive(t, ws); got != `[3,"`+id+`",{}]` {
				t.Fatalf("got %s, want the answer to %s", got, id)
			}
		}
		synctest.Wait()
		if got := strings.Join(log, ","); got != "a,after a,b,after b,c,after c" {
			t.Fatalf("order of work: %s", got)
		}
	})
}

func TestTimeOutCountsFromTheWriteAndTheLateAnswerIsDropped(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, permit(Options{Handler: HandlerFunc(func(_ context.Context, _ *Conn, r *Request) (json.RawMessage, error) {
			if r.Action == "Slow" {
				time.Sleep(40 * time.Second)
			}
			return r.Payload, nil
		})}))
		var late atomic.Int32
		client, _ := w.connect("CP1", Options{Trace: func(e TraceEntry) {
			if e.Err != "" {
				late.Add(1)
			}
		}})
		start := time.Now()
		var sent time.Time
		_, err := client.Call(t.Context(), Call{Action: "Slow", Sent: func(at time.Time) { sent = at }})
		if !errors.Is(err, ErrTimeout) || errors.Is(err, ErrNotSent) || time.Since(start) != 30*time.Second || sent != start {
			t.Fatalf("%v after %v, sent %v", err, time.Since(start), sent)
		}
		got, err := client.Call(t.Context(), Call{Action: "Next", Payload: number(7)})
		if err != nil || string(got) != `{"n":7}` || late.Load() != 1 {
			t.Fatalf("after the time-out: %s, %v; %d late answers dropped", got, err, late.Load())
		}
	})
}

func TestOneCallIsOpenAndUrgentGoesFirst(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var order []string
		var open, most int32
		w := newWorld(t, permit(Options{Handler: HandlerFunc(func(_ context.Context, _ *Conn, r *Request) (json.RawMessage, error) {
			most = max(most, atomic.AddInt32(&open, 1))
			time.Sleep(time.Second)
			atomic.AddInt32(&open, -1)
			order = append(order, r.Action)
			return nil, nil
		})}))
		client, _ := w.connect("CP1", Options{})
		var all sync.WaitGroup
		for i, action := range []string{"first", "second", "third", "urgent1", "urgent2"} {
			all.Go(func() {
				if _, err := client.Call(t.Context(), Call{Action: action, Urgent: i > 2}); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		all.Wait()
		if got := strings.Join(order, " "); got != "first urgent1 urgent2 second third" || most != 1 {
			t.Fatalf("order %s, %d open at once", got, most)
		}
	})
}

func TestFullQueueIsCongestedButUrgentStillGoes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, permit(Options{Handler: silent}))
		client, _ := w.connect("CP1", Options{MaxQueued: 2})
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for range 3 { // one leaves, two wait
			all.Go(func() { _, _ = client.Call(ctx, Call{Action: "A"}) })
			synctest.Wait()
		}
		_, err := client.Call(ctx, Call{Action: "A"})
		if !errors.Is(err, ErrCongested) || !errors.Is(err, ErrNotSent) {
			t.Fatalf("the fourth call: %v", err)
		}
		all.Go(func() {
			if _, err := client.Call(ctx, Call{Action: "U", Urgent: true}); errors.Is(err, ErrCongested) {
				t.Error("an urgent call was congested by ones that are not")
			}
		})
		synctest.Wait()
		cancel()
		all.Wait()
	})
}

func TestCancelBeforeTheWriteIsNotSent(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var seen atomic.Int32
		w := newWorld(t, permit(Options{Handler: HandlerFunc(func(ctx context.Context, _ *Conn, _ *Request) (json.RawMessage, error) {
			seen.Add(1)
			time.Sleep(10 * time.Second)
			return nil, nil
		})}))
		client, _ := w.connect("CP1", Options{})
		var all sync.WaitGroup
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if _, err := client.Call(ctx, Call{Action: "Open"}); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrNotSent) {
				t.Errorf("cancelled after the write: %v", err)
			}
		})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := client.Call(ctx, Call{Action: "Waiting"}); !errors.Is(err, ErrNotSent) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("cancelled before the write: %v", err)
		}
		all.Wait()
		if _, err := client.Call(t.Context(), Call{Action: "Third"}); err != nil || seen.Load() != 2 {
			t.Errorf("%v; the peer saw %d calls, want 2", err, seen.Load())
		}
	})
}

func TestRepeatedCallGetsItsAnswerAgainAndIsNotCarriedOutTwice(t *testing.T) {
	bubble(t, func(t *testing.T) {
		calls := 0
		w := newWorld(t, permit(Options{Handler: HandlerFunc(func(_ context.Context, _ *Conn, r *Request) (json.RawMessage, error) {
			if calls++; r.Action == "Fail" {
				return nil, errors.New("queue is full")
			}
			return json.RawMessage(fmt.Sprintf(`{"call":%d}`, calls)), nil
		})}))
		ws := w.raw("CP1", V16)
		for _, step := range []struct{ in, out, why string }{
			{`[2,"1","StartTransaction",{"connectorId":1}]`, `[3,"1",{"call":1}]`, "first"},
			{`[2,"1","StartTransaction",{"connectorId":1}]`, `[3,"1",{"call":1}]`, "the same again"},
			{`[2,"1","StartTransaction",{"connectorId":2}]`, `[3,"1",{"call":2}]`, "same id, other content: new"},
			{`[2,"1","StopTransaction",{"connectorId":1}]`, `[3,"1",{"call":3}]`, "same id, other action: new"},
			{`[2,"h","Heartbeat",{}]`, `[3,"h",{"call":4}]`, "a question"},
			{`[2,"h","Heartbeat",{}]`, `[3,"h",{"call":5}]`, "a question is answered anew"},
			{`[2,"f","Fail",{"a":1}]`, `[4,"f","InternalError","the call could not be handled",{}]`, "failed"},
			{`[2,"f","Fail",{"a":1}]`, `[4,"f","InternalError","the call could not be handled",{}]`, "a failure is tried again"},
		} {
			send(t, ws, step.in)
			if got := receive(t, ws); got != step.out {
				t.Errorf("%s: %s\n got %s\nwant %s", step.why, step.in, got, step.out)
			}
		}
		if calls != 7 {
			t.Errorf("handler ran %d times, want 7", calls)
		}
	})
}

func TestHalfOpenSocketEndsAfterTwoMissedPings(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, permit(Options{}))
		ws := w.raw("CP1", V16)
		server := <-w.opened
		// The first ping is answered, then the peer falls silent without closing.
		_ = ws.SetReadDeadline(time.Now().Add(time.Second))
		_, _, _ = ws.ReadMessage()
		start := time.Now()
		_, err := server.Call(t.Context(), Call{Action: "Reset", Timeout: time.Hour})
		if !errors.Is(err, ErrClosed) || errors.Is(err, ErrNotSent) {
			t.Fatalf("the open call: %v", err)
		}
		<-server.Done()
		if took := time.Since(start); took > 2*time.Minute || took < 50*time.Second {
			t.Errorf("it took %v", took)
		}
		if w.srv.Conn("CP1") != nil {
			t.Error("still registered")
		}
	})
}

func TestPeerWithoutPongsLivesByItsTraffic(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, permit(Options{Handler: echo}))
		ws := w.raw("CP1", V16)
		server := <-w.opened
		for i := range 12 { // an hour
			time.Sleep(5 * time.Minute)
			send(t, ws, fmt.Sprintf(`[2,"%d","Heartbeat",{}]`, i))
		}
		if server.Err() != nil {
			t.Fatal(server.Err())
		}
		start := time.Now()
		<-server.Done()
		if took := time.Since(start); took > 11*time.Minute {
			t.Errorf("silence was noticed after %v", took)
		}
	})
}

func TestTooManyPipelinedCallsCloseTheSocket(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, permit(Options{Handler: silent, MaxPipelined: 4}))
		ws := w.raw("CP1", V16)
		server := <-w.opened
		for i := range 8 {
			_ = ws.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, `[2,"%d","A",{"n":%d}]`, i, i))
		}
		_ = ws.SetReadDeadline(time.Now().Add(time.Minute))
		_, _, err := ws.ReadMessage()
		if !websocket.IsCloseError(err, websocket.ClosePolicyViolation) {
			t.Fatalf("got %v, want close 1008", err)
		}
		<-server.Done()
		if !strings.Contains(server.Err().Error(), "4 calls") {
			t.Errorf("cause: %v", server.Err())
		}
	})
}

func TestMessageIsBoundedAfterInflating(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, permit(Options{Handler: echo, MaxMessage: 1000}))
		d := websocket.Dialer{NetDialContext: w.net.DialContext, EnableCompression: true, Subprotocols: []string{string(V201)}}
		ws, _, err := d.DialContext(t.Context(), "ws://box:8887/CP1", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer ws.Close()
		server := <-w.opened
		send(t, ws, `[2,"1","A",{"fits":"`+strings.Repeat("x", 900)+`"}]`)
		receive(t, ws)
		send(t, ws, `[2,"2","A",{"bomb":"`+strings.Repeat("x", 100_000)+`"}]`)
		if _, _, err := ws.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseMessageTooBig) {
			t.Errorf("got %v, want close 1009", err)
		}
		<-server.Done()
	})
}

func TestPanicOfAHandlerEndsOnlyItsConnection(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, permit(Options{Handler: HandlerFunc(func(_ context.Context, _ *Conn, r *Request) (json.RawMessage, error) {
			if r.Action == "Boom" {
				panic("boom")
			}
			return nil, nil
		})}))
		bad, _ := w.connect("CP1", Options{})
		good, _ := w.connect("CP2", Options{})
		if _, err := bad.Call(t.Context(), Call{Action: "Boom"}); !errors.Is(err, ErrClosed) {
			t.Errorf("the caller got %v", err)
		}
		<-bad.Done()
		if _, err := good.Call(t.Context(), Call{Action: "Fine"}); err != nil {
			t.Error(err)
		}
	})
}

func TestPeerThatDoesNotReadIsGivenUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, permit(Options{WriteTimeout: 2 * time.Second, PingInterval: -1}))
		w.raw("CP1", V16)
		server := <-w.opened
		start := time.Now()
		_, err := server.Call(t.Context(), Call{Action: "Big", Payload: json.RawMessage(`{"a":"` + strings.Repeat("x", 1<<20) + `"}`)})
		if !errors.Is(err, ErrClosed) || time.Since(start) != 2*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		<-server.Done()
	})
}

func TestMassTimeOutsDoNotLock(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, permit(Options{Handler: echo}))
		var all sync.WaitGroup
		for i := range 200 {
			_, server := w.connect(fmt.Sprintf("CP%d", i), Options{Handler: silent})
			for range 3 {
				all.Go(func() {
					if _, err := server.Call(t.Context(), Call{Action: "A"}); !errors.Is(err, ErrTimeout) {
						t.Errorf("got %v", err)
					}
				})
			}
		}
		start := time.Now()
		all.Wait()
		if took := time.Since(start); took != 90*time.Second {
			t.Errorf("three time-outs in a row took %v", took)
		}
	})
}

func TestServerCloseFailsWaitingCallsAndSaysGoodbye(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, permit(Options{}))
		client, server := w.connect("CP1", Options{Handler: silent})
		var all sync.WaitGroup
		for i := range 2 {
			all.Go(func() {
				_, err := server.Call(t.Context(), Call{Action: "A"})
				if !errors.Is(err, ErrClosed) || errors.Is(err, ErrNotSent) != (i == 1) {
					t.Errorf("call %d: %v", i, err)
				}
			})
			synctest.Wait()
		}
		if err := w.srv.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		all.Wait()
		<-client.Done()
		if got := client.Err().Error(); !strings.Contains(got, "1001") {
			t.Errorf("the client heard: %s", got)
		}
		if _, err := Dial(t.Context(), w.config("CP1", Options{})); err == nil {
			t.Error("a closed server let a client in")
		}
	})
}

func TestSENDIsHandledWithoutAnAnswer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var got []string
		w := newWorld(t, permit(Options{Handler: HandlerFunc(func(_ context.Context, _ *Conn, r *Request) (json.RawMessage, error) {
			got = append(got, r.Action)
			return r.Payload, nil
		})}))
		ws := w.raw("CP1", V21)
		send(t, ws, `[6,"1","NotifyPeriodicEventStream",{"id":1}]`)
		send(t, ws, `[2,"2","Heartbeat",{}]`)
		if answer := receive(t, ws); answer != `[3,"2",{}]` || len(got) != 2 {
			t.Errorf("answer %s, handled %v", answer, got)
		}
	})
}

func TestAPeerThatSpeaksIsNotPinged(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, permit(Options{Handler: echo}))
		ws := w.raw("CP1", V16)
		<-w.opened
		pings := 0
		ws.SetPingHandler(func(data string) error {
			pings++
			return ws.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(time.Second))
		})
		for i := range 30 { // five minutes
			if err := ws.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, `[2,"%d","Heartbeat",{}]`, i)); err != nil {
				t.Fatal(err)
			}
			if _, _, err := ws.ReadMessage(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Second)
		}
		if pings != 1 {
			t.Errorf("%d pings, want the first only", pings)
		}
	})
}
