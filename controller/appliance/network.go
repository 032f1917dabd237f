package appliance

import (
	"context"
	"net"
)

// Network is how the box reaches others and is reached. The zero value is the
// machine's own.
type Network struct {
	Listen func(addr string) (net.Listener, error)
	Dial   func(ctx context.Context, network, addr string) (net.Conn, error)
}

func (n Network) withDefaults() Network {
	if n.Listen == nil {
		n.Listen = func(addr string) (net.Listener, error) {
			var lc net.ListenConfig
			return lc.Listen(context.Background(), "tcp", addr)
		}
	}
	if n.Dial == nil {
		n.Dial = new(net.Dialer).DialContext
	}
	return n
}
