package web

import (
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
)

// machineNames are the names that the box goes by where none are configured.
func machineNames() []string {
	name, err := os.Hostname()
	if err != nil || name == "" {
		return nil // it is reached by address then
	}
	return []string{name, name + ".local"}
}

// ownHost reports whether a request names this box: by an address, as localhost or
// by one of its names. A foreign name that leads here is how a web site reaches into
// a local network (DNS rebinding): the browser takes the box for that site's own.
func (s *Server) ownHost(r *http.Request) bool {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return true
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || slices.ContainsFunc(s.cfg.Hosts, func(own string) bool {
		return strings.EqualFold(own, host)
	})
}
