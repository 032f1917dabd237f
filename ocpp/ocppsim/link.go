package ocppsim

import (
	"context"
	"errors"
	"net"
	"slices"
	"time"

	"busbar/ocpp"
)

// message is something for the CSMS, in order.
type message struct {
	keep bool // of a transaction: kept until acknowledged
	// transaction it is of, where that has a name of its own (2.x).
	transaction string
	// attempts is how often it may be answered with an error before it is dropped; 0: no end.
	attempts, failed int
	// again is the pause before the next attempt, times the number of failed ones; 0: the
	// charger's Retry.
	again time.Duration
	send  func(ctx context.Context, conn *ocpp.Conn) error
}

func (c *Charger) enqueue(m *message) {
	c.queue = append(c.queue, m)
	poke(c.kick)
}

// link keeps the connection and sends the queue, one message at a time.
func (c *Charger) link(ctx context.Context) {
	for ctx.Err() == nil {
		if !c.isDead() {
			c.connect(ctx)
		}
		select {
		case <-ctx.Done():
		case <-time.After(c.cfg.Reconnect):
		}
	}
}

func (c *Charger) isDead() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dead
}

func (c *Charger) connect(ctx context.Context) {
	conn, err := ocpp.Dial(ctx, ocpp.ClientConfig{URL: c.cfg.URL, Identity: c.cfg.ID, Password: c.password(), Protocols: c.offered(), TLS: c.cfg.TLS,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return c.gates.dial(ctx, c.cfg.Dial, network, addr)
		}, Options: ocpp.Options{Handler: c.delayed(c.dialect.commands()), CallTimeout: 30 * time.Second, Loose: c.loose()}})
	if err != nil {
		return
	}
	c.mu.Lock()
	c.conn = conn
	if c.dead { // the power went while it dialled
		conn.Close(1006, "")
	}
	c.queue = slices.DeleteFunc(c.queue, func(m *message) bool { return !m.keep })
	if c.has(QuirkBootsAlways) {
		c.booted = false
	}
	c.mu.Unlock()
	session, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, func() { conn.Close(1001, "going away") })
	if c.boot(session, conn) {
		c.mu.Lock()
		c.dialect.statuses(c.outlets, true)
		c.mu.Unlock()
		c.deliver(session, conn)
	}
	stop()
	cancel()
	conn.Close(1001, "")
	<-conn.Done()
	c.mu.Lock()
	c.conn = nil
	c.mu.Unlock()
}

// boot sends BootNotification after power came on, until it is accepted.
func (c *Charger) boot(ctx context.Context, conn *ocpp.Conn) bool {
	for {
		c.mu.Lock()
		booted, why := c.booted, c.why
		c.mu.Unlock()
		if booted {
			return true
		}
		accepted, retry, err := c.dialect.boot(ctx, conn, why)
		switch {
		case err != nil:
			return false
		case accepted:
			c.mu.Lock()
			defer c.mu.Unlock()
			if !c.dead {
				c.booted = true
			}
			return !c.dead
		}
		select {
		case <-ctx.Done():
			return false
		case <-conn.Done():
			return false
		case <-time.After(retry):
		}
	}
}

// enqueueBoot sends a BootNotification that was asked for.
func (c *Charger) enqueueBoot() {
	c.enqueue(&message{send: func(ctx context.Context, conn *ocpp.Conn) error {
		_, _, err := c.dialect.boot(ctx, conn, bootTriggered)
		return err
	}})
}

// deliver sends the queue until the connection ends. A transaction message that gets
// no usable answer is sent again after a pause, before all later ones.
func (c *Charger) deliver(ctx context.Context, conn *ocpp.Conn) {
	every := c.heartbeat()
	beat := time.NewTimer(every)
	defer beat.Stop()
	for {
		m := c.first()
		if m == nil {
			select {
			case <-conn.Done():
				return
			case <-c.kick:
				if now := c.heartbeat(); now != every {
					every = now
					beat.Reset(every)
				}
			case <-beat.C:
				if err := c.dialect.heartbeat(ctx, conn); errors.Is(err, ocpp.ErrClosed) {
					return
				}
				beat.Reset(every)
			}
			continue
		}
		err := m.send(ctx, conn)
		if errors.Is(err, ocpp.ErrClosed) || ctx.Err() != nil {
			return
		}
		if err == nil || !m.keep || m.givesUp() {
			c.drop(m)
			continue
		}
		select {
		case <-conn.Done():
			return
		case <-time.After(m.pause(c.cfg.Retry)):
		}
	}
}

// givesUp counts an attempt that failed, and says that it was the last.
func (m *message) givesUp() bool {
	m.failed++
	return m.attempts > 0 && m.failed >= m.attempts
}

func (m *message) pause(otherwise time.Duration) time.Duration {
	if m.again > 0 {
		return m.again * time.Duration(m.failed)
	}
	return otherwise
}

func (c *Charger) heartbeat() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d := c.dialect.beats(); d > 0 {
		return d
	}
	return 24 * time.Hour // 16§4.6: off
}

func (c *Charger) first() *message {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 {
		return nil
	}
	return c.queue[0]
}

func (c *Charger) drop(m *message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue = slices.DeleteFunc(c.queue, func(o *message) bool { return o == m })
}

func (c *Charger) duplicates() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fault.Duplicate
}
