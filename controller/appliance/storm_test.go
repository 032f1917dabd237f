package appliance

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"busbar/controller/adoption"
	"busbar/controller/config"
	"busbar/controller/store"
	"busbar/ocpp"
	"busbar/ocpp/ocppsim"
)

// storm is how many chargers come back at once, and within how long all have booted.
const (
	storm       = 200
	stormWithin = 10 * time.Second
)

// hashed is how a key is stored: the form is held against what the box reads.
func hashed(key string) string {
	salt := make([]byte, 16)
	rand.Read(salt)
	mac := hmac.New(sha256.New, salt)
	mac.Write([]byte(key))
	enc := base64.RawStdEncoding
	return "hmac-sha256$" + enc.EncodeToString(salt) + "$" + enc.EncodeToString(mac.Sum(nil))
}

// stormySite is a box whose chargers have each a key of their own, which took the place of
// the configuration's password and of which the box has the hash.
func stormySite(t *testing.T) (box *Box, keys []string) {
	t.Helper()
	dir := t.TempDir()
	st, err := store.Open(t.Context(), dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var writing sync.WaitGroup
	writing.Go(func() { _ = st.Run(ctx) })
	var chargers strings.Builder
	for i := range storm {
		keys = append(keys, (rand.Text() + rand.Text())[:40])
		id := fmt.Sprintf("CP%03d", i)
		must(t, vault{st}.SaveCredential(t.Context(), adoption.Credential{Station: id, Profile: 2, Key: hashed(keys[i]), KeyKind: adoption.KeyText,
			Basis: adoption.Basis{Profile: 2, Password: hashed("password-of-" + id)}}))
		fmt.Fprintf(&chargers, "  - {id: %s, circuit: main, protocol: any, security_profile: 2, password: password-of-%s, failsafe_a: 6, connectors: [{n: 1, max_a: 32}]}\n", id, id)
	}
	stop()
	writing.Wait()
	must(t, st.Close())
	cfg, err := config.Parse("site.yaml", []byte(`version: 1
site: {id: depot, name: Depot North, timezone: Europe/Berlin, nominal_v: 230}
grid: [{circuit: main, type: star-230-400, worst_base_a: [10, 10, 10], largest_step_a: 10}]
circuits: [{id: main, limit_a: [1600, 1600, 1600], breaker: gG}]
chargers:
`+chargers.String()+`charger_network: {name: box.lan}
listen: {ui: "", ws: "", wss: "127.0.0.1:0", mtls: ""}
`), config.Known{})
	must(t, err)
	box, _ = runBox(t, Options{Config: cfg, DataDir: dir, Version: "test"})
	return box, keys
}

// TestAllChargersBootSoonAfterAPowerCut takes the power from a whole site and gives it
// back: TLS, a key of its own for each charger of which the box has the hash, and a boot.
func TestAllChargersBootSoonAfterAPowerCut(t *testing.T) {
	box, keys := stormySite(t)
	url := fmt.Sprintf("wss://127.0.0.1:%d/ocpp", port(box.Addr(doorTLS)))
	if _, err := ocpp.Dial(t.Context(), ocpp.ClientConfig{URL: url, Identity: "CP000", Password: keys[1], Protocols: []ocpp.Protocol{ocpp.V201}, TLS: trusting(box)}); status(err) != 401 {
		t.Fatalf("another charger's key: %v", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var living sync.WaitGroup
	defer living.Wait()
	defer stop()
	sims := make([]*ocppsim.Charger, storm)
	for i := range sims {
		sims[i] = ocppsim.NewCharger(ocppsim.ChargerConfig{ID: fmt.Sprintf("CP%03d", i), URL: url, Password: keys[i], TLS: trusting(box), Protocol: ocpp.V201,
			Outlets: []ocppsim.Outlet{{Number: 1, Phases: 3, Max: 32}}, Reconnect: 100 * time.Millisecond, Seed: uint64(i)})
		living.Go(func() { _ = sims[i].Run(ctx) })
	}
	first := booted(t, box, sims)
	for _, sim := range sims {
		sim.Kill()
	}
	for _, sim := range sims {
		sim.Revive()
	}
	again := booted(t, box, sims)
	t.Logf("%d chargers with hashed keys booted over TLS after %v, after a power cut again after %v", storm, first, again)
	if again > stormWithin || first > stormWithin {
		t.Errorf("booted after %v and %v, want %v", first, again, stormWithin)
	}
}

// booted waits until all chargers have booted and the box says so, and tells how long
// that took.
func booted(t *testing.T, box *Box, sims []*ocppsim.Charger) time.Duration {
	t.Helper()
	start, limit, again := time.Now(), time.After(6*stormWithin), time.NewTicker(20*time.Millisecond)
	defer again.Stop()
	for {
		here, there := 0, 0
		for _, sim := range sims {
			if sim.Connected() {
				here++
			}
		}
		for _, c := range box.Snapshot().Chargers {
			if c.Online && c.Info.Model != "" {
				there++
			}
		}
		if here == len(sims) && there == len(sims) {
			return time.Since(start)
		}
		select {
		case <-again.C:
		case <-limit:
			t.Fatalf("%d of %d have booted, the box says %d", here, len(sims), there)
		}
	}
}
