package mqtt

import (
	"errors"
	"net"
)

// maxPacket bounds what the client library allocates for one packet: it believes any
// length that a broker claims, up to 256 MiB.
const maxPacket = maxPayload + 2048

var errPacket = errors.New("broker sent a packet that is too large")

// guard watches the lengths of the MQTT packets that are read from a connection and
// ends it before a packet that is too large.
type guard struct {
	net.Conn
	left   int // of the present packet
	length int // being read
	digits int // of the length, plus one after the packet's first byte
	err    error
}

func (g *guard) Read(p []byte) (int, error) {
	if g.err != nil {
		return 0, g.err
	}
	n, err := g.Conn.Read(p)
	for i := 0; i < n; {
		switch {
		case g.left > 0:
			skip := min(g.left, n-i)
			g.left -= skip
			i += skip
			continue
		case g.digits == 0:
			g.length, g.digits = 0, 1
		default:
			g.length |= int(p[i]&0x7F) << (7 * (g.digits - 1))
			g.digits++
			if g.length > maxPacket || g.digits > 5 {
				g.err = errPacket
				_ = g.Close()
				return 0, g.err
			}
			if p[i]&0x80 == 0 {
				g.left, g.digits = g.length, 0
			}
		}
		i++
	}
	return n, err
}
