package ocpp

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
)

// limitRequest breaks each rule that a payload can break.
type limitRequest struct {
	ID    int      `json:"id"`
	Kind  string   `json:"kind"`
	Names []string `json:"names,omitempty"`
}

func (l *limitRequest) Validate() error {
	if v := CheckMin("id", l.ID, 0); v != nil {
		return v
	}
	if v := CheckEnum("kind", l.Kind, l.Kind == "Good"); v != nil {
		return v
	}
	if v := CheckCount("names", len(l.Names), 0, 2); v != nil {
		return v
	}
	for i, name := range l.Names {
		if v := CheckLength("", name, 3); v != nil {
			return v.InEntry("names", i)
		}
	}
	return nil
}

// codesMux answers as a station or a CSMS does that reads strictly.
func codesMux() *Mux {
	known := map[string]bool{"Limit": true, "Foreign": true, "Blocked": true, "Broken": true, "TooMany": true, "TooBig": true, "Typed": true}
	m := NewMux(func(action string) (Role, bool) { return Both, known[action] })
	Handle(m, Action[limitRequest, struct{}]{Name: "Limit"}, func(context.Context, *Conn, limitRequest, *Request) (struct{}, error) {
		return struct{}{}, nil
	})
	fail := func(err error) HandlerFunc {
		return func(context.Context, *Conn, *Request) (json.RawMessage, error) { return nil, err }
	}
	m.Raw("Blocked", fail(Errorf(CodeSecurityError, "not accepted yet")))
	m.Raw("Broken", fail(errors.New("disk full at /var/lib")))
	m.Raw("TooMany", fail(Errorf(CodeOccurrenceConstraintViolation, "at most 10 items")))
	m.Raw("TooBig", fail(Errorf(CodeFormatViolation, "at most 16 KiB")))
	Handle(m, Action[struct{}, limitRequest]{Name: "Typed"}, func(context.Context, *Conn, struct{}, *Request) (limitRequest, error) {
		return limitRequest{Kind: "Bad"}, nil // our own answer breaks its rules
	})
	return m
}

// One row per situation and version; "" is no answer. The texts are left out: each
// answer is compared up to its code.
func TestCallErrorCodesOfEachSituationAndVersion(t *testing.T) {
	const framework = `[4,"-1","RpcFrameworkError"`
	for _, c := range []struct{ situation, in, v16, v201, v21 string }{
		{"not JSON", `[2,"1","Limit",{`, "", framework, framework},
		{"not a list", `"hello"`, "", framework, framework},
		{"id unreadable", `[2,17,"Limit",{}]`, "", framework, framework},
		{"nested too deeply", `[2,"1","Limit",{"a":[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]}]`, "", framework, framework},
		{"unknown type number", `[7,"1","Limit",{}]`, "", `[4,"1","MessageTypeNotSupported"`, ""},
		{"CALLRESULTERROR", `[5,"1","GenericError","",{}]`, "", `[4,"1","MessageTypeNotSupported"`, ""},
		{"SEND", `[6,"1","Limit",{"id":1,"kind":"Good"}]`, "", `[4,"1","MessageTypeNotSupported"`, ""},
		{"answer to nothing", `[3,"1",{}]`, "", "", ""},
		{"error to nothing", `[4,"1","GenericError","",{}]`, "", "", ""},
		{"action unknown", `[2,"1","Nonsense",{}]`, `[4,"1","NotImplemented"`, `[4,"1","NotImplemented"`, `[4,"1","NotImplemented"`},
		{"action known, not offered", `[2,"1","Foreign",{}]`, `[4,"1","NotSupported"`, `[4,"1","NotSupported"`, `[4,"1","NotSupported"`},
		{"payload is no object", `[2,"1","Limit",[1]]`, `[4,"1","FormationViolation"`, `[4,"1","FormatViolation"`, `[4,"1","FormatViolation"`},
		{"too many elements", `[2,"1","Limit",{},{}]`, `[4,"1","FormationViolation"`, `[4,"1","FormatViolation"`, `[4,"1","FormatViolation"`},
		{"extra field", `[2,"1","Limit",{"id":1,"kind":"Good","x":1}]`, `[3,"1",{}]`, `[4,"1","FormatViolation"`, `[4,"1","FormatViolation"`},
		{"field missing", `[2,"1","Limit",{"kind":"Good"}]`, `[4,"1","OccurenceConstraintViolation"`, `[4,"1","OccurrenceConstraintViolation"`, `[4,"1","OccurrenceConstraintViolation"`},
		{"wrong type", `[2,"1","Limit",{"id":"1","kind":"Good"}]`, `[4,"1","TypeConstraintViolation"`, `[4,"1","TypeConstraintViolation"`, `[4,"1","TypeConstraintViolation"`},
		{"no such value", `[2,"1","Limit",{"id":1,"kind":"Odd"}]`, `[4,"1","PropertyConstraintViolation"`, `[4,"1","PropertyConstraintViolation"`, `[4,"1","PropertyConstraintViolation"`},
		{"out of range", `[2,"1","Limit",{"id":-1,"kind":"Good"}]`, `[4,"1","PropertyConstraintViolation"`, `[4,"1","PropertyConstraintViolation"`, `[4,"1","PropertyConstraintViolation"`},
		{"too long", `[2,"1","Limit",{"id":1,"kind":"Good","names":["abcd"]}]`, `[4,"1","PropertyConstraintViolation"`, `[4,"1","PropertyConstraintViolation"`, `[4,"1","PropertyConstraintViolation"`},
		{"too many entries", `[2,"1","Limit",{"id":1,"kind":"Good","names":["a","b","c"]}]`, `[4,"1","OccurenceConstraintViolation"`, `[4,"1","OccurrenceConstraintViolation"`, `[4,"1","OccurrenceConstraintViolation"`},
		{"too many items", `[2,"1","TooMany",{}]`, `[4,"1","OccurenceConstraintViolation"`, `[4,"1","OccurrenceConstraintViolation"`, `[4,"1","OccurrenceConstraintViolation"`},
		{"too big items", `[2,"1","TooBig",{}]`, `[4,"1","FormationViolation"`, `[4,"1","FormatViolation"`, `[4,"1","FormatViolation"`},
		{"security", `[2,"1","Blocked",{}]`, `[4,"1","SecurityError"`, `[4,"1","SecurityError"`, `[4,"1","SecurityError"`},
		{"own fault", `[2,"1","Broken",{}]`, `[4,"1","InternalError","the call could not be handled",{}]`, `[4,"1","InternalError","the call could not be handled",{}]`, `[4,"1","InternalError","the call could not be handled",{}]`},
		{"own answer breaks its rules", `[2,"1","Typed",{}]`, `[4,"1","InternalError"`, `[4,"1","InternalError"`, `[4,"1","InternalError"`},
	} {
		for version, want := range map[Protocol]string{V16: c.v16, V201: c.v201, V21: c.v21} {
			bubble(t, func(t *testing.T) {
				w := newWorld(t, permit(Options{Handler: codesMux()}))
				ws := w.raw("CP1", version)
				send(t, ws, c.in)
				send(t, ws, `[2,"fence","Limit",{"id":1,"kind":"Good"}]`) // the connection goes on
				got := receive(t, ws)
				if got == `[3,"fence",{}]` {
					got = ""
				}
				if want == "" && got != "" || len(got) < len(want) || got[:len(want)] != want {
					t.Errorf("%s on %s: %s\n got %s\nwant %s", c.situation, version, c.in, got, want)
				}
			})
		}
	}
}

