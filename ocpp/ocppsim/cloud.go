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
	"busbar/ocpp/ocpp2"
)

// CloudConfig is what a Cloud is made of.
type CloudConfig struct {
	// Password of each station; nil: none is asked for.
	Password func(identity string) string
	// Judge says what a token may do, in words that all versions have; nil: all are
	// accepted.
	Judge func(token string) ocpp16.AuthorizationStatus
	// Group is the token of a token's group, "" if it has none; nil: no token has one.
	Group func(token string) string
	// Protocol it speaks (1.6).
	Protocol ocpp.Protocol
	// Heartbeat is the interval it asks for (300 s).
	Heartbeat time.Duration
}

// CloudLedger is what a Cloud heard, in the order in which it heard it.
type CloudLedger struct {
	Transactions []Transaction
	Faults       []Difference // what a station should not have sent
	Boots        int
	Repeats      int            // messages that came again under the same id
	Statuses     map[int]Status // as told last, by whichever station
}

// Cloud is a simulated CSMS on OCPP 1.6J, or on 2.0.1 for stations with any number of
// EVSEs; a connector is then an EVSE's number. As a good one does, it answers a message
// that comes again under the same id as it did the first time.
type Cloud struct {
	cfg    CloudConfig
	server *ocpp.Server

	mu       sync.Mutex
	txs      []*Transaction
	faults   []Difference
	statuses map[place]Status
	latest   map[int]Status
	answered map[string]json.RawMessage // by messageId
	chains   map[chainKey]*heardChain   // transactions of 2.x
	conns    map[*ocpp.Conn]bool
	boots    int
	cut      bool
	delay    time.Duration
	refuse   map[string]bool // actions answered with CALLERROR
	repeats  int
	heardOf  []Heard
}

// Heard is a message that a Cloud only notes.
type Heard struct {
	Station, Action string
	Request         any // of the action's type
}

// Heard is what was noted so far.
func (c *Cloud) Heard() []Heard {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.heardOf)
}

func (c *Cloud) heard(conn *ocpp.Conn, action string, req any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heardOf = append(c.heardOf, Heard{conn.Identity(), action, req})
	if len(c.heardOf) > maxHeard {
		c.heardOf = slices.Delete(c.heardOf, 0, len(c.heardOf)-maxHeard)
	}
}

// maxHeard bounds what is noted.
const maxHeard = 1000

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
	if cfg.Protocol == "" {
		cfg.Protocol = ocpp.V16
	}
	c := &Cloud{cfg: cfg, statuses: map[place]Status{}, latest: map[int]Status{}, answered: map[string]json.RawMessage{}, conns: map[*ocpp.Conn]bool{}, refuse: map[string]bool{}, chains: map[chainKey]*heardChain{}}
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
	return ocpp.Admission{Protocols: []ocpp.Protocol{c.cfg.Protocol}, Options: ocpp.Options{Handler: c.handler(), MaxMessage: 4 << 20}}
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
func (c *Cloud) Status(station string, connector int) Status {
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
	m := c.routes16()
	if c.cfg.Protocol != ocpp.V16 {
		m = c.routes2()
	}
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
	switch action {
	case "StartTransaction", "MeterValues", "StopTransaction", "TransactionEvent":
		return true
	}
	return false
}

func (c *Cloud) judge(token string) ocpp16.AuthorizationStatus {
	if c.cfg.Judge == nil {
		return ocpp16.AuthorizationStatusAccepted
	}
	return c.cfg.Judge(token)
}

// group is the group's token of a token that is accepted, nil if it has none.
func (c *Cloud) group(token string) *string {
	if c.cfg.Group == nil || c.judge(token) != ocpp16.AuthorizationStatusAccepted {
		return nil
	}
	if g := c.cfg.Group(token); g != "" {
		return &g
	}
	return nil
}

// group2 is the same in words of 2.x.
func (c *Cloud) group2(token string) *ocpp2.IDToken {
	if g := c.group(token); g != nil {
		return &ocpp2.IDToken{IDToken: *g, Type: ocpp2.IDTokenEnumCentral}
	}
	return nil
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
