package ocpp

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// wireCases is what comes over the wire and what becomes of it: a frame (as it is
// written again), or per version the answer to what is none ("" = dropped).
var wireCases = []struct {
	name, in      string
	frame         string
	v16, v201, v2 string
}{
	{name: "CALL", in: `[2,"1","Heartbeat",{}]`, frame: `[2,"1","Heartbeat",{}]`},
	{name: "number text, order and white space survive", in: ` [ 2 , "1","X",{ "b":1.50,"a" : 1e3,"ü":"\u00fc" } ] `,
		frame: `[2,"1","X",{ "b":1.50,"a" : 1e3,"ü":"\u00fc" }]`},
	{name: "payload missing", in: `[2,"1","Heartbeat"]`, frame: `[2,"1","Heartbeat",{}]`},
	{name: "payload null", in: `[2,"1","Heartbeat",null]`, frame: `[2,"1","Heartbeat",{}]`},
	{name: "payload empty list", in: `[2,"1","Heartbeat",[ ]]`, frame: `[2,"1","Heartbeat",{}]`},
	{name: "CALLRESULT", in: `[3,"1",{"status":"Accepted"}]`, frame: `[3,"1",{"status":"Accepted"}]`},
	{name: "CALLRESULT without payload", in: `[3,"1"]`, frame: `[3,"1",{}]`},
	{name: "CALLERROR", in: `[4,"1","GenericError","oops",{"a":1}]`, frame: `[4,"1","GenericError","oops",{"a":1}]`},
	{name: "CALLERROR of the shortest kind", in: `[4,"1"]`, frame: `[4,"1","GenericError","",{}]`},
	{name: "CALLERROR with odd parts", in: `[4,"1",7,null,null]`, frame: `[4,"1","GenericError","",{}]`},
	{name: "CALLRESULTERROR", in: `[5,"1","FormatViolation","",{}]`, frame: `[5,"1","FormatViolation","",{}]`},
	{name: "SEND", in: `[6,"1","NotifyPeriodicEventStream",{}]`, frame: `[6,"1","NotifyPeriodicEventStream",{}]`},
	{name: "not JSON", in: `[2,"1","X",{"a":}]`, v201: `[4,"-1","RpcFrameworkError","it is not a JSON array",{}]`, v2: "same"},
	{name: "nothing", in: ``, v201: `[4,"-1","RpcFrameworkError","it is not a JSON array",{}]`, v2: "same"},
	{name: "an object", in: `{"a":1}`, v201: `[4,"-1","RpcFrameworkError","it is not a JSON array",{}]`, v2: "same"},
	{name: "an empty list", in: `[]`, v201: `[4,"-1","RpcFrameworkError","it has fewer than two elements",{}]`, v2: "same"},
	{name: "type is text", in: `["2","1","X",{}]`, v201: `[4,"-1","RpcFrameworkError","its message type is not a number",{}]`, v2: "same"},
	{name: "id is a number", in: `[2,1,"X",{}]`, v201: `[4,"-1","RpcFrameworkError","its message id is not a string of 1 to 36 characters",{}]`, v2: "same"},
	{name: "id is empty", in: `[2,"","X",{}]`, v201: `[4,"-1","RpcFrameworkError","its message id is not a string of 1 to 36 characters",{}]`, v2: "same"},
	{name: "unknown type", in: `[9,"1","X",{}]`, v201: `[4,"1","MessageTypeNotSupported","message type 9 is not known",{}]`},
	{name: "no action", in: `[2,"1"]`, v16: `[4,"1","FormationViolation","its action is not a name",{}]`,
		v201: `[4,"1","FormatViolation","its action is not a name",{}]`, v2: "same"},
	{name: "payload is a number", in: `[2,"1","X",5]`, v16: `[4,"1","FormationViolation","its payload is not an object",{}]`,
		v201: `[4,"1","FormatViolation","its payload is not an object",{}]`, v2: "same"},
	{name: "too many elements", in: `[2,"1","X",{},{}]`, v16: `[4,"1","FormationViolation","it has too many elements",{}]`,
		v201: `[4,"1","FormatViolation","it has too many elements",{}]`, v2: "same"},
	{name: "an unusable answer is answered by 2.1 only", in: `[3,"1",5]`, v2: `[5,"1","FormatViolation","its payload is not an object",{}]`},
	{name: "too deep", in: `[2,"1","X",` + strings.Repeat(`{"a":`, 17) + `1` + strings.Repeat(`}`, 17) + `]`,
		v201: `[4,"-1","RpcFrameworkError","it is nested too deeply",{}]`, v2: "same"},
	{name: "just deep enough", in: `[2,"1","X",` + strings.Repeat(`{"a":`, 16) + `1` + strings.Repeat(`}`, 16) + `]`,
		frame: `[2,"1","X",` + strings.Repeat(`{"a":`, 16) + `1` + strings.Repeat(`}`, 16) + `]`},
	{name: "brackets inside a string are no depth", in: `[2,"1","X",{"a":"[[[[[[[[[[[[[[[[[[[[\"["}]`, frame: `[2,"1","X",{"a":"[[[[[[[[[[[[[[[[[[[[\"["}]`},
}

