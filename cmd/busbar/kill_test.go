package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"busbar/ocpp/ocppsim"
)

const (
	killChargers = 8
	killsUsual   = 25
	// killWithin bounds the instants, counted from the moment the box listens: from
	// before the first charger is back to deep under load.
	killWithin = 250 * time.Millisecond
	// startWithin bounds those of lives that end while they start, one in four.
	startWithin = 40 * time.Millisecond
)

// killsWanted is 25, or the number in BUSBAR_KILLS.
func killsWanted(t *testing.T) int {
	text := os.Getenv("BUSBAR_KILLS")
	if text == "" {
		return killsUsual
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("BUSBAR_KILLS is %q, not a number of kills", text)
	}
	return n
}

// TestKilledAtAnyInstantNothingAcknowledgedIsLost kills the box with SIGKILL again and
// again while chargers bill through it. A message without an answer may be stored or
// not, and its charger sends it again; what was answered must be on the disk and reach
// the cloud, once. BUSBAR_KILLS says how often, 25 times unless set.
func TestKilledAtAnyInstantNothingAcknowledgedIsLost(t *testing.T) {
	kills := killsWanted(t)
	random := rand.New(rand.NewPCG(1, 2))
	cloud, cloudURL := killCloud(t)
	site := newKillSite(t, cloudURL)
	began := time.Now()

	var box *child
	door := &gate{}
	start := func() {
		box = site.start(t)
		door.open(box.addr)
	}
	start()
	var load sync.WaitGroup
	stop := make(chan struct{})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute+time.Duration(kills)*5*time.Second)
	defer cancel()
	chargers := make([]*killCharger, killChargers)
	for i := range chargers {
		chargers[i] = &killCharger{id: killName(i), gate: door, random: rand.New(rand.NewPCG(3, uint64(i)))}
		load.Go(func() {
			if err := chargers[i].run(ctx, stop); err != nil {
				t.Error(err)
			}
		})
	}
	starting := 0
	for range kills {
		<-time.After(time.Duration(random.Int64N(int64(killWithin))))
		box.kill(t)
		if random.IntN(4) == 0 {
			starting++
			early, _ := site.launch(t)
			<-time.After(time.Duration(random.Int64N(int64(startWithin))))
			early.kill(t)
		}
		start()
	}
	killing := time.Since(began)
	close(stop)
	load.Wait()
	bills, retries := collect(chargers)
	drained, cancel := context.WithTimeout(t.Context(), 45*time.Second+time.Duration(kills)*100*time.Millisecond)
	defer cancel()
	awaitCloud(drained, t, cloud, len(bills))
	box.terminate(t)

	stored := checkStored(t, site.data, bills)
	checkCloud(t, cloud, bills)
	t.Logf("%d kills under load and %d while starting, %.0f ms each; %d transactions with %d messages acknowledged, %d stored; %d messages sent again; drained %v after the last kill",
		kills, starting, killing.Seconds()*1000/float64(kills+starting), len(bills), 4*len(bills), stored, retries, (time.Since(began) - killing).Round(time.Millisecond))
}

func killName(i int) string { return fmt.Sprintf("CP%02d", i+1) }

// collect gathers what the chargers hold.
func collect(chargers []*killCharger) (bills []*bill, retries int) {
	for _, c := range chargers {
		bills, retries = append(bills, c.bills...), retries+c.retries
	}
	return bills, retries
}

// killCloud serves a cloud until the test ends.
func killCloud(t *testing.T) (cloud *ocppsim.Cloud, url string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cloud = ocppsim.NewCloud(ocppsim.CloudConfig{})
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- cloud.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return cloud, "ws://" + l.Addr().String()
}

// killSite is what the lives of the box have in common.
type killSite struct{ config, data string }

func newKillSite(t *testing.T, cloudURL string) killSite {
	var b strings.Builder
	b.WriteString("version: 1\nsite: {id: kill, name: Kill, timezone: UTC, nominal_v: 230}\n" +
		"grid: [{circuit: main, type: star-230-400, worst_base_a: [0, 0, 0], largest_step_a: 0}]\n" +
		"circuits: [{id: main, limit_a: [400, 400, 400], breaker: gG}]\nmeters: []\nchargers:\n")
	for i := range killChargers {
		fmt.Fprintf(&b, "  - {id: %s, circuit: main, protocol: any, security_profile: 0, failsafe_a: 6, connectors: [{n: 1, max_a: 32, phases: [L1, L2, L3]}]}\n", killName(i))
	}
	fmt.Fprintf(&b, "upstream: {stations: [{id: SITE1, url: %q, protocol: ocpp1.6, security_profile: 0, dialect: default}]}\n", cloudURL)
	b.WriteString("authorization: {unknown: accept, offline_unknown: accept, groups: []}\nonboarding: closed\n" +
		"listen: {ui: \"\", ws: \"127.0.0.1:0\", wss: \"\", mtls: \"\", modbus: \"\"}\n")
	dir := t.TempDir()
	s := killSite{config: filepath.Join(dir, "site.yaml"), data: filepath.Join(dir, "data")}
	if err := os.WriteFile(s.config, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// child is one life of the box, a process of its own.
type child struct {
	cmd  *exec.Cmd
	addr string // for chargers
	log  *bytes.Buffer
}

// launch begins a life; out is what the box prints.
func (s killSite) launch(t *testing.T) (c *child, out io.Reader) {
	c = &child{cmd: exec.Command("busbar", "serve", "--data", s.data, "--config", s.config), log: &bytes.Buffer{}}
	c.cmd.Stderr = c.log
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.cmd.Process.Kill() }) // no news if it has ended
	return c, out
}

// start begins a life and returns when the box listens.
func (s killSite) start(t *testing.T) *child {
	c, out := s.launch(t)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if addr, ok := strings.CutPrefix(lines.Text(), "chargers: "); ok {
			c.addr = addr
			return c
		}
	}
	t.Fatalf("busbar serve did not start: %v\n%s", c.cmd.Wait(), c.log)
	return nil
}

// kill ends the box without a word, and looks through what it logged.
func (c *child) kill(t *testing.T) {
	t.Helper()
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.cmd.Wait() // says "killed"
	if status, ok := c.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		t.Errorf("the box ended by itself: %v\n%s", c.cmd.ProcessState, c.log)
	}
	c.checkLog(t)
}

// terminate ends the box as a service manager does.
func (c *child) terminate(t *testing.T) {
	t.Helper()
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(5*time.Second, func() { _ = c.cmd.Process.Kill() })
	defer late.Stop()
	if err := c.cmd.Wait(); err != nil {
		t.Errorf("the box did not stop cleanly within 5 s of SIGTERM: %v\n%s", err, c.log)
	}
	c.checkLog(t)
}

func (c *child) checkLog(t *testing.T) {
	t.Helper()
	for line := range strings.Lines(c.log.String()) {
		if strings.Contains(line, "level=ERROR") {
			t.Errorf("the box complains: %s", line)
		}
	}
}
