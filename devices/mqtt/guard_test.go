package mqtt

import (
	"errors"
	"io"
	"net"
	"testing"
)

// scripted is a connection that only has something to read.
type scripted struct {
	net.Conn
	data   []byte
	closed bool
}

func (s *scripted) Read(p []byte) (int, error) {
	if len(s.data) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.data)
	s.data = s.data[n:]
	return n, nil
}

func (s *scripted) Close() error {
	s.closed = true
	return nil
}

func TestGuard(t *testing.T) {
	publish := func(length int) []byte {
		body := make([]byte, length)
		out := []byte{0x30}
		for n := length; ; {
			digit := byte(n & 0x7F)
			if n >>= 7; n == 0 {
				return append(append(out, digit), body...)
			}
			out = append(out, digit|0x80)
		}
	}
	for _, size := range []int{1, 2, 7, 100_000} {
		var data []byte
		for _, length := range []int{0, 1, 127, 128, 5000, maxPacket} {
			data = append(data, publish(length)...)
		}
		good := &scripted{data: data}
		if n, err := io.CopyBuffer(io.Discard, struct{ io.Reader }{&guard{Conn: good}}, make([]byte, size)); err != nil || n != int64(len(data)) || good.closed {
			t.Errorf("reads of %d: %d of %d bytes, %v", size, n, len(data), err)
		}
		bad := &scripted{data: publish(maxPacket + 1)}
		if _, err := io.CopyBuffer(io.Discard, struct{ io.Reader }{&guard{Conn: bad}}, make([]byte, size)); !errors.Is(err, errPacket) || !bad.closed {
			t.Errorf("reads of %d: a packet that is too large gave %v", size, err)
		}
	}
}
