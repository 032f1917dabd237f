package ocpp

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

type sample struct {
	Name  string    `json:"name"`
	Count int       `json:"count"`
	On    bool      `json:"on"`
	At    DateTime  `json:"at"`
	Limit *Decimal  `json:"limit,omitempty"`
	List  []inner   `json:"list"`
	Texts []string  `json:"texts"`
	Id    *int      `json:"id,omitempty"`
	Inner *inner    `json:"inner,omitempty"`
	Opt   *DateTime `json:"opt,omitempty"`
}

type inner struct {
	Value string `json:"value"`
}

func TestDecodeLenientTakesWhatItCan(t *testing.T) {
	for _, c := range []struct{ in, want, problems string }{
		{`{"name":5,"count":"7","on":"TRUE"}`, `{"name":"5","count":7,"on":true}`, ""},
		{`{"Name":"a","COUNT":"7.9","extra":{}}`, `{"name":"a","count":7}`, ""},
		{`{"list":{"value":1.50}}`, `{"list":[{"value":"1.50"}]}`, ""},
		{`{"texts":"one","id":null}`, `{"texts":["one"]}`, ""},
		{`{"limit":"16,5","count":"x"}`, `{"limit":16.5}`, "count is not an integer: x"},
		{`{"id":"","name":"n"}`, `{"name":"n"}`, `id is not an integer: `},
		{`{"list":[{"value":[]},7]}`, `{"list":[{},{}]}`, "list[0].value is not a string, list[1] is not an object"},
		{`{"name":{},"count":1}`, `{"count":1}`, "name is not a string"},
		{`{"inner":[],"on":2}`, `{"inner":{}}`, "inner is not an object, on is not a boolean: 2"},
		{`{"at":"never","count":true}`, `{}`, `at is not a date-time: "never", count is not an integer: true`},
	} {
		var got, want sample
		problems, err := DecodeLenient(json.RawMessage(c.in), &got)
		if err != nil || strings.Join(problems, ", ") != c.problems {
			t.Errorf("%s: problems %q, %v\nwant %q", c.in, problems, err, c.problems)
		}
		if err := json.Unmarshal([]byte(c.want), &want); err != nil {
			t.Fatal(err)
		}
		got.At = DateTime{}
		if text(t, got) != text(t, want) {
			t.Errorf("%s:\n got %s\nwant %s", c.in, text(t, got), text(t, want))
		}
	}
	var d sample
	if _, _ = DecodeLenient(json.RawMessage(`{"at":"1970","count":"x"}`), &d); d.At.Text != "1970" {
		t.Errorf("the text of an unreadable time is lost: %+v", d.At)
	}
}

func text(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestDecodeStrictNamesWhatIsWrong(t *testing.T) {
	const rest = `"on":true,"at":"2026-01-01T00:00:00Z","list":[],"texts":[]}`
	for in, want := range map[string]string{
		`{"name":"a","count":1,` + rest:                             "",
		`{"name":"a","count":1,"more":{"a":[1]},` + rest:            "more is not a member of this message",
		`{"count":1,` + rest:                                        "name is missing",
		`{"name":null,"count":1,` + rest:                            "name is missing",
		`{"name":"a","count":"1",` + rest:                           "count is not an integer",
		`{"name":"a","count":1.5,` + rest:                           "count is not an integer",
		`{"name":7,"count":1,` + rest:                               "name is not a string",
		`{"name":"a","count":1,"id":null,"inner":null,` + rest:      "",
		`{"name":"a","count":1,"inner":{},` + rest:                  "inner.value is missing",
		`{"name":"a","count":1,"inner":7,` + rest:                   "inner is not an object",
		`{"na\u006de":"a","count":1,` + rest:                        "",
		`{"name":"a","count":1,"list":[{"value":"x"},null],` + rest: "list[1] is null",
		`{"name":"a","count":1,"list":{"value":"x"},` + rest:        "list is not a list",
		`{"name":"a","count":1`:                                     "is not JSON",
		`[]`:                                                        "is not an object",
	} {
		var got sample
		err := DecodeStrict(json.RawMessage(in), &got, true)
		if want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", in, err, want)
		}
	}
}

