package config

import (
	"cmp"
	"fmt"
	"net/netip"
	"time"
)

// ChargerNetwork is the wire between box and chargers, and how it is kept secure
// (decision 13).
type ChargerNetwork struct {
	// Name is the box's DNS name, as it stands in the chargers' URL and in the box's
	// certificates; "" is the machine's host name.
	Name string
	// Operator is the organisation in all certificates (1.6 CpoName, 2.0.1
	// SecurityCtrlr.OrganizationName); "" is the name of the site.
	Operator string
	// Isolated is signed off where no stranger reaches the chargers' network, so that
	// it needs no TLS. It holds until it is taken back.
	Isolated SignOff
}

// SignOff is who vouches for something, and since when. The zero value is nobody.
type SignOff struct {
	By string
	On string // day, 2006-01-02
}

// IsZero reports that nobody signed.
func (s SignOff) IsZero() bool { return s == SignOff{} }

// plainAddress is where chargers without TLS are served where listen.ws does not say.
const plainAddress = ":8887"

// PlainAddress is where chargers without TLS are served all the time; "" is nowhere.
func (c *Config) PlainAddress() string {
	if c.Listen.WS == "" && !c.ChargerNetwork.Isolated.IsZero() {
		return plainAddress
	}
	return c.Listen.WS
}

// PairingAddress is where chargers without TLS are served while somebody lets new ones
// in.
func (c *Config) PairingAddress() string { return cmp.Or(c.PlainAddress(), plainAddress) }

// OperatorName is the organisation in all certificates.
func (c *Config) OperatorName() string {
	return cmp.Or(c.ChargerNetwork.Operator, c.Site.Name, c.Site.ID)
}

func chargerNetworkKind() kind[ChargerNetwork] {
	return object(
		maybe("name", "DNS name of the box, as in the chargers' URL; the machine's host name if absent", dnsName(), func(n *ChargerNetwork) *string { return &n.Name }),
		maybe("operator", "organisation in the certificates; the name of the site if absent", text("an operator", 1, 64), func(n *ChargerNetwork) *string { return &n.Operator }),
		maybe("isolated", "who vouches that no stranger reaches the chargers' network, so that it needs no TLS: {by: J. Doe, on: 2026-03-01}",
			signOffKind(), func(n *ChargerNetwork) *SignOff { return &n.Isolated }),
	)
}

func signOffKind() kind[SignOff] {
	return object(
		required("by", "name of the person who vouches", text("a name", 1, 100), func(s *SignOff) *string { return &s.By }),
		required("on", "day of the signature, such as 2026-03-01", date(), func(s *SignOff) *string { return &s.On }),
	)
}

// date is a day as text.
func date() kind[string] {
	return text("a day", 1, 10).hinted(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`).checked(func(s string) (string, string) {
		if _, err := time.Parse(time.DateOnly, s); err != nil {
			return "must be a day, got " + quote(s), "Write year, month and day, such as 2026-03-01."
		}
		return "", ""
	})
}

// dnsName is a name that fits into a certificate's common name.
func dnsName() kind[string] {
	return text("a DNS name", 1, 64).checked(func(s string) (string, string) {
		if _, err := netip.ParseAddr(s); err == nil || !hostName.MatchString(s) || !validHost(s) || s[len(s)-1] == '.' {
			return "must be a DNS name, got " + quote(s), "Write such as busbar.lan; chargers compare it with the host in their URL."
		}
		return "", ""
	})
}

// checkDoors wants a door for every charger, and plain ones only where somebody
// decided so.
func (r *reader) checkDoors(c *Config) {
	for i, charger := range c.Chargers {
		path := index("chargers", i) + ".security_profile"
		if !r.ok(path) {
			continue
		}
		switch p := charger.SecurityProfile; {
		case p <= 1 && c.PlainAddress() == "":
			r.problem(path, fmt.Sprintf("profile %d needs listen.ws, which is off", p),
				"Set security_profile to 2 or 3 (TLS). If the chargers have a network of their own, sign that off in charger_network.isolated; or set listen.ws.")
		case p == 2 && c.Listen.WSS == "":
			r.problem(path, "profile 2 needs listen.wss, which is off", "Set listen.wss, or another profile.")
		case p == 3 && c.Listen.MTLS == "":
			r.problem(path, "profile 3 needs listen.mtls, which is off", "Set listen.mtls, or another profile.")
		}
	}
}
