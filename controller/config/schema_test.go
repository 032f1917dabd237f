package config

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

const schemaFile = "site.schema.json"

var update = flag.Bool("update", false, "rewrite golden files")

func TestSchemaIsCommitted(t *testing.T) {
	if *update {
		if err := os.WriteFile(schemaFile, Schema(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	committed, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(committed, Schema()) {
		t.Errorf("%s differs from the tables; run: go generate ./controller/config", schemaFile)
	}
}

// verdict is what the published schema says about a file: takes, refuses, or that it
// is no YAML.
func verdict(t *testing.T, file []byte) string {
	t.Helper()
	s := &source{file: "site.yaml"}
	root, ok := s.parse(file)
	if !ok || len(s.problems) > 0 {
		return "no YAML"
	}
	text, err := json.Marshal(plain(root))
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if compiledSchema(t).Validate(value) != nil {
		return "refuses"
	}
	return "takes"
}

func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("site.json", doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("site.json")
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

func TestSchemaTakesGoodFiles(t *testing.T) {
	for _, text := range [][]byte{[]byte(good(t)), Example(), mustParse(t, good(t)).YAML()} {
		if got := verdict(t, text); got != "takes" {
			t.Errorf("the schema %s what Parse takes:\n%s", got, text)
		}
	}
}
