package ocppsim

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

// CloudConfig is what a Cloud is made of.
type CloudConfig struct {
	// Password of each station; nil: none is asked for.
	Password func(identity string) string
	// Judge says what a token may do; nil: all are accepted.
	Judge func(idTag string) ocpp16.AuthorizationStatus
	// Heartbeat is the interval it asks for (300 s).
	Heartbeat time.Duration
}

// CloudLedger is what a Cloud heard, in the order in which it heard it.
type CloudLedger struct {
	Transactions []Transaction
	Faults       []Difference // what a station should not have sent
	Boots        int
	Repeats      int                              // messages that came again under the same id
	Statuses     map[int]ocpp16.ChargePointStatus // as told last, by whichever station
}

// Cloud is a simulated CSMS on OCPP 1.6J. As a good one does, it answers a message
// that comes again under the same id as it did the first time.
type Cloud struct {
	cfg    CloudConfig
	server *ocpp.Server

	mu       sync.Mutex
	txs      []*Transaction
	faults   []Difference
	statuses map[place]ocpp16.ChargePointStatus
	latest   map[int]ocpp16.ChargePointStatus
	answered map[string]json.RawMessage // by messageId
	conns    map[*ocpp.Conn]bool
	boots    int
	cut      bool
	delay    time.Duration
	refuse   map[string]bool // actions answered with CALLERROR
	repeats  int
}

// place is a connector of a station.
type place struct {
	station   string
	connector int
}

// NewCloud makes a cloud; Serve runs it.
func NewCloud(cfg CloudConfig) *Cloud {
	if cfg.Heartbeat == 0 {
		cfg.Heartbeat = 5 * time.Minute
	}
	c := &Cloud{cfg: cfg, statuses: map[place]ocpp16.ChargePointStatus{}, latest: map[int]ocpp16.ChargePointStatus{}, answered: map[string]json.RawMessage{}, conns: map[*ocpp.Conn]bool{}, refuse: map[string]bool{}}
	c.server = ocpp.NewServer(ocpp.ServerConfig{Admit: c.admit, Opened: c.opened, Serve: c.serve})
	return c
}

// Serve answers on l until ctx ends.
func (c *Cloud) Serve(ctx context.Context, l net.Listener) error {
	srv := &http.Server{Handler: c.server, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	select {
	case <-ctx.Done():
	case err := <-done:
		return err
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err := c.server.Close(stop)
	_ = srv.Close()
	<-done
	return err
}

func (c *Cloud) admit(h *ocpp.Handshake) ocpp.Admission {
	c.mu.Lock()
	cut := c.cut
	c.mu.Unlock()
	if cut {
		return ocpp.Admission{Status: http.StatusServiceUnavailable, Reason: "the cloud is cut off"}
	}
	if c.cfg.Password != nil && (!h.HasAuth || h.Username != h.Identity || h.Password != c.cfg.Password(h.Identity)) {
		return ocpp.Admission{Status: http.StatusUnauthorized, Reason: "wrong credentials"}
	}
	return ocpp.Admission{Protocols: []ocpp.Protocol{ocpp.V16}, Options: ocpp.Options{Handler: c.handler(), MaxMessage: 4 << 20}}
}

func (c *Cloud) opened(conn *ocpp.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conns[conn] = true
}

func (c *Cloud) serve(conn *ocpp.Conn) {
	<-conn.Done()
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.conns, conn)
}

// Cut breaks the connections and refuses new ones, until called with false.
func (c *Cloud) Cut(cut bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = cut
	for conn := range c.conns {
		if cut {
			conn.Close(1001, "cut off")
		}
	}
}

// Slow delays every answer by d.
func (c *Cloud) Slow(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.delay = d
}

// Refuse answers an action with a CALLERROR, until called with false.
func (c *Cloud) Refuse(action string, on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refuse[action] = on
}

// Conn is the live connection of a station, nil if none; commands are sent on it with
// the typed actions.
func (c *Cloud) Conn(identity string) *ocpp.Conn { return c.server.Conn(identity) }

// Forget makes the cloud forget which messages it has answered already, as one that
// lost its memory: what comes again from now on is booked again.
func (c *Cloud) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.answered)
}

// Status is what a station told last of a connector, "" if nothing.
func (c *Cloud) Status(station string, connector int) ocpp16.ChargePointStatus {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.statuses[place{station, connector}]
}

// Ledger is what was heard so far.
func (c *Cloud) Ledger() *CloudLedger {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := &CloudLedger{Faults: slices.Clone(c.faults), Boots: c.boots, Repeats: c.repeats, Statuses: maps.Clone(c.latest)}
	for _, t := range c.txs {
		l.Transactions = append(l.Transactions, *t)
	}
	return l
}

