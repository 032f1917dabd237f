package modbus

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Address is where a device is: "tcp://host:port/unit".
type Address struct {
	Host string // "host:port"
	Unit byte
	// Model is the catalogue's id, if the address carries one: "?model=eastron_sdm630".
	Model string
}

// ParseAddress reads "tcp://host:port/unit?model=id". The port is 502 and the unit 1
// where they are not given.
func ParseAddress(text string) (Address, error) {
	u, err := url.Parse(text)
	if err != nil {
		return Address{}, fmt.Errorf("cannot read address %q: it must look like tcp://192.0.2.7:502/1", text)
	}
	if u.Scheme != "tcp" || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return Address{}, fmt.Errorf("cannot read address %q: it must look like tcp://192.0.2.7:502/1", text)
	}
	port := u.Port()
	if port == "" {
		port = "502"
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return Address{}, fmt.Errorf("cannot read address %q: port must be 1 to 65535", text)
	}
	a := Address{Host: net.JoinHostPort(u.Hostname(), port), Unit: 1, Model: u.Query().Get("model")}
	if unit := strings.Trim(u.Path, "/"); unit != "" {
		n, err := strconv.ParseUint(unit, 10, 8)
		if err != nil {
			return Address{}, fmt.Errorf("cannot read address %q: unit must be 0 to 255", text)
		}
		a.Unit = byte(n)
	}
	return a, nil
}

// String is the address without the model.
func (a Address) String() string { return fmt.Sprintf("tcp://%s/%d", a.Host, a.Unit) }
