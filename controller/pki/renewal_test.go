package pki

import (
	"context"
	"crypto"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestServerCertificatesAreRenewedBeforeTheirEnd lets fourteen months pass: there is
// never a moment without two valid certificates, each renewed a month before its end.
func TestServerCertificatesAreRenewedBeforeTheirEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := openCA(t, newMemory())
		s := newBox(t, ca, names)
		running(t, s)
		seen := map[string]bool{}
		for range 14 {
			time.Sleep(30 * day)
			synctest.Wait()
			for _, shown := range s.Shown() {
				seen[shown.Fingerprint] = true
				if left := time.Until(shown.NotAfter); left < renewBefore-time.Hour {
					t.Fatalf("%s ends in %v", shown.Algorithm, left)
				}
				cert := leaf(t, shown.PEM)
				if err := cert.CheckSignatureFrom(ca.roots[shown.Algorithm].cert); err != nil {
					t.Fatal(err)
				}
			}
		}
		if len(seen) != 4 { // now, and after 367 days
			t.Errorf("%d certificates in 14 months", len(seen))
		}
	})
}

// running runs s until the test ends.
func running(t *testing.T, s *Server) {
	ctx, stop := context.WithCancel(t.Context())
	var run sync.WaitGroup
	run.Go(func() {
		if err := s.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { stop(); run.Wait() })
}

func TestServerCertificatesFollowTheAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		now := names()
		s := newBox(t, openCA(t, newMemory()), func() Names {
			mu.Lock()
			defer mu.Unlock()
			return now
		})
		running(t, s)
		before := s.Shown()
		mu.Lock()
		now.IPs = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4(10, 0, 0, 2)} // another order is no change
		mu.Unlock()
		time.Sleep(2 * lookEvery)
		synctest.Wait()
		if got := s.Shown(); got[0].Fingerprint != before[0].Fingerprint {
			t.Error("a new certificate for the same names")
		}
		mu.Lock()
		now.IPs = append(now.IPs, net.ParseIP("fd00::2"))
		mu.Unlock()
		time.Sleep(2 * lookEvery)
		synctest.Wait()
		for i, got := range s.Shown() {
			cert, old := leaf(t, got.PEM), leaf(t, before[i].PEM)
			if err := cert.VerifyHostname("fd00::2"); err != nil {
				t.Error(err)
			}
			if !cert.PublicKey.(interface{ Equal(x crypto.PublicKey) bool }).Equal(old.PublicKey) {
				t.Error("the key was changed, too")
			}
		}
	})
}

// TestClockThatWasAheadIsMendedAfterwards: made in 2035, seen in 2026.
func TestClockThatWasAheadIsMendedAfterwards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newBox(t, openCA(t, newMemory()), names)
		held := s.held[ECDSA].cert
		if why := s.due(held, names(), held.NotBefore.Add(-time.Second)); why == "" {
			t.Error("a certificate of the future is kept")
		}
		if why := s.due(held, names(), time.Now()); why != "" {
			t.Error(why)
		}
	})
}

func TestRestartKeepsRootsAndCertificates(t *testing.T) {
	m := newMemory()
	first := openCA(t, m)
	before := newBox(t, first, names).Shown()
	second := openCA(t, m)
	if a, b := first.Roots(), second.Roots(); a[0].Fingerprint != b[0].Fingerprint || a[1].Fingerprint != b[1].Fingerprint {
		t.Error("other roots after a restart")
	}
	if after := newBox(t, second, names).Shown(); after[0].Fingerprint != before[0].Fingerprint || after[1].Fingerprint != before[1].Fingerprint {
		t.Error("other certificates after a restart")
	}
}

// TestDamagedRootIsNotReplaced: all chargers trust it, a new one would lock them out.
func TestDamagedRootIsNotReplaced(t *testing.T) {
	m := newMemory()
	openCA(t, m)
	m.files["site-ca-rsa"] = m.files["site-ca-rsa"][:900]
	if _, err := Open(t.Context(), Config{Keys: m, Ledger: m, Site: "depot1", Operator: "Depot North"}); err == nil {
		t.Error("opened with a damaged root")
	}
	m.files["site-ca-rsa"] = m.files["site-ca-ecdsa"][:0]
	if _, err := Open(t.Context(), Config{Keys: m, Ledger: m, Site: "depot1", Operator: "Depot North"}); err == nil {
		t.Error("opened with an empty root")
	}
}

// TestDamagedServerCertificateIsReplaced: nobody depends on it.
func TestDamagedServerCertificateIsReplaced(t *testing.T) {
	m := newMemory()
	ca := openCA(t, m)
	before := newBox(t, ca, names).Shown()
	m.files["server-ecdsa"] = []byte("rubbish")
	after := newBox(t, ca, names).Shown()
	if before[0].Fingerprint == after[0].Fingerprint || before[1].Fingerprint != after[1].Fingerprint {
		t.Errorf("before %v, after %v", before[0].Fingerprint, after[0].Fingerprint)
	}
}
