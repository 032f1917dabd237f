package config

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// identifierOf is identifier as a string type of its own.
func identifierOf[T ~string]() kind[T] {
	k := identifier()
	return kind[T]{
		read:   func(r *reader, n node, path string) T { return T(k.read(r, n, path)) },
		write:  func(v T) node { return k.write(string(v)) },
		schema: k.schema,
	}
}

// address is where to listen: "host:port" with an IP address or nothing as host; port
// 0 takes any free one; "" is off.
func address() kind[string] {
	const pattern = `^((\[[0-9a-fA-F:.]+\]|[0-9.]+)?:[0-9]{1,5})?$`
	const remedy = "Write \":8888\" for all interfaces, \"10.0.0.1:8888\" for one, or \"\" for off."
	return text("an address", 0, 64).hinted(pattern).checked(func(s string) (string, string) {
		if s == "" {
			return "", ""
		}
		host, port, ok := splitHostPort(s)
		if _, err := netip.ParseAddr(host); !ok || host != "" && err != nil {
			return "must be an IP address and a port from 0 to 65535, got " + quote(s), remedy
		}
		if _, ok := portNumber(port); !ok {
			return "must have a port from 0 to 65535, got " + quote(s), remedy
		}
		return "", ""
	})
}

// splitHostPort cuts at the last colon; an IPv6 host loses its brackets.
func splitHostPort(s string) (host, port string, ok bool) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return "", "", false
	}
	host, port = s[:i], s[i+1:]
	if h, found := strings.CutPrefix(host, "["); found {
		host, found = strings.CutSuffix(h, "]")
		return host, port, found && strings.Contains(host, ":")
	}
	return host, port, !strings.Contains(host, ":")
}

func portNumber(s string) (int, bool) {
	n, err := strconv.ParseUint(s, 10, 16)
	return int(n), err == nil && (s == "0" || s[0] != '0')
}