func TestUnreadableMessagesCloseTheConnectionAfterFive(t *testing.T) {
	for _, version := range []Protocol{V16, V201, V21} {
		bubble(t, func(t *testing.T) {
			w := newWorld(t, permit(Options{Handler: codesMux(), PingInterval: -1}))
			ws := w.raw("CP1", version)
			server := <-w.opened
			for range 4 {
				send(t, ws, "garbage")
			}
			send(t, ws, `[9,"1",{}]`) // readable, and so it begins anew
			for range 4 {
				send(t, ws, "garbage")
			}
			synctest.Wait()
			if server.life.Err() != nil {
				t.Fatalf("%s: closed too early: %v", version, context.Cause(server.life))
			}
			send(t, ws, "garbage")
			for {
				_ = ws.SetReadDeadline(time.Now().Add(time.Minute))
				if _, _, err := ws.ReadMessage(); err != nil {
					if !websocket.IsCloseError(err, websocket.ClosePolicyViolation) {
						t.Errorf("%s: %v, want close 1008", version, err)
					}
					break
				}
			}
			<-server.Done()
		})
	}
}

func TestIgnoredMessageTypesNeverCloseTheConnection(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, permit(Options{Handler: codesMux()}))
		ws := w.raw("CP1", V16)
		for range 20 {
			send(t, ws, `[6,"1","NotifyPeriodicEventStream",{}]`)
			send(t, ws, `[8,"1",{}]`)
		}
		send(t, ws, `[2,"fence","Limit",{"id":1,"kind":"Good"}]`)
		if got := receive(t, ws); got != `[3,"fence",{}]` {
			t.Error(got)
		}
	})
}

func TestBothSpellingsOfMisspeltCodesAreUnderstood(t *testing.T) {
	for _, version := range []Protocol{V16, V201} {
		for spelt, want := range map[string]ErrorCode{
			"FormationViolation": CodeFormatViolation, "FormatViolation": CodeFormatViolation,
			"OccurenceConstraintViolation": CodeOccurrenceConstraintViolation, "OccurrenceConstraintViolation": CodeOccurrenceConstraintViolation,
		} {
			bubble(t, func(t *testing.T) {
				w := newWorld(t, permit(Options{}))
				ws := w.raw("CP1", version)
				server := <-w.opened
				go func() {
					f, err := ParseFrame([]byte(receive(t, ws)))
					if err == nil {
						send(t, ws, `[4,"`+f.ID+`","`+spelt+`","",{}]`)
					}
				}()
				_, err := server.Call(t.Context(), Call{Action: "Reset"})
				if e, ok := errors.AsType[*Error](err); !ok || e.Code != want {
					t.Errorf("%s on %s: %v", spelt, version, err)
				}
			})
		}
	}
}
