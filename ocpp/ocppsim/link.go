package ocppsim

import (
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"time"

	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

// message is something for the CSMS, in order.
type message struct {
	keep bool // of a transaction: kept until acknowledged
	send func(ctx context.Context, conn *ocpp.Conn) error
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
	conn, err := ocpp.Dial(ctx, ocpp.ClientConfig{URL: c.cfg.URL, Identity: c.cfg.ID, Password: c.cfg.Password, Protocols: []ocpp.Protocol{ocpp.V16},
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return c.gates.dial(ctx, c.cfg.Dial, network, addr)
		}, Options: ocpp.Options{Handler: c.commands(), CallTimeout: 30 * time.Second}})
	if err != nil {
		return
	}
	c.mu.Lock()
	c.conn = conn
	if c.dead { // the power went while it dialled
		conn.Close(1006, "")
	}
	c.queue = slices.DeleteFunc(c.queue, func(m *message) bool { return !m.keep })
	c.mu.Unlock()
	session, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, func() { conn.Close(1001, "going away") })
	if c.boot(session, conn) {
		c.statuses()
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
		booted := c.booted
		c.mu.Unlock()
		if booted {
			return true
		}
		resp, err := ocpp16.BootNotification.Call(ctx, conn, c.bootRequest())
		switch {
		case err != nil:
			return false
		case resp.Status == ocpp16.RegistrationStatusAccepted:
			c.mu.Lock()
			if !c.dead {
				c.booted = true
			}
			if resp.Interval > 0 { // 16§4.2
				c.key("HeartbeatInterval").value = strconv.Itoa(resp.Interval)
			}
			dead := c.dead
			c.mu.Unlock()
			return !dead
		}
		select {
		case <-ctx.Done():
			return false
		case <-conn.Done():
			return false
		case <-time.After(time.Duration(max(1, resp.Interval)) * time.Second):
		}
	}
}

func (c *Charger) bootRequest() ocpp16.BootNotificationRequest {
	serial := c.cfg.ID[:min(len(c.cfg.ID), 25)]
	return ocpp16.BootNotificationRequest{ChargePointVendor: "Simulated", ChargePointModel: "Busbar-Sim", ChargePointSerialNumber: &serial, FirmwareVersion: new("1.0.0")}
}

// statuses tells the present status of everything after a connection was made.
func (c *Charger) statuses() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.triggerStatus(c.outlets, true)
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
				if _, err := ocpp16.Heartbeat.Call(ctx, conn, ocpp16.HeartbeatRequest{}); errors.Is(err, ocpp.ErrClosed) {
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
		if err == nil || !m.keep {
			c.drop(m)
			continue
		}
		select {
		case <-conn.Done():
			return
		case <-time.After(c.cfg.Retry):
		}
	}
}

func (c *Charger) heartbeat() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d := c.seconds("HeartbeatInterval"); d > 0 {
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

func (c *Charger) sendStatus(connector int, state ocpp16.ChargePointStatus) {
	at := ocpp.NewDateTime(c.now())
	c.enqueue(&message{send: func(ctx context.Context, conn *ocpp.Conn) error {
		_, err := ocpp16.StatusNotification.Call(ctx, conn, ocpp16.StatusNotificationRequest{ConnectorID: connector, ErrorCode: ocpp16.ChargePointErrorCodeNoError, Status: state, Timestamp: &at})
		return err
	}})
}

func (c *Charger) authorize(o *outlet, token string) {
	c.enqueue(&message{send: func(ctx context.Context, conn *ocpp.Conn) error {
		resp, err := ocpp16.Authorize.Call(ctx, conn, ocpp16.AuthorizeRequest{IDTag: token})
		if err != nil {
			return err
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if o.stage != stageAuthorizing {
			return nil
		}
		if resp.IDTagInfo.Status == ocpp16.AuthorizationStatusAccepted && !c.closed {
			c.begin(o, token, time.Now())
		} else {
			o.stage, o.due = stageLeaving, time.Now().Add(leaving)
			poke(c.stir)
		}
		return nil
	}})
}

func (c *Charger) sendStart(o *outlet, t *running) {
	req := ocpp16.StartTransactionRequest{ConnectorID: t.Connector, IDTag: t.IDTag, MeterStart: t.MeterStart, Timestamp: ocpp.NewDateTime(t.StartedAt)}
	c.enqueue(&message{keep: true, send: func(ctx context.Context, conn *ocpp.Conn) error {
		resp, err := ocpp16.StartTransaction.Call(ctx, conn, req)
		if err == nil && c.duplicates() {
			resp, err = ocpp16.StartTransaction.Call(ctx, conn, req)
		}
		if err != nil {
			return err
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		t.ID, t.StartAcked = resp.TransactionID, true
		if resp.IDTagInfo.Status != ocpp16.AuthorizationStatusAccepted && o.tx == t {
			c.stop(o, ocpp16.ReasonDeAuthorized, nil)
		}
		return nil
	}})
}

func (c *Charger) sendStop(t *running, reason ocpp16.Reason, token *string) {
	req := ocpp16.StopTransactionRequest{IDTag: token, MeterStop: t.MeterStop, Timestamp: ocpp.NewDateTime(t.StoppedAt), Reason: &reason}
	c.enqueue(&message{keep: true, send: func(ctx context.Context, conn *ocpp.Conn) error {
		req.TransactionID = c.idOf(t)
		_, err := ocpp16.StopTransaction.Call(ctx, conn, req)
		if err == nil && c.duplicates() {
			_, err = ocpp16.StopTransaction.Call(ctx, conn, req)
		}
		if err != nil {
			return err
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		t.StopAcked = true
		return nil
	}})
}

// idOf is the transaction's id as the CSMS gave it; -1 if it never did (16E 3.18).
func (c *Charger) idOf(t *running) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !t.StartAcked {
		return -1
	}
	return t.ID
}

func (c *Charger) duplicates() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fault.Duplicate
}