// FuzzDecode holds the strict reading against encoding/json, and has the lenient one
// read everything.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"name":"a","count":1,"on":true,"at":"2026-01-01t00:00:00z","list":[{"value":"1"}],"texts":["b"],"id":1,"limit":1.50,"inner":{"value":"c"},"opt":null}`))
	f.Add([]byte(`{"name":"a","count":-0,"on":false,"at":"","list":null,"texts":[null]}`))
	f.Add([]byte(`{"list":[{"value":[]},7],"texts":{"a":"b"},"name":5,"count":"7,5"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var lenient sample
		if _, err := DecodeLenient(b, &lenient); (err == nil) != json.Valid(b) {
			t.Fatalf("%q: %v", b, err)
		}
		if !bytes.Equal(bytes.ToLower(b), b) || bytes.IndexFunc(b, func(r rune) bool { return r > '~' }) >= 0 {
			return // encoding/json takes names in any case
		}
		var got, want sample
		err, other := DecodeStrict(b, &got, false), json.Unmarshal(b, &want)
		switch wrong, _ := errors.AsType[*Violation](err); {
		case err == nil && other != nil:
			t.Fatalf("%q is read, encoding/json says %v", b, other)
		case err == nil && !reflect.DeepEqual(got, want):
			t.Fatalf("%q is read as %+v, encoding/json reads %+v", b, got, want)
		case err != nil && other == nil && wrong.Problem != "is missing" && !strings.HasSuffix(wrong.Problem, "is null") && string(bytes.TrimSpace(b)) != "null":
			t.Fatalf("%q: %v, encoding/json reads it", b, err)
		}
	})
}

// TestExactKeepsTheTextOfWhatIsRead: with all its white space, also where nothing of it
// can be used.
func TestExactKeepsTheTextOfWhatIsRead(t *testing.T) {
	type element struct {
		Word Text `json:"word"`
	}
	type message struct {
		List Exact[[]Exact[element]] `json:"list"`
	}
	for _, c := range []struct{ in, list, elements, words, problems string }{
		{`{"list":[ {"word":"one"},{ "word" : 2.50 } ]}`, `[ {"word":"one"},{ "word" : 2.50 } ]`, `{"word":"one"}|{ "word" : 2.50 }`, "one|2.50", ""},
		{`{"LIST" : {"word":"\u0061\"b"} }`, `{"word":"\u0061\"b"}`, `{"word":"\u0061\"b"}`, `a"b`, ""},
		{`{"list":[7,null,{"word":[1]},{"word":null}]}`, `[7,null,{"word":[1]},{"word":null}]`, `7|null|{"word":[1]}|{"word":null}`, "|||", "list[0] is not an object, list[2].word is not a string"},
		{`{"list":null}`, ``, ``, ``, ``},
		{`{"list":[]}`, `[]`, ``, ``, ``},
	} {
		var m message
		problems, err := DecodeLenient(json.RawMessage(c.in), &m)
		var elements, words []string
		for _, e := range m.List.Value {
			elements, words = append(elements, string(e.Raw)), append(words, string(e.Value.Word))
		}
		if err != nil || string(m.List.Raw) != c.list || strings.Join(elements, "|") != c.elements || strings.Join(words, "|") != c.words || strings.Join(problems, ", ") != c.problems {
			t.Errorf("%s: %s, elements %q, words %q, problems %q, %v", c.in, m.List.Raw, elements, words, problems, err)
		}
	}
	var strict message
	if err := DecodeStrict(json.RawMessage(`{"list":[{"word":1}]}`), &strict, true); err == nil {
		t.Error("a number was taken for a text")
	}
}
