package config

import (
	"strings"
	"testing"
)

func TestDoorsWithoutTLS(t *testing.T) {
	plain := strings.Replace(good(t), `security_profile: 2, password: "env:CP1_KEY"`, "security_profile: 0", 1)
	if _, err := Parse("site.yaml", []byte(plain), known()); err == nil {
		t.Error("profile 0 without a door was taken")
	}
	signed := mustParse(t, plain+"charger_network: {isolated: {by: J. Doe, on: 2026-03-01}}\n")
	if got := signed.PlainAddress(); got != ":8887" {
		t.Errorf("isolated: %q", got)
	}
	if d := Diff(mustParse(t, good(t)), signed); len(d) == 0 || !strings.Contains(d[len(d)-1].String()+d[0].String()+d[1].String(), "J. Doe") {
		t.Errorf("the signature is not in the difference: %v", d)
	}
	enabled := mustParse(t, strings.Replace(plain, `ws: ""`, `ws: "127.0.0.1:9000"`, 1))
	if a, b := enabled.PlainAddress(), enabled.PairingAddress(); a != "127.0.0.1:9000" || b != a {
		t.Errorf("enabled: %q, %q", a, b)
	}
	tls := mustParse(t, good(t))
	if a, b := tls.PlainAddress(), tls.PairingAddress(); a != "" || b != ":8887" {
		t.Errorf("TLS only: %q, while pairing %q", a, b)
	}
	if got := tls.OperatorName(); got != "Depot North" {
		t.Errorf("operator %q", got)
	}
}