// handler answers the station, each message id once.
func (c *Cloud) handler() ocpp.Handler {
	m := ocpp.NewMux(ocpp16.Known)
	ocpp.Handle(m, ocpp16.BootNotification, c.boot)
	ocpp.Handle(m, ocpp16.Heartbeat, func(context.Context, *ocpp.Conn, ocpp16.HeartbeatRequest, *ocpp.Request) (ocpp16.HeartbeatResponse, error) {
		return ocpp16.HeartbeatResponse{CurrentTime: ocpp.NewDateTime(time.Now())}, nil
	})
	ocpp.Handle(m, ocpp16.StatusNotification, c.status)
	ocpp.Handle(m, ocpp16.Authorize, func(_ context.Context, _ *ocpp.Conn, req ocpp16.AuthorizeRequest, _ *ocpp.Request) (ocpp16.AuthorizeResponse, error) {
		return ocpp16.AuthorizeResponse{IDTagInfo: ocpp16.IDTagInfo{Status: c.judge(req.IDTag)}}, nil
	})
	ocpp.Handle(m, ocpp16.StartTransaction, c.start)
	ocpp.Handle(m, ocpp16.MeterValues, c.meter)
	ocpp.Handle(m, ocpp16.StopTransaction, c.stop)
	return ocpp.HandlerFunc(func(ctx context.Context, conn *ocpp.Conn, r *ocpp.Request) (json.RawMessage, error) {
		c.mu.Lock()
		delay, refuse, before := c.delay, c.refuse[r.Action], c.answered[r.ID]
		c.mu.Unlock()
		if delay > 0 {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(delay):
			}
		}
		if refuse {
			return nil, ocpp.Errorf(ocpp.CodeInternalError, "refused by the scenario")
		}
		if before != nil {
			c.mu.Lock()
			c.repeats++
			c.mu.Unlock()
			return before, nil
		}
		answer, err := m.HandleCall(ctx, conn, r)
		if err == nil && isBilling(r.Action) {
			c.mu.Lock()
			c.answered[r.ID] = answer
			c.mu.Unlock()
		}
		return answer, err
	})
}

func isBilling(action string) bool {
	return action == "StartTransaction" || action == "MeterValues" || action == "StopTransaction"
}

func (c *Cloud) judge(idTag string) ocpp16.AuthorizationStatus {
	if c.cfg.Judge == nil {
		return ocpp16.AuthorizationStatusAccepted
	}
	return c.cfg.Judge(idTag)
}

func (c *Cloud) boot(context.Context, *ocpp.Conn, ocpp16.BootNotificationRequest, *ocpp.Request) (ocpp16.BootNotificationResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.boots++
	return ocpp16.BootNotificationResponse{Status: ocpp16.RegistrationStatusAccepted, CurrentTime: ocpp.NewDateTime(time.Now()), Interval: int(c.cfg.Heartbeat.Seconds())}, nil
}

func (c *Cloud) status(_ context.Context, conn *ocpp.Conn, req ocpp16.StatusNotificationRequest, _ *ocpp.Request) (ocpp16.StatusNotificationResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.statuses[place{conn.Identity(), req.ConnectorID}] = req.Status
	c.latest[req.ConnectorID] = req.Status
	return ocpp16.StatusNotificationResponse{}, nil
}

func (c *Cloud) start(_ context.Context, conn *ocpp.Conn, req ocpp16.StartTransactionRequest, _ *ocpp.Request) (ocpp16.StartTransactionResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &Transaction{Station: conn.Identity(), Connector: req.ConnectorID, IDTag: req.IDTag, ID: 5001 + len(c.txs), MeterStart: req.MeterStart, StartedAt: req.Timestamp.Time}
	c.txs = append(c.txs, t)
	return ocpp16.StartTransactionResponse{IDTagInfo: ocpp16.IDTagInfo{Status: c.judge(req.IDTag)}, TransactionID: t.ID}, nil
}

func (c *Cloud) fault(kind, format string, args ...any) {
	c.faults = append(c.faults, Difference{kind, fmt.Sprintf(format, args...)})
}

func (c *Cloud) find(id int) *Transaction {
	for i := len(c.txs) - 1; i >= 0; i-- {
		if c.txs[i].ID == id {
			return c.txs[i]
		}
	}
	return nil
}

func (c *Cloud) meter(_ context.Context, _ *ocpp.Conn, req ocpp16.MeterValuesRequest, _ *ocpp.Request) (ocpp16.MeterValuesResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if req.TransactionID == nil {
		return ocpp16.MeterValuesResponse{}, nil
	}
	t := c.find(*req.TransactionID)
	switch {
	case t == nil:
		c.fault("disordered", "meter values of transaction %d, which never started", *req.TransactionID)
		return ocpp16.MeterValuesResponse{}, nil
	case t.Stopped:
		c.fault("disordered", "meter values of transaction %d after its stop", t.ID)
	case t.Connector != req.ConnectorID:
		c.fault("unequal", "meter values of transaction %d on connector %d, it runs on %d", t.ID, req.ConnectorID, t.Connector)
	}
	for _, v := range req.MeterValue {
		if !v.Timestamp.Time.After(t.LastSample) {
			c.fault("disordered", "a sample of transaction %d of %v after one of %v", t.ID, v.Timestamp.Time, t.LastSample)
		}
		t.LastSample = v.Timestamp.Time
		t.Samples++
	}
	return ocpp16.MeterValuesResponse{}, nil
}

func (c *Cloud) stop(_ context.Context, _ *ocpp.Conn, req ocpp16.StopTransactionRequest, _ *ocpp.Request) (ocpp16.StopTransactionResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.find(req.TransactionID)
	switch {
	case t == nil:
		c.fault("disordered", "stop of transaction %d, which never started", req.TransactionID)
	case t.Stopped:
		c.fault("doubled", "a second stop of transaction %d", t.ID)
	default:
		t.Stopped, t.MeterStop, t.StoppedAt = true, req.MeterStop, req.Timestamp.Time
	}
	return ocpp16.StopTransactionResponse{}, nil
}
