package config

import (
	"bytes"
	"encoding/json"
)

// Schema is the JSON Schema (draft 2020-12) of site.yaml, from the same tables Parse
// reads by. It holds what a single value shows: keys, types, ranges, patterns.
// References between sections, sums and uniqueness are checked by Parse alone.
func Schema() []byte {
	s := configKind().schema()
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = "Busbar site configuration, version 1"
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(s); err != nil {
		panic(err) // maps, lists and texts only
	}
	return out.Bytes()
}
