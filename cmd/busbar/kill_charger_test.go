package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
	"busbar/ocpp/ocppsim"
)

// gate tells the chargers where the box listens in its present life.
type gate struct {
	mu   sync.Mutex
	addr string
	next chan struct{} // closed when the next life begins
}

func (g *gate) open(addr string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.next != nil {
		close(g.next)
	}
	g.addr, g.next = addr, make(chan struct{})
}

func (g *gate) now() (addr string, next <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.addr, g.next
}

// bill is a transaction as its charger keeps it: only what the box acknowledged
// counts in it.
type bill struct {
	ocppsim.Transaction
	values []json.RawMessage // the acknowledged meterValue elements
}

// killCharger runs one short transaction after the other and, as a real charger does,
// repeats each message until it is answered. One goroutine runs it; bills and retries
// are read when that has ended.
type killCharger struct {
	id      string
	gate    *gate
	random  *rand.Rand
	conn    *ocpp.Conn
	booted  bool
	clock   time.Time
	meter   int // Wh
	bills   []*bill
	sent    int // message ids used
	retries int
}

// longestPause between two transactions keeps the chargers from outrunning the cloud,
// which takes one message at a time.
const longestPause = 200 * time.Millisecond

// run works until stop is closed and the transaction under way is over.
func (c *killCharger) run(ctx context.Context, stop <-chan struct{}) error {
	defer func() {
		if c.conn != nil {
			c.conn.Close(1000, "")
			<-c.conn.Done()
		}
	}()
	for {
		select {
		case <-stop:
			return nil
		default:
		}
		if err := c.transaction(ctx); err != nil {
			return fmt.Errorf("%s: %w", c.id, err)
		}
		<-time.After(time.Duration(c.random.Int64N(int64(longestPause))))
	}
}

func (c *killCharger) transaction(ctx context.Context) error {
	b := &bill{Transaction: ocppsim.Transaction{Station: c.id, Connector: 1, IDTag: "TAG-" + c.id, MeterStart: c.meter, StartedAt: c.tick()}}
	c.bills = append(c.bills, b)
	started, err := until(ctx, c, ocpp16.StartTransaction, ocpp16.StartTransactionRequest{ConnectorID: 1, IDTag: b.IDTag, MeterStart: b.MeterStart,
		Timestamp: ocpp.NewDateTime(b.StartedAt)})
	if err != nil {
		return err
	}
	if started.TransactionID <= 0 || started.IDTagInfo.Status != ocpp16.AuthorizationStatusAccepted {
		return fmt.Errorf("StartTransaction was answered with %+v", started)
	}
	b.ID, b.StartAcked = started.TransactionID, true
	for _, reading := range []ocpp16.ReadingContext{ocpp16.ReadingContextTransactionBegin, ocpp16.ReadingContextSampleClock} {
		b.LastSample = c.tick()
		value := ocpp16.MeterValue{Timestamp: ocpp.NewDateTime(b.LastSample), SampledValue: []ocpp16.SampledValue{{Value: strconv.Itoa(c.meter), Context: &reading}}}
		if _, err := until(ctx, c, ocpp16.MeterValues, ocpp16.MeterValuesRequest{ConnectorID: 1, TransactionID: &b.ID, MeterValue: []ocpp16.MeterValue{value}}); err != nil {
			return err
		}
		raw, err := json.Marshal(value)
		if err != nil {
			return err
		}
		b.values, b.Samples = append(b.values, raw), b.Samples+1
		c.meter += 1 + c.random.IntN(100)
	}
	b.MeterStop, b.StoppedAt, b.Stopped = c.meter, c.tick(), true
	_, err = until(ctx, c, ocpp16.StopTransaction, ocpp16.StopTransactionRequest{TransactionID: b.ID, MeterStop: b.MeterStop, Timestamp: ocpp.NewDateTime(b.StoppedAt)})
	b.StopAcked = err == nil
	return err
}

// tick is the time in the milliseconds of OCPP, later at each call.
func (c *killCharger) tick() time.Time {
	now := time.Now().UTC().Truncate(time.Millisecond)
	if !now.After(c.clock) {
		now = c.clock.Add(time.Millisecond)
	}
	c.clock = now
	return now
}

// until repeats a message until it is answered: under the same message id or, as some
// chargers do, under a new one. It fails when ctx ends.
func until[Req, Resp any](ctx context.Context, c *killCharger, action ocpp.Action[Req, Resp], req Req) (Resp, error) {
	id := c.messageID()
	for {
		if err := c.connect(ctx); err != nil {
			var none Resp
			return none, fmt.Errorf("cannot send %s: %w", action.Name, err)
		}
		resp, err := action.Call(ctx, c.conn, req, func(call *ocpp.Call) { call.ID, call.Timeout = id, 5*time.Second })
		if err == nil {
			return resp, nil
		}
		if ctx.Err() != nil || !errors.Is(err, ocpp.ErrClosed) {
			return resp, fmt.Errorf("cannot send %s: %w", action.Name, err)
		}
		<-c.conn.Done()
		c.conn = nil
		c.retries++
		if c.random.IntN(2) == 0 {
			id = c.messageID()
		}
	}
}

func (c *killCharger) messageID() string {
	c.sent++
	return fmt.Sprintf("%s-%d", c.id, c.sent)
}

// reconnect is the pause before a box that is there but does not answer is tried
// again.
const reconnect = 50 * time.Millisecond

// connect makes sure of a connection, waiting for the box's next life if need be.
func (c *killCharger) connect(ctx context.Context) error {
	for c.conn == nil {
		addr, next := c.gate.now()
		if err := c.dial(ctx, addr); err == nil {
			break
		}
		again := time.NewTimer(reconnect)
		select {
		case <-ctx.Done():
			again.Stop()
			return ctx.Err()
		case <-next:
		case <-again.C:
		}
		again.Stop()
	}
	return nil
}

func (c *killCharger) dial(ctx context.Context, addr string) error {
	accept := ocpp.HandlerFunc(func(context.Context, *ocpp.Conn, *ocpp.Request) (json.RawMessage, error) {
		return json.RawMessage(`{"status":"Accepted"}`), nil
	})
	conn, err := ocpp.Dial(ctx, ocpp.ClientConfig{URL: "ws://" + addr, Identity: c.id, Protocols: []ocpp.Protocol{ocpp.V16}, Options: ocpp.Options{Handler: accept, Loose: true}})
	if err != nil {
		return err
	}
	if !c.booted {
		boot, err := ocpp16.BootNotification.Call(ctx, conn, ocpp16.BootNotificationRequest{ChargePointVendor: "Busbar", ChargePointModel: "Test"})
		if c.booted = err == nil && boot.Status == ocpp16.RegistrationStatusAccepted; !c.booted {
			conn.Close(1000, "")
			return errors.Join(err, fmt.Errorf("BootNotification was answered with %q", boot.Status))
		}
	}
	c.conn = conn
	return nil
}
