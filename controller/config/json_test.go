package config

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestRedactedJSONHidesLiteralsOnly(t *testing.T) {
	c := mustParse(t, strings.Replace(good(t), `"env:CP1_KEY"`, hidden, 1))
	text := string(c.RedactedJSON())
	var v struct {
		Version  int
		Chargers []struct{ ID, Password string }
	}
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text, hidden) || v.Version != 1 || len(v.Chargers) == 0 || v.Chargers[0].Password != redactedText {
		t.Errorf("got %s", text)
	}
	if !strings.Contains(string(c.YAML()), hidden) {
		t.Error("the configuration itself was changed")
	}
}