var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*\.?$`)

// parseURL is url.Parse with what an operator's file needs: one of the schemes, a
// host that can exist, no user, no fragment. The reason never shows a password.
func parseURL(s string, schemes ...string) (u *url.URL, reason, remedy string) {
	u, err := url.Parse(s)
	shown := quote(s)
	if strings.Contains(s, "@") {
		shown = "an address with @ in it"
	}
	example := "Write such as " + schemes[len(schemes)-1] + "://host.example/path."
	switch {
	case err != nil || u.Opaque != "" || strings.ContainsAny(s, " \\"):
		return nil, "is not a URL: " + shown, example
	case u.User != nil:
		return nil, "must not hold a user or password", "Remove what stands before @; passwords have a key of their own."
	case !slices.Contains(schemes, u.Scheme):
		return nil, "must begin with " + strings.Join(schemes, ":// or ") + "://, got " + shown, example
	case u.Host == "" || !validHost(u.Hostname()):
		return nil, "has no valid host: " + shown, example
	case u.Fragment != "" || strings.Contains(s, "#"):
		return nil, "must not have a part after #", "Remove # and what follows."
	}
	if port := u.Port(); port != "" || strings.HasSuffix(u.Host, ":") {
		if n, ok := portNumber(cmp.Or(port, "x")); !ok || n == 0 {
			return nil, "must have a port from 1 to 65535, got " + shown, "Correct the port or leave it out."
		}
	}
	return u, "", ""
}

func validHost(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	if strings.Trim(host, "0123456789.") == "" { // 10.0.0.999, 10.1
		return false
	}
	return len(host) <= 253 && hostName.MatchString(host)
}

// cloudURL is ws:// or wss:// to which "/" and the identity can be appended.
func cloudURL() kind[string] {
	return text("a URL", 1, 500).hinted("^wss?://[^/?#@]+(/[^?#]*)?$").checked(func(s string) (string, string) {
		u, reason, remedy := parseURL(s, "ws", "wss")
		if reason != "" {
			return reason, remedy
		}
		if u.RawQuery != "" || strings.Contains(s, "?") {
			return "must not have a query, because the identity is appended to it", "Remove ? and what follows."
		}
		return "", ""
	})
}

// webURL is what a phone opens.
func webURL() kind[string] {
	return text("a URL", 1, 500).hinted("^https?://[^/?#@]+").checked(func(s string) (string, string) {
		_, reason, remedy := parseURL(s, "http", "https")
		return reason, remedy
	})
}

// MeterURL is where a meter is and how to read it. Two forms are taken:
//
//	tcp://host:port/unit                       Modbus TCP, port 502 and unit 1 if absent
//	mqtt://host:port/topic?l1=…&l2=…&l3=…      JSON by MQTT, port 1883 (mqtts: TLS, 8883)
//
// Keys of the second form: l1, l2, l3 (required) are the places of the three currents
// in the message, member names joined by dots, list positions as numbers: a_current,
// ENERGY.Current.0. p1, p2, p3 (all or none) are powers whose sign gives unsigned
// currents their direction: negative is export. scale multiplies the currents to make
// amperes (1); sign=- says that positive means export.
type MeterURL struct {
	text string

	Scheme string // tcp, mqtt or mqtts
	Host   string // host:port
	Unit   uint8  // tcp
	Model  string // of ?model=, which only the command line takes
	Topic  string // mqtt

	Current   [3]string // mqtt: places of the currents
	Direction [3]string // mqtt: places of the powers, or all empty
	Scale     float64   // mqtt: finite, above 0
	Inverted  bool      // mqtt: positive is export
}

// String is the URL as it was given.
func (m MeterURL) String() string { return m.text }

// ParseMeterURL reads a meter's URL; the error says what to write instead.
func ParseMeterURL(s string) (MeterURL, error) {
	m, reason, remedy := readMeterURL(s)
	if reason != "" {
		return MeterURL{}, fmt.Errorf("cannot use this meter: the URL %s. %s", reason, remedy)
	}
	return m, nil
}

func readMeterURL(s string) (m MeterURL, reason, remedy string) {
	u, reason, _ := parseURL(s, "mqtt", "mqtts", "tcp")
	if reason != "" {
		return MeterURL{}, reason, "Write \"tcp://10.0.0.5:502/1\" (Modbus TCP, unit 1) or \"mqtt://host:1883/topic?l1=…&l2=…&l3=…\"."
	}
	m = MeterURL{text: s, Scheme: u.Scheme, Host: u.Host}
	if u.Port() == "" {
		m.Host += map[string]string{"tcp": ":502", "mqtt": ":1883", "mqtts": ":8883"}[u.Scheme]
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return MeterURL{}, "has a query that can't be read", "Write key=value pairs joined by &."
	}
	for key, values := range query {
		if len(values) > 1 {
			return MeterURL{}, "gives " + key + " twice", "Keep one of them."
		}
	}
	path := strings.TrimPrefix(u.Path, "/")
	if u.Scheme == "tcp" {
		return m.modbus(path, query)
	}
	return m.mqtt(path, query)
}

func (m MeterURL) modbus(path string, query url.Values) (_ MeterURL, reason, remedy string) {
	unit, err := strconv.ParseUint(cmp.Or(path, "1"), 10, 8)
	if err != nil {
		return MeterURL{}, fmt.Sprintf("must end in the Modbus unit, 0 to 255, got %q", path), "Write such as \"tcp://10.0.0.5:502/1\"."
	}
	m.Unit = uint8(unit)
	if key := strayKey(query, "model"); key != "" {
		return MeterURL{}, fmt.Sprintf("has the unknown key %q", key), "Modbus meters take no keys here; the registers come from the model."
	}
	m.Model = query.Get("model")
	return m, "", ""
}

func (m MeterURL) mqtt(path string, query url.Values) (_ MeterURL, reason, remedy string) {
	m.Topic = path
	if path == "" || len(path) > 256 || strings.ContainsAny(path, "+#\x00") {
		return MeterURL{}, "must name one MQTT topic without + and #", "Write such as \"mqtt://host:1883/shelly/status/em:0?l1=a_current&l2=b_current&l3=c_current\"."
	}
	if key := strayKey(query, "l1", "l2", "l3", "p1", "p2", "p3", "scale", "sign"); key != "" {
		return MeterURL{}, fmt.Sprintf("has the unknown key %q", key), "Known: l1, l2, l3, p1, p2, p3, scale, sign."
	}
	powers := 0
	for i := range 3 {
		m.Current[i], m.Direction[i] = query.Get(fmt.Sprintf("l%d", i+1)), query.Get(fmt.Sprintf("p%d", i+1))
		if m.Current[i] == "" {
			return MeterURL{}, fmt.Sprintf("has no l%d: where the current of L%d stands in the message", i+1, i+1), "Add such as l1=a_current&l2=b_current&l3=c_current."
		}
		if m.Direction[i] != "" {
			powers++
		}
	}
	if powers != 0 && powers != 3 {
		return MeterURL{}, "has p1, p2, p3 only in part", "Give the powers of all three phases or of none."
	}
	if m.Current[0] == m.Current[1] || m.Current[1] == m.Current[2] || m.Current[0] == m.Current[2] {
		return MeterURL{}, "reads two phases from the same place", "Give l1, l2, l3 a place each."
	}
	m.Scale = 1
	if text := query.Get("scale"); query.Has("scale") {
		scale, err := json.Number(text).Float64()
		if err != nil || !(scale > 0) || math.IsInf(scale, 0) || scale < 1e-6 || scale > 1e6 {
			return MeterURL{}, fmt.Sprintf("has the scale %q", text), "Write a number from 0.000001 to 1000000, such as scale=0.001 for milliamperes."
		}
		m.Scale = scale
	}
	if query.Has("sign") {
		if query.Get("sign") != "-" {
			return MeterURL{}, fmt.Sprintf("has sign=%s", query.Get("sign")), "Write sign=- if positive means export, else leave it out."
		}
		m.Inverted = true
	}
	return m, "", ""
}

// strayKey is a key of the query that is not among those known, the first by name.
func strayKey(query url.Values, known ...string) string {
	stray := ""
	for key := range query {
		if !slices.Contains(known, key) && (stray == "" || key < stray) {
			stray = key
		}
	}
	return stray
}

func meterURL() kind[MeterURL] {
	k := text("a URL", 1, 500)
	return kind[MeterURL]{
		read: func(r *reader, n node, path string) MeterURL {
			before := len(r.problems)
			s := k.read(r, n, path)
			if len(r.problems) > before {
				return MeterURL{}
			}
			m, reason, remedy := readMeterURL(s)
			if reason == "" && m.Model != "" {
				reason, remedy = "must not hold the model", "Write model: "+m.Model+" as a key of its own."
			}
			if reason != "" {
				r.problem(path, reason, remedy)
				return MeterURL{}
			}
			return m
		},
		write: func(m MeterURL) node { return k.write(m.text) },
		schema: func() schema {
			return schema{"type": "string", "pattern": "^(tcp://[^/]+(/[0-9]*)?|mqtts?://[^/]+/.+)$", "maxLength": 500}
		},
	}
}
