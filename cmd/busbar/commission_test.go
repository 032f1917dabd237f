package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"busbar/controller/appliance"
	"busbar/controller/commission"
	"busbar/ocpp"
	"busbar/ocpp/ocppsim"
)

const commissionSite = `version: 1
site: {id: depot, name: Depot, timezone: Europe/Berlin, nominal_v: 230}
grid: [{circuit: main, type: star-230-400, worst_base_a: [10, 10, 10], largest_step_a: 10}]
circuits: [{id: main, limit_a: [63, 63, 63], breaker: gG}]
chargers:
  - {id: CP1, circuit: main, protocol: any, security_profile: 0, failsafe_a: 6, connectors: [{n: 1, max_a: 32, phases: [L1, L2, L3]}]}
  - {id: CP3, circuit: main, protocol: any, security_profile: 0, failsafe_a: 6, connectors: [{n: 1, max_a: 32, phases: [L1, L2, L3]}]}
  - {id: CP2, circuit: main, protocol: any, security_profile: 0, failsafe_a: 6, connectors: [{n: 1, max_a: 32, phases: [L1, L2, L3]}]}
authorization: {unknown: reject, offline_unknown: reject, groups: []}
onboarding: closed
listen: {ui: "", ws: "127.0.0.1:0", wss: "", mtls: "", modbus: ""}
`

// serveForTest runs "busbar serve" in this process until the test ends, and returns
// where chargers connect.
func serveForTest(t *testing.T, data string) (addr string) {
	t.Helper()
	site := filepath.Join(t.TempDir(), "site.yaml")
	if err := os.WriteFile(site, []byte(commissionSite), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	out, in := io.Pipe()
	ended := make(chan exitCode, 1)
	var said strings.Builder
	go func() {
		code := run(ctx, []string{"serve", "--data", data, "--config", site}, console{In: strings.NewReader(""), Out: in, Err: &said})
		_ = in.Close()
		ended <- code
	}()
	t.Cleanup(func() {
		stop()
		if code := <-ended; code != exitDone {
			t.Errorf("serve ended with %d: %s", code, &said)
		}
	})
	listens := make(chan string, 1)
	go func() { // all lines are read, or serve would wait for its reader
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if rest, ok := strings.CutPrefix(lines.Text(), "chargers: "); ok {
				listens <- rest
			}
		}
	}()
	select {
	case addr = <-listens:
	case <-time.After(20 * time.Second):
		t.Fatal("serve does not listen")
	}
	return addr
}

func TestCommissionAChargerOfTheRunningBox(t *testing.T) {
	data := t.TempDir()
	code, _, stderr := call(t, "", "commission", "CP1", "--data", data)
	if code != exitRefused || !strings.Contains(stderr, "no box serves") {
		t.Errorf("without a box: exit %d, %s", code, stderr)
	}
	addr := serveForTest(t, data)
	if info, err := os.Stat(filepath.Join(data, appliance.ControlSocket)); err != nil || info.Mode().Perm() != 0o600 || info.Mode().Type() != os.ModeSocket {
		t.Errorf("control socket: %v %v", info, err)
	}
	for id, says := range map[string]string{"CP9": "no charger", "CP2": "not connected"} {
		if code, _, stderr := call(t, "", "commission", id, "--data", data); code != exitRefused || !strings.Contains(stderr, says) {
			t.Errorf("%s: exit %d, %s", id, code, stderr)
		}
	}

	commissions(t, data, addr, "CP1", ocpp.V16)
	commissions(t, data, addr, "CP3", ocpp.V201)
}

// commissions has a charger of a version come, and probes it.
func commissions(t *testing.T, data, addr, id string, version ocpp.Protocol) {
	t.Helper()
	sim := ocppsim.NewCharger(ocppsim.ChargerConfig{ID: id, URL: "ws://" + addr + "/ocpp", Protocol: version, Outlets: []ocppsim.Outlet{{Number: 1, Phases: 3, Max: 32}}})
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = sim.Run(ctx) })
	defer wg.Wait()
	defer stop()
	var code exitCode
	var stdout, stderr string
	limit, again := time.After(20*time.Second), time.NewTicker(50*time.Millisecond)
	defer again.Stop()
	for {
		if code, stdout, stderr = call(t, "", "commission", id, "--data", data); code != exitRefused {
			break
		}
		select {
		case <-again.C:
		case <-limit:
			t.Fatalf("the charger does not connect: %s", stderr)
		}
	}
	if code != exitDone || !strings.Contains(stdout, "ok: profiles.default:") || !strings.Contains(stdout, "open: dead-man:") || !strings.Contains(stdout, "open: pause:") || !strings.Contains(stdout, "can be led: ") {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
	code, stdout, _ = call(t, "", "commission", id, "--data", data, "--json")
	var v commission.Verdict
	if err := json.Unmarshal([]byte(stdout), &v); err != nil || code != exitDone || !v.Good || v.Charger != id || v.Protocol != string(version) || v.Abilities.Model == "" {
		t.Errorf("exit %d, %v: %s", code, err, stdout)
	}
}

func TestCommissionNeedsItsArguments(t *testing.T) {
	for _, args := range [][]string{{"commission"}, {"commission", "CP1"}, {"commission", "--data", "x"}} {
		if code, _, _ := call(t, "", args...); code != exitBadInput {
			t.Errorf("%v: exit %d", args, code)
		}
	}
}
