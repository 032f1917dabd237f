package ocpp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"busbar/controller/sitesim/memnet"
	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
	"busbar/ocpp/ocpp2"
)

// mutations is how many mutated messages are tried: few, or BUSBAR_MUTATIONS of them
// ("1e8").
func mutations(t *testing.T) int {
	t.Helper()
	text := os.Getenv("BUSBAR_MUTATIONS")
	if text == "" {
		return 30_000
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || n < 1 {
		t.Fatalf("BUSBAR_MUTATIONS is %q", text)
	}
	return int(n)
}

// originals are messages as they come from chargers and clouds.
var originals = []string{
	`[2,"19223201","Heartbeat",{}]`,
	`[2,"1","BootNotification",{"chargePointVendor":"V","chargePointModel":"M","chargePointSerialNumber":"S1","firmwareVersion":"1.0"}]`,
	`[2,"2","MeterValues",{"connectorId":1,"transactionId":17,"meterValue":[{"timestamp":"2026-03-01T08:00:00Z","sampledValue":[` +
		`{"value":"12345","unit":"Wh"},{"value":"10.1","measurand":"Current.Import","phase":"L1","context":"Sample.Periodic"}]}]}]`,
	`[2,"3","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available","timestamp":"2026-03-01T08:00:00+01:00"}]`,
	`[2,"4","SetChargingProfile",{"connectorId":0,"csChargingProfiles":{"chargingProfileId":1,"stackLevel":0,"chargingProfilePurpose":"TxDefaultProfile",` +
		`"chargingProfileKind":"Absolute","chargingSchedule":{"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":16.5,"numberPhases":3}]}}}]`,
	`[2,"5","TransactionEvent",{"eventType":"Started","timestamp":"2026-03-01T08:00:00.000Z","triggerReason":"CablePluggedIn","seqNo":0,` +
		`"transactionInfo":{"transactionId":"a-1","chargingState":"EVConnected"},"evse":{"id":1,"connectorId":1},"idToken":{"idToken":"04A1","type":"ISO14443"}}]`,
	`[3,"6",{"currentTime":"2026-03-01T08:00:00Z","interval":300,"status":"Accepted"}]`,
	`[4,"7","FormationViolation","wrong",{"a":1}]`,
	`[5,"8","FormatViolation","",{}]`,
	`[6,"9","NotifyPeriodicEventStream",{"id":1,"pending":0,"basetime":"2026-03-01T08:00:00Z","data":[{"t":0.5,"v":"1"}]}]`,
}

// tokens are what a mutation puts in.
var tokens = []string{"null", "[]", "{}", `""`, "-1", "1e999", "99999999999999999999", "0.1e-7", "true", `"\u0000"`, `"\ud800"`, "\xff", "\x00",
	`"`, "{", "}", "[", "]", ",", ":", `\`, `"a":`, "[[[[[[[[[[[[[[[[[", `{"a":{"a":{"a":{"a":`, "2026-13-45T99:99:99Z", "NaN", "ä", "\u2028"}

// mutate changes a message in one to four places.
func mutate(r *rand.Rand, b []byte) []byte {
	b = bytes.Clone(b)
	for range 1 + r.IntN(4) {
		at := r.IntN(len(b) + 1)
		end := min(len(b), at+r.IntN(12))
		switch r.IntN(6) {
		case 0:
			b = append(b[:at:at], b[end:]...)
		case 1:
			b = append(b[:at:at], append(bytes.Repeat(b[at:end], 1+r.IntN(3)), b[at:]...)...)
		case 2:
			b = append(b[:at:at], append([]byte(tokens[r.IntN(len(tokens))]), b[at:]...)...)
		case 3:
			b = append(b[:at:at], append([]byte(tokens[r.IntN(len(tokens))]), b[end:]...)...)
		case 4:
			if at < len(b) {
				b[at] ^= 1 << r.IntN(8)
			}
		case 5:
			other := originals[r.IntN(len(originals))]
			from := r.IntN(len(other))
			b = append(b[:at:at], append([]byte(other[from:min(len(other), from+40)]), b[end:]...)...)
		}
	}
	return b
}

// reader is a Mux that reads messages of both generations by their types.
func reader(lenience ocpp.Lenience) *ocpp.Mux {
	m := ocpp.NewMux(ocpp16.Known)
	m.Lenience = lenience
	take(m, ocpp16.Heartbeat)
	take(m, ocpp16.BootNotification)
	take(m, ocpp16.MeterValues)
	take(m, ocpp16.StatusNotification)
	take(m, ocpp16.SetChargingProfile)
	take(m, ocpp2.TransactionEvent)
	return m
}

func take[Req, Resp any](m *ocpp.Mux, a ocpp.Action[Req, Resp]) {
	ocpp.Handle(m, a, func(_ context.Context, _ *ocpp.Conn, req Req, _ *ocpp.Request) (Resp, error) {
		var resp Resp
		_, err := json.Marshal(req) // what was read can be written
		if err != nil {
			return resp, ocpp.Errorf(ocpp.CodePropertyConstraintViolation, "%s", err.Error())
		}
		return resp, ocpp.Errorf(ocpp.CodeGenericError, "read")
	})
}

// bed is a Server that answers with reader, and the way to it.
type bed struct {
	t    *testing.T
	net  *memnet.Network
	srv  *ocpp.Server
	last chan *ocpp.Conn
}

func newBed(t *testing.T) *bed {
	t.Helper()
	b := &bed{t: t, net: memnet.New(), last: make(chan *ocpp.Conn, 1)}
	b.srv = ocpp.NewServer(ocpp.ServerConfig{
		Admit: func(hs *ocpp.Handshake) ocpp.Admission {
			return ocpp.Admission{Protocols: hs.Offered, Options: ocpp.Options{Handler: reader(ocpp.Lenient), Repair: true}}
		},
		Opened: func(c *ocpp.Conn) { b.last <- c },
	})
	l, err := b.net.Listen("box:8887")
	if err != nil {
		t.Fatal(err)
	}
	hs := &http.Server{Handler: b.srv, ReadHeaderTimeout: time.Minute}
	var serving sync.WaitGroup
	serving.Go(func() { _ = hs.Serve(l) })
	t.Cleanup(func() {
		if err := b.srv.Close(context.Background()); err != nil {
			t.Error(err)
		}
		_ = hs.Close()
		serving.Wait()
	})
	return b
}

func (b *bed) dial(p ocpp.Protocol) (*websocket.Conn, *ocpp.Conn) {
	b.t.Helper()
	d := websocket.Dialer{NetDialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		return b.net.DialContext(ctx, network, addr)
	}, Subprotocols: []string{string(p)}}
	ws, _, err := d.DialContext(b.t.Context(), "ws://box:8887/CP1", nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return ws, <-b.last
}

// heap is what is held after a collection.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// maxGrowth is what the heap may hold more at the end than after the first tenth.
const maxGrowth = 4 << 20

// Mutated messages go through the parser, the reading by type and the writing of the
// answer, as a connection does it, on each version: nothing panics, all that is said
// is JSON, and nothing is kept.
func TestMutationOfMessagesIsAnsweredOrDropped(t *testing.T) {
	n := mutations(t)
	b := newBed(t)
	type way struct {
		protocol ocpp.Protocol
		conn     *ocpp.Conn
		mux      *ocpp.Mux
	}
	var ways []way
	for i, p := range []ocpp.Protocol{ocpp.V16, ocpp.V201, ocpp.V21} {
		ws, conn := b.dial(p)
		_ = ws.Close() // only its version is of use
		<-conn.Done()
		ways = append(ways, way{p, conn, reader([]ocpp.Lenience{ocpp.Lenient, ocpp.Strict, ocpp.Strict}[i])})
	}
	r := rand.New(rand.NewPCG(1, uint64(n)))
	var early int64
	read := 0
	for i := range n {
		if i == n/10 {
			early = heap()
		}
		text := mutate(r, []byte(originals[i%len(originals)]))
		w := ways[i%len(ways)]
		if answer := answerTo(t, w.protocol, w.conn, w.mux, text); answer != nil {
			read++
			if !json.Valid(answer) {
				t.Fatalf("%q on %s is answered by %q", text, w.protocol, answer)
			}
		}
	}
	if grown := heap() - early; grown > maxGrowth {
		t.Errorf("the heap grew by %d bytes", grown)
	}
	if read < n/10 {
		t.Errorf("only %d of %d were answered: the mutations are too coarse to test anything", read, n)
	}
}

// answerTo is what a connection says to a message; nil for nothing.
func answerTo(t *testing.T, p ocpp.Protocol, conn *ocpp.Conn, mux *ocpp.Mux, text []byte) []byte {
	t.Helper()
	f, err := ocpp.ParseFrame(text)
	if err != nil {
		fe, ok := errors.AsType[*ocpp.FrameError](err)
		if !ok {
			t.Fatalf("%q: no FrameError but %v", text, err)
		}
		if answer, ok := fe.Answer(p); ok {
			return answer.Append(nil)
		}
		return nil
	}
	if f.Type != ocpp.TypeCall {
		return f.Append(nil)
	}
	payload, err := mux.HandleCall(t.Context(), conn, &ocpp.Request{ID: f.ID, Action: f.Action, Payload: f.Payload})
	if err == nil {
		return ocpp.Frame{Type: ocpp.TypeCallResult, ID: f.ID, Payload: payload}.Append(nil)
	}
	e, ok := errors.AsType[*ocpp.Error](err)
	if v, is := errors.AsType[*ocpp.Violation](err); is {
		e, ok = v.CallError(), true
	}
	if !ok {
		e = ocpp.Errorf(ocpp.CodeInternalError, "%s", err.Error())
	}
	return ocpp.Frame{Type: ocpp.TypeCallError, ID: f.ID, Code: e.Code.For(p), Description: e.Description, Details: e.Details}.Append(nil)
}

// The same through real connections, a hundredth as many: after each mutated message
// the connection answers the next CALL, or has closed and a new one does.
func TestMutationOfMessagesLeavesTheConnectionOrItsSuccessorWorking(t *testing.T) {
	n := max(mutations(t)/100, 3000)
	b := newBed(t)
	r := rand.New(rand.NewPCG(2, uint64(n)))
	var early int64
	closed := 0
	for _, p := range []ocpp.Protocol{ocpp.V16, ocpp.V201, ocpp.V21} {
		ws, conn := b.dial(p)
		for i := range n / 3 {
			if p == ocpp.V16 && i == n/10 {
				early = heap()
			}
			text := mutate(r, []byte(originals[i%len(originals)]))
			fence := fmt.Sprintf(`"fence-%d"`, i)
			if !survives(ws, text, fence) {
				closed++
				_ = ws.Close()
				<-conn.Done()
				ws, conn = b.dial(p)
				if !survives(ws, []byte(originals[0]), fence) {
					t.Fatalf("after %q on %s a new connection does not work", text, p)
				}
			}
		}
		_ = ws.Close()
		<-conn.Done()
	}
	if grown := heap() - early; grown > maxGrowth {
		t.Errorf("the heap grew by %d bytes", grown)
	}
	if closed > n/10 {
		t.Errorf("%d of %d mutations closed the connection", closed, n)
	}
}

// survives tells whether a CALL after text is answered.
func survives(ws *websocket.Conn, text []byte, fence string) bool {
	if ws.WriteMessage(websocket.TextMessage, text) != nil ||
		ws.WriteMessage(websocket.TextMessage, []byte(`[2,`+fence+`,"Heartbeat",{}]`)) != nil {
		return false
	}
	_ = ws.SetReadDeadline(time.Now().Add(20 * time.Second))
	for {
		_, got, err := ws.ReadMessage()
		if err != nil {
			return false
		}
		if bytes.Contains(got, []byte(fence)) {
			return true
		}
	}
}
