package mqtt

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"busbar/devices"
)

// Field is where one measurand is published.
type Field struct {
	Measurand devices.Measurand
	Topic     string  // exact, no wildcards
	Path      string  // "ENERGY.Power[0]"; empty: the payload is the number
	Scale     float64 // payload times Scale is V, A, W, Hz or kWh, import positive; 0 is 1
}

// Request is a message that makes a device publish: some do so only on change.
type Request struct {
	Topic   string
	Payload string
	Every   time.Duration // at least 1 s
}

// Config of a Subscriber. Zero values mean the defaults in parentheses.
type Config struct {
	// Broker is "tcp://host:1883" or "ssl://host:8883".
	Broker string
	// ClientID must be unique at the broker, or two clients end each other's
	// connections for ever.
	ClientID           string
	Username, Password string
	TLS                *tls.Config      // for ssl (the machine's roots)
	Dial               devices.DialFunc // (the machine's network)
	QoS                byte             // 0 or 1
	Fields             []Field
	Requests           []Request
	Nature             devices.Nature
	Mounting           devices.Mounting
	Limits             devices.Limits
	// Quiet is how long no complete sample may come before OnFailure says so. (10 s)
	Quiet time.Duration
	// OnReading and OnFailure are called from Run's goroutine and must return at once.
	OnReading func(devices.Reading)
	OnFailure func(*devices.Fault)
}

// JSONFields are the fields of one message with everything in it, for devices whose
// payload can be chosen: {"current":[6,16,9],"power":[1380,3680,2070],
// "voltage":[230,230,230],"total_power":7130,"frequency":50,"energy_import":1234.5,
// "energy_export":0} in A, W, V, W, Hz and kWh, import positive.
func JSONFields(topic string) []Field {
	fields := []Field{
		{Measurand: devices.Power, Path: "total_power"}, {Measurand: devices.Frequency, Path: "frequency"},
		{Measurand: devices.EnergyImport, Path: "energy_import"}, {Measurand: devices.EnergyExport, Path: "energy_export"},
	}
	for p := range devices.Measurand(3) {
		fields = append(fields, Field{Measurand: devices.CurrentL1 + p, Path: fmt.Sprintf("current[%d]", p)},
			Field{Measurand: devices.PowerL1 + p, Path: fmt.Sprintf("power[%d]", p)},
			Field{Measurand: devices.VoltageL1 + p, Path: fmt.Sprintf("voltage[%d]", p)})
	}
	for i := range fields {
		fields[i].Topic = topic
	}
	return fields
}

// validate reports everything that is wrong with c, and fills the defaults in.
func (c *Config) validate() error {
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if u, err := url.Parse(c.Broker); err != nil || u.Scheme != "tcp" && u.Scheme != "ssl" || u.Port() == "" || u.Hostname() == "" {
		add("broker %q must look like tcp://192.0.2.7:1883", c.Broker)
	}
	if c.ClientID == "" {
		add("client id is empty")
	}
	if c.QoS > 1 {
		add("qos must be 0 or 1")
	}
	if c.OnReading == nil || c.OnFailure == nil {
		add("callback missing")
	}
	if c.Nature.Phases != 1 && c.Nature.Phases != 3 {
		add("phases must be 1 or 3")
	}
	given := map[devices.Measurand]bool{}
	for _, f := range c.Fields {
		if _, err := parsePath(f.Path); err != nil {
			add("%s: %w", f.Measurand, err)
		}
		if !exact(f.Topic) {
			add("%s: topic %q must be exact, without wildcards", f.Measurand, f.Topic)
		}
		if f.Scale-f.Scale != 0 {
			add("%s: scale must be a number", f.Measurand)
		}
		if given[f.Measurand] {
			add("%s is given twice", f.Measurand)
		}
		given[f.Measurand] = true
	}
	for p := range devices.Measurand(c.Nature.Phases) {
		if !given[devices.CurrentL1+p] {
			add("%s is not given: it can't protect a fuse", devices.CurrentL1+p)
		}
	}
	for _, r := range c.Requests {
		if !exact(r.Topic) || r.Every < time.Second {
			add("request %q must have an exact topic and at least 1 s", r.Topic)
		}
	}
	if len(errs) > 0 {
		return fmt.Errorf("cannot use MQTT source: %w", errors.Join(errs...))
	}
	if c.Quiet <= 0 {
		c.Quiet = 10 * time.Second
	}
	if c.Dial == nil {
		c.Dial = (&net.Dialer{KeepAlive: 15 * time.Second}).DialContext
	}
	return nil
}

func exact(topic string) bool {
	return topic != "" && len(topic) < 1024 && !strings.ContainsAny(topic, "+#\x00")
}
