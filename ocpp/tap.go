//go:build tap

package ocpp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// tap holds every message that a Conn writes against the official schema of its
// version, and ends the program at the first that breaks it. It is how the tests of
// the whole project show that what is sent is strict: go test -tags tap ./...
// The schemas are looked for in the folder named by BUSBAR_FACTS, else in ../shared
// beside the project.
//
// Not judged are meter values on their way from a charger to the cloud: they pass byte
// for byte, as the charger wrote them.
func (c *Conn) tap(f Frame, action string) {
	if c.opt.Loose || f.Type == TypeCallError || f.Type == TypeCallResultError {
		return
	}
	name := action + "Response.json"
	if f.Type == TypeCall || f.Type == TypeSend {
		name = action + ".json"
		if c.protocol != V16 {
			name = action + "Request.json"
		}
	}
	schema := tapped.schema(c.protocol, name)
	if schema == nil {
		return // no official message: a test's own
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(payloadOf(f)))
	if err == nil {
		err = schema.Validate(value)
	}
	if err != nil && !passed(err) {
		panic(fmt.Sprintf("tap: %s sends what its schema does not allow: %s\n%v", c.protocol, f.Append(nil), err))
	}
}

func payloadOf(f Frame) json.RawMessage {
	if len(f.Payload) == 0 {
		return json.RawMessage("{}")
	}
	return f.Payload
}

// passed tells that all that is wrong lies inside of meter values.
func passed(err error) bool {
	wrong, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return false
	}
	if len(wrong.Causes) == 0 {
		at := wrong.InstanceLocation
		return len(at) >= 2 && (at[0] == "meterValue" || at[0] == "transactionData")
	}
	for _, cause := range wrong.Causes {
		if !passed(cause) {
			return false
		}
	}
	return true
}

// tapped are the schemas of the process.
var tapped = &schemas{known: map[string]*jsonschema.Schema{}}

type schemas struct {
	mu    sync.Mutex
	known map[string]*jsonschema.Schema
}

func (s *schemas) schema(p Protocol, name string) *jsonschema.Schema {
	dir := map[Protocol]string{V16: "v16", V201: "v201", V21: "v21"}[p]
	path := filepath.Join(facts(), "ocpp", "schemas", dir, name)
	s.mu.Lock()
	defer s.mu.Unlock()
	if schema, ok := s.known[path]; ok {
		return schema
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && p != V16 && strings.HasSuffix(name, "Request.json") {
		path = strings.TrimSuffix(path, "Request.json") + ".json" // SEND messages have one schema
		text, err = os.ReadFile(path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		s.known[path] = nil
		return nil
	}
	if err != nil {
		panic("tap: " + err.Error())
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		panic("tap: " + path + ": " + err.Error())
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(path, value); err != nil {
		panic("tap: " + err.Error())
	}
	s.known[path] = compiler.MustCompile(path)
	return s.known[path]
}

// facts is the folder of the official schemas; without it the tap would see nothing.
var facts = sync.OnceValue(func() string {
	dir := os.Getenv("BUSBAR_FACTS")
	for at, err := os.Getwd(); dir == "" && err == nil; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			dir = filepath.Join(at, "..", "shared")
		} else if at == filepath.Dir(at) {
			break
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "ocpp", "schemas")); err != nil {
		panic("tap: no official schemas: set BUSBAR_FACTS to the folder that has ocpp/schemas: " + err.Error())
	}
	return dir
})
