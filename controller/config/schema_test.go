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

// schemaRefuses reports what the published schema says about a file.
func schemaRefuses(t *testing.T, file []byte) error {
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
	s := &source{file: "site.yaml"}
	root, ok := s.parse(file)
	if !ok {
		t.Fatalf("not YAML: %v", s.problems)
	}
	text, err := json.Marshal(plain(root))
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return compiled.Validate(value)
}

func TestSchemaTakesGoodFiles(t *testing.T) {
	for _, text := range [][]byte{[]byte(contract), Example(), mustParse(t, contract).YAML()} {
		if err := schemaRefuses(t, text); err != nil {
			t.Errorf("the schema refuses what Parse takes: %v\n%s", err, text)
		}
	}
}