func TestWireCases(t *testing.T) {
	for _, c := range wireCases {
		f, err := ParseFrame([]byte(c.in))
		if c.frame != "" {
			if err != nil || string(f.Append(nil)) != c.frame {
				t.Errorf("%s: %s\n got %s, %v\nwant %s", c.name, c.in, f.Append(nil), err, c.frame)
			}
			continue
		}
		fe, ok := errors.AsType[*FrameError](err)
		if !ok {
			t.Errorf("%s: no FrameError but %v", c.name, err)
			continue
		}
		if c.v2 == "same" {
			c.v2 = c.v201
		}
		for p, want := range map[Protocol]string{V16: c.v16, V201: c.v201, V21: c.v2} {
			got := ""
			if reply, ok := fe.Answer(p); ok {
				got = string(reply.Append(nil))
			}
			if got != want {
				t.Errorf("%s on %s:\n got %s\nwant %s", c.name, p, got, want)
			}
		}
	}
}

func TestErrorCodesAreSpeltAsTheVersionDoes(t *testing.T) {
	for _, c := range []struct{ code, v16, v201 ErrorCode }{
		{CodeFormatViolation, "FormationViolation", "FormatViolation"},
		{CodeFormationViolation, "FormationViolation", "FormatViolation"},
		{CodeOccurrenceConstraintViolation, "OccurenceConstraintViolation", "OccurrenceConstraintViolation"},
		{CodeOccurenceConstraintViolation, "OccurenceConstraintViolation", "OccurrenceConstraintViolation"},
		{CodeRPCFrameworkError, "ProtocolError", "RpcFrameworkError"},
		{CodeSecurityError, "SecurityError", "SecurityError"},
	} {
		if got := c.code.For(V16); got != c.v16 {
			t.Errorf("%s on 1.6: %s", c.code, got)
		}
		if got := c.code.For(V201); got != c.v201 {
			t.Errorf("%s on 2.0.1: %s", c.code, got)
		}
	}
}

func TestDescriptionIsCutTo255Characters(t *testing.T) {
	f := Frame{Type: TypeCallError, ID: "1", Code: CodeGenericError, Description: strings.Repeat("ä", 300) + "\xff"}
	back, err := ParseFrame(f.Append(nil))
	if err != nil || back.Description != strings.Repeat("ä", 255) {
		t.Errorf("%d bytes, %v", len(back.Description), err)
	}
}

func TestRepairPutsNullWhereAValueIsMissing(t *testing.T) {
	for in, want := range map[string]string{
		`[2,"1","MeterValues",{"connectorId":1,"transactionId":,"meterValue":[]}]`: `[2,"1","MeterValues",{"connectorId":1,"transactionId":null,"meterValue":[]}]`,
		`[2,"1","X",{"a": }]`:            `[2,"1","X",{"a":null }]`,
		`[2,"1","X",{"a":":,","b":}]`:    `[2,"1","X",{"a":":,","b":null}]`,
		`[2,"1","X",{"a":"\":,","b":,}]`: `[2,"1","X",{"a":"\":,","b":,}]`,
	} {
		if got := string(repair([]byte(in))); got != want {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
	}
}

func FuzzFrame(f *testing.F) {
	for _, c := range wireCases {
		f.Add([]byte(c.in))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		repair(b)
		frame, err := ParseFrame(b)
		if err != nil {
			if _, ok := errors.AsType[*FrameError](err); !ok {
				t.Fatalf("not a FrameError: %v", err)
			}
			return
		}
		once := frame.Append(nil)
		if !json.Valid(once) {
			t.Fatalf("%q is written as %q", b, once)
		}
		again, err := ParseFrame(once)
		if err != nil || string(again.Append(nil)) != string(once) || string(again.Payload) != string(frame.Payload) {
			t.Fatalf("%q came back as %+v, %v", once, again, err)
		}
	})
}
