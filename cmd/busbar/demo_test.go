package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"busbar/controller"
)

// TestBadInputOfDemoAndServe: each flag missing, wrong, out of range, unknown or
// contradicting another ends with exit code 2 (3 for what the state refuses), and with
// words that name the flag and say what to do.
func TestBadInputOfDemoAndServe(t *testing.T) {
	for _, c := range []struct {
		args string
		code exitCode
		want string
	}{
		{"demo --chargers many", exitBadInput, "--chargers: expected a valid 64 bit int but got \"many\""},
		{"demo --chargers=-1", exitBadInput, "--chargers -1 is out of range. Write 0 to 200."},
		{"demo --chargers 201", exitBadInput, "--chargers 201 is out of range. Write 0 to 200."},
		{"demo --ocpp 2.0", exitBadInput, "Write 1.6, 2.0.1 or mixed."},
		{"demo --upstream 2.0.1", exitBadInput, "Write --upstream 1.6 or leave it out."},
		{"demo --for soon", exitBadInput, "--for: expected duration"},
		{"demo --for=-5s", exitBadInput, "Write a time such as 90s."},
		{"demo --seed x", exitBadInput, "--seed: expected a valid 64 bit int"},
		{"demo --ui here", exitBadInput, "--ui \"here\" is no address. Write such as 127.0.0.1:8080."},
		{"demo --ui 0.0.0.0:8080", exitBadInput, "the demo has no passwords. Write a loopback address"},
		{"demo --ui 127.0.0.1:99999", exitBadInput, "is no address"},
		{"demo --ocpp-listen :8887", exitBadInput, "--ocpp-listen \":8887\" is no address"},
		{"demo --ocpp-listen 192.0.2.1:8887", exitBadInput, "can be reached from outside"},
		{"demo --fault cloud-cut", exitBadInput, "has no time"},
		{"demo --fault rain@10s", exitBadInput, "no fault is called \"rain\""},
		{"demo --fault charger-kill:CP99@10s", exitBadInput, "there is no charger CP99. They are CP01, CP02, …."},
		{"demo --fault base-step:0@10s", exitBadInput, "needs whole amperes from 1 to 1000"},
		{"demo --fault cloud-cut@20s-10s", exitBadInput, "not after it begins"},
		{"demo --upstream-url ws://127.0.0.1:1", exitBadInput, "--upstream-url needs --upstream-id"},
		{"demo --upstream-id X", exitBadInput, "belong to --upstream-url"},
		{"demo --upstream-url http://x --upstream-id X", exitBadInput, "is no WebSocket address. Write ws://host:port/path, or none."},
		{"demo --meter udp://x", exitBadInput, "--meter \"udp://x\""},
		{"demo --meter tcp://127.0.0.1:502/1", exitBadInput, "names no model. Append such as ?model=eastron_sdm630."},
		{"demo --seed 1 --seed 2", exitBadInput, "--seed is given twice. Keep one of them."},
		{"demo --charger 3", exitBadInput, "unknown flag --charger, did you mean \"--chargers\"?"},
		{"demo extra", exitBadInput, "unexpected argument extra"},
		{"serve", exitBadInput, "missing flags: --data=STRING"},
		{"serve --data", exitBadInput, "--data"},
		{"serve --data x --config nothing.yaml", exitBadInput, "cannot read the configuration"},
		{"serve --data x", exitRefused, "there is no configuration. Write one (busbar config example > site.yaml)"},
	} {
		code, _, stderr := call(t, "", strings.Fields(c.args)...)
		if code != c.code || !strings.Contains(stderr, c.want) {
			t.Errorf("busbar %s: exit code %d, want %d\n got %s want … %s", c.args, code, c.code, stderr, c.want)
		}
	}
}

func TestAShortDemoWritesItsReport(t *testing.T) {
	report := filepath.Join(t.TempDir(), "r.json")
	code, stdout, stderr := call(t, "", "demo", "--for", "4s", "--chargers", "3", "--ui", "127.0.0.1:0", "--ocpp-listen", "127.0.0.1:0", "--report", report)
	if code != exitDone {
		t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
	}
	text, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	var st controller.Status
	if err := json.Unmarshal(text, &st); err != nil {
		t.Fatal(err)
	}
	if st.ChargersConnected != 3 || st.Connectors != 3 || !st.UpstreamConnected || *st.InvariantViolations != 0 || *st.LedgerDifferences != 0 {
		t.Errorf("%s", text)
	}
	if !strings.Contains(stdout, "Page:     http://127.0.0.1:") {
		t.Errorf("the page's address is not printed: %s", stdout)
	}
}
