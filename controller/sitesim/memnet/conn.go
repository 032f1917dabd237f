package memnet

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// half is one direction: a bounded byte queue with one reader and one writer.
type half struct {
	mu     sync.Mutex
	change chan struct{} // closed and replaced at every change of state
	buf    []byte
	eof    bool  // the writer closed; what is buffered can still be read
	err    error // reset or reader gone: fails both sides at once

	readDeadline, writeDeadline deadline
}

// deadline wakes a waiting call when its time comes or when it is moved.
type deadline struct {
	timer   *time.Timer
	expired bool
}

func newHalf() *half { return &half{change: make(chan struct{})} }

// signal must be called with mu held.
func (h *half) signal() {
	close(h.change)
	h.change = make(chan struct{})
}

func (h *half) read(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case h.readDeadline.expired:
			return 0, os.ErrDeadlineExceeded
		case h.err != nil:
			return 0, h.err
		case len(h.buf) > 0:
			n := copy(p, h.buf)
			h.buf = h.buf[n:]
			if len(h.buf) == 0 {
				h.buf = nil
			}
			h.signal()
			return n, nil
		case h.eof:
			return 0, io.EOF
		case len(p) == 0:
			return 0, nil
		}
		h.wait()
	}
}

func (h *half) write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	written := 0
	for {
		switch {
		case h.writeDeadline.expired:
			return written, os.ErrDeadlineExceeded
		case h.err != nil:
			return written, h.err
		case h.eof:
			return written, errWriteClosed
		}
		if room := bufferSize - len(h.buf); room > 0 && len(p) > 0 {
			n := min(room, len(p))
			h.buf = append(h.buf, p[:n]...)
			p = p[n:]
			written += n
			h.signal()
		}
		if len(p) == 0 {
			return written, nil
		}
		h.wait()
	}
}

// wait gives mu up until the next change.
func (h *half) wait() {
	change := h.change
	h.mu.Unlock()
	<-change
	h.mu.Lock()
}

func (h *half) end(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil && h.err == nil {
		h.err = err
	}
	h.eof = true
	for _, d := range []*deadline{&h.readDeadline, &h.writeDeadline} {
		if d.timer != nil {
			d.timer.Stop()
		}
	}
	h.signal()
}

// set moves d; it runs under the half's lock so that a waiting call sees it.
func (h *half) set(d *deadline, t time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	d.expired = false
	if t.IsZero() {
		h.signal()
		return
	}
	wait := time.Until(t)
	if wait <= 0 {
		d.expired = true
		h.signal()
		return
	}
	var timer *time.Timer
	timer = time.AfterFunc(wait, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if d.timer == timer {
			d.expired = true
			h.signal()
		}
	})
	d.timer = timer
	h.signal()
}

type conn struct {
	in, out       *half
	local, remote net.Addr
	once          sync.Once
	forget        func()
}

func pair(near, far net.Addr) (*conn, *conn) {
	a, b := newHalf(), newHalf()
	return &conn{in: a, out: b, local: near, remote: far}, &conn{in: b, out: a, local: far, remote: near}
}

func (c *conn) Read(p []byte) (int, error)  { return c.in.read(p) }
func (c *conn) Write(p []byte) (int, error) { return c.out.write(p) }
func (c *conn) LocalAddr() net.Addr         { return c.local }
func (c *conn) RemoteAddr() net.Addr        { return c.remote }

// Close lets the peer read what was written and then io.EOF; the peer's writes
// fail as on a closed socket.
func (c *conn) Close() error {
	c.once.Do(func() {
		c.out.end(nil)
		c.in.end(net.ErrClosed)
		if c.forget != nil {
			c.forget()
		}
	})
	return nil
}

// reset drops everything in flight, as a cable that is cut and then reported.
func (c *conn) reset() {
	c.out.end(ErrReset)
	c.in.end(ErrReset)
	if c.forget != nil {
		c.forget()
	}
}

func (c *conn) SetDeadline(t time.Time) error {
	c.in.set(&c.in.readDeadline, t)
	c.out.set(&c.out.writeDeadline, t)
	return nil
}

func (c *conn) SetReadDeadline(t time.Time) error {
	c.in.set(&c.in.readDeadline, t)
	return nil
}

func (c *conn) SetWriteDeadline(t time.Time) error {
	c.out.set(&c.out.writeDeadline, t)
	return nil
}
