package ocpp

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestObjectKeepsEverythingElse(t *testing.T) {
	const in = "{ \"connectorId\" : 3,\n\t\"value\":1.50 , \"sig\":\"\\u00e9\\/+=\", \"x\" :{\"a\":[1, 2]} }"
	o, err := ParseObject(json.RawMessage(in))
	if err != nil || string(o.Raw()) != in {
		t.Fatalf("unchanged: %s, %v", o.Raw(), err)
	}
	copied := o
	o.Set("connectorId", json.RawMessage("17"))
	o.Set("transactionId", json.RawMessage("5"))
	want := strings.Replace(in[:len(in)-2], ": 3", ": 17", 1) + " ,\"transactionId\":5}"
	if string(o.Raw()) != want {
		t.Errorf("set:\n got %s\nwant %s", o.Raw(), want)
	}
	o.Delete("value")
	o.Delete("none")
	if got := string(o.Raw()); strings.Contains(got, "1.50") || !json.Valid(o.Raw()) {
		t.Errorf("deleted: %s", got)
	}
	if string(copied.Raw()) != in {
		t.Errorf("the copy changed with the original: %s", copied.Raw())
	}
	if v, ok := o.Get("sig"); !ok || string(v) != `"\u00e9\/+="` {
		t.Errorf("get: %s, %v", v, ok)
	}
}

func TestObjectRefuses(t *testing.T) {
	for _, in := range []string{``, `[]`, `"x"`, `{`, `{"a":1}x`, `{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `null`} {
		if _, err := ParseObject(json.RawMessage(in)); err == nil {
			t.Errorf("%q was accepted", in)
		}
	}
	o, err := ParseObject(json.RawMessage(" { \n } "))
	if err != nil || string(o.Raw()) != "{ \n }" {
		t.Fatalf("%q, %v", o.Raw(), err)
	}
	o.Set("a", json.RawMessage("1"))
	if string(o.Raw()) != `{"a":1}` {
		t.Errorf("got %q", o.Raw())
	}
}

func TestRawArrayKeepsEachElement(t *testing.T) {
	list, err := RawArray(json.RawMessage(`[ {"a":1.0} , {"b" : "\u00fc"}]`))
	if err != nil || len(list) != 2 || string(list[0]) != `{"a":1.0}` || string(list[1]) != `{"b" : "\u00fc"}` {
		t.Errorf("%s, %v", list, err)
	}
}

// FuzzObject: setting a member changes that member's value and nothing else.
func FuzzObject(f *testing.F) {
	f.Add(`{"a":1,"b":{"c":[1,2,"}"]},"d":"\""}`, "b")
	f.Add(`{ }`, "x")
	f.Add(`{"\u0061" : null , "b":1e5}`, "a")
	f.Fuzz(func(t *testing.T, raw, key string) {
		o, err := ParseObject(json.RawMessage(raw))
		if err != nil || !utf8.ValidString(key) {
			return
		}
		trimmed := strings.TrimSpace(raw)
		if strings.Trim(raw, " \t\r\n") != trimmed {
			return // white space that JSON doesn't know
		}
		if string(o.Raw()) != trimmed {
			t.Fatalf("%q came back as %q", trimmed, o.Raw())
		}
		const value = `{"new":[1]}`
		old, had := o.Get(key)
		before := len(o.Keys())
		o.Set(key, json.RawMessage(value))
		again, err := ParseObject(o.Raw())
		if err != nil {
			t.Fatalf("%q: after setting %q: %v", raw, key, err)
		}
		if got, ok := again.Get(key); !ok || string(got) != value {
			t.Fatalf("%q: after setting %q: %s", raw, key, o.Raw())
		}
		if had {
			again.Set(key, old)
			if string(again.Raw()) != trimmed || len(again.Keys()) != before {
				t.Fatalf("%q: set and set back gives %q", trimmed, again.Raw())
			}
		}
	})
}

func TestMemberIsFoundByteExact(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`{"a":1,"b" : {"x": [1.50]} }`, `{"x": [1.50]}`},
		{`{"B":1,"b":2}`, `2`}, {`{"b":1,"b":2}`, `2`}, {`{"B":1}`, `1`}, {`{"\u0062":1}`, `1`},
		{`{"b":null}`, ``}, {`{"a":{"b":1}}`, ``}, {`{}`, ``}, {`[]`, ``}, {``, ``}, {`{"b":1`, ``},
	} {
		if got := Member(json.RawMessage(c.in), "b"); string(got) != c.want {
			t.Errorf("%s: %s, want %s", c.in, got, c.want)
		}
	}
}
