package ocpp

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"time"
)

// Guards of a second socket with the identity of a live one. The usual cause is a
// half-open old socket, so the authenticated newcomer wins; what these refuse is a
// second device with a copied identity.
const (
	probeWait      = 3 * time.Second
	swapWindow     = 5 * time.Minute
	maxSwaps       = 3 // between addresses, within swapWindow
	quarantineTime = 5 * time.Minute
)

// takeovers remembers replacements of one identity that changed the address.
type takeovers struct {
	at    []time.Time
	until time.Time // quarantine
}

// credential is what the peer proved itself with, hashed: two sockets of one device
// have the same.
func credential(r *http.Request, hs *Handshake) string {
	h := sha256.New()
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		h.Write(r.TLS.PeerCertificates[0].Raw)
	}
	if hs.HasAuth {
		h.Write([]byte(hs.Username + ":" + hs.Password))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// checkTakeover refuses a newcomer from another address or with another credential
// while the old socket still answers, and one of an identity that wanders.
func (s *Server) checkTakeover(ctx context.Context, hs *Handshake) Admission {
	s.mu.Lock()
	old := s.conns[hs.Identity]
	t := s.swaps[hs.Identity]
	quarantined := t != nil && time.Now().Before(t.until)
	s.mu.Unlock()
	if old == nil {
		return Admission{}
	}
	same := host(old.remote) == host(hs.Request.RemoteAddr) && old.credential == credential(hs.Request, hs)
	if same {
		return Admission{}
	}
	if quarantined {
		return Admission{Status: http.StatusTooManyRequests, Reason: "two devices take turns with this identity",
			Remedy: "Look for a charger with a copied configuration and give each its own identity."}
	}
	if old.alive(ctx, probeWait) {
		return Admission{Status: http.StatusConflict, Reason: "a charger with this identity is connected from " + host(old.remote) + " and answers",
			Remedy: "Give each charger its own identity; if this one was replaced, disconnect the old one."}
	}
	return Admission{}
}

// countTakeover is called with s.mu held.
func (s *Server) countTakeover(identity, from, to string) {
	if from == to {
		return
	}
	now := time.Now()
	maps.DeleteFunc(s.swaps, func(_ string, t *takeovers) bool {
		return now.After(t.until) && now.Sub(t.at[len(t.at)-1]) > swapWindow
	})
	t := s.swaps[identity]
	if t == nil {
		t = &takeovers{}
		s.swaps[identity] = t
	}
	recent := t.at[:0]
	for _, at := range t.at {
		if now.Sub(at) < swapWindow {
			recent = append(recent, at)
		}
	}
	t.at = append(recent, now)
	if len(t.at) > maxSwaps {
		t.until = now.Add(quarantineTime)
	}
}
