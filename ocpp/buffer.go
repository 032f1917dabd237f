package ocpp

import (
	"io"
	"sync"
)

// shared is what all connections of a Server have in common.
type shared struct {
	watch   watch
	buffers buffers
	frames  sync.Pool // the WebSocket library's, for what is written
}

// readBuffer is the library's memory of a connection for what has come: larger than
// nearly all messages.
const readBuffer = 2 << 10

// buffer is memory for one message while it is read or written.
type buffer struct{ bytes []byte }

const (
	firstBuffer = 2 << 10
	maxBuffer   = 16 << 10 // a larger one is not kept
)

// fill reads r to its end, at most so many bytes. The library's own limit counts what is
// on the wire, this one what is inflated.
func (b *buffer) fill(r io.Reader, most int64) error {
	for {
		if len(b.bytes) == cap(b.bytes) {
			bigger := make([]byte, len(b.bytes), max(firstBuffer, 2*cap(b.bytes)))
			copy(bigger, b.bytes)
			b.bytes = bigger
		}
		n, err := r.Read(b.bytes[len(b.bytes):cap(b.bytes)])
		b.bytes = b.bytes[:len(b.bytes)+n]
		switch {
		case int64(len(b.bytes)) > most:
			return errTooBig
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}

// buffers are few: a connection has one only while it reads or writes.
type buffers struct{ pool sync.Pool }

func (p *buffers) take() *buffer {
	if b, ok := p.pool.Get().(*buffer); ok {
		return b
	}
	return &buffer{}
}

func (p *buffers) give(b *buffer) {
	if cap(b.bytes) <= maxBuffer {
		b.bytes = b.bytes[:0]
		p.pool.Put(b)
	}
}
