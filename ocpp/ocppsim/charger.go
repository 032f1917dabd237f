package ocppsim

import (
	"context"
	"crypto/tls"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"busbar/ocpp"
)

// ChargerConfig is what a Charger is made of. Zero values mean the defaults in
// parentheses.
type ChargerConfig struct {
	ID, URL, Password string
	// Protocol it speaks (1.6).
	Protocol ocpp.Protocol
	Outlets  []Outlet
	// Plan is the n-th session of a connector, from 0; false ends them. nil: none but
	// remote starts.
	Plan func(connector, n int) (Session, bool)
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// TLS is for wss:// addresses: whom it trusts, and its own certificate for profile 3.
	TLS *tls.Config
	// Retry is the pause before a transaction message that got no usable answer is sent
	// again (20 s); Reconnect the pause before a lost connection is tried again (3 s).
	Retry, Reconnect time.Duration
	// Skew is how far its clock is ahead.
	Skew time.Duration
	Seed uint64
	// StartPoint is when a transaction of 2.x begins (StartEnergy).
	StartPoint StartPoint
	// Quirks are what it does otherwise than it should, for all its life.
	Quirks []Quirk
}

// StartPoint is when a charger of 2.x begins a transaction (TxStartPoint, P2 2.6.4).
type StartPoint string

// The start points. One of 1.6 always begins with the energy.
const (
	StartEnergy    StartPoint = "PowerPathClosed" // a car is plugged and its driver identified
	StartAuthorize StartPoint = "Authorized"      // the driver has identified
	StartPlug      StartPoint = "EVConnected"     // a car is plugged
)

// Outlet is one connector's hardware.
type Outlet struct {
	Number int
	Phases int     // 1 to 3
	Max    float64 // A per phase
}

// Session is one car's stay.
type Session struct {
	Wait  time.Duration // from the end of the one before, or the start, to the driver's coming
	Token string
	Car   Car
	// TokenFirst: the driver identifies, and plugs in when that is accepted.
	TokenFirst bool
	Lasts      time.Duration // with energy, until the driver stops it
}

// Fault is what is wrong with a Charger. The zero value is a healthy one.
type Fault struct {
	IgnoreProfiles  bool          // answers Accepted and draws what it likes
	RefuseTxProfile bool          // answers Rejected to TxProfile
	AnswerDelay     time.Duration // of every answer to the CSMS
	Duplicate       bool          // sends each transaction message twice
}

// Charger is a simulated charging station on OCPP 1.6J, 2.0.1 or 2.1. Everything a charger keeps
// in its memory survives the loss of its connection.
type Charger struct {
	cfg ChargerConfig

	mu       sync.Mutex
	outlets  []*outlet
	profiles profiles
	dialect  dialect
	queue    []*message
	booted   bool // Boot was accepted since power came on
	why      bootCause
	// resetOnIdle: it restarts when the last transaction has ended.
	resetOnIdle bool
	dead        bool
	fault       Fault
	conn        *ocpp.Conn
	rand        *rand.Rand
	closed      bool // no new cars
	// list judges tokens while nobody answers: accepted or not. Others are let in.
	list map[string]bool
	// listVersion is that of list; 0: there is none.
	listVersion int
	ledger      []*Transaction
	gates       gates
	kick        chan struct{} // the sender looks again
	stir        chan struct{} // the life loop looks again
}

// NewCharger makes a charger with its power on.
func NewCharger(cfg ChargerConfig) *Charger {
	if cfg.Retry == 0 {
		cfg.Retry = 20 * time.Second
	}
	if cfg.Reconnect == 0 {
		cfg.Reconnect = 3 * time.Second
	}
	if cfg.StartPoint == "" {
		cfg.StartPoint = StartEnergy
	}
	c := &Charger{cfg: cfg, rand: rand.New(rand.NewPCG(cfg.Seed, 1)), kick: make(chan struct{}, 1), stir: make(chan struct{}, 1)}
	c.gates.mute = c.has(QuirkNoPong)
	for i, o := range cfg.Outlets {
		c.outlets = append(c.outlets, &outlet{Outlet: o, state: StatusAvailable, operative: true,
			draw: draw{register: float64(1000 * (i + 1 + int(cfg.Seed%97)))}})
	}
	switch cfg.Protocol {
	case ocpp.V201, ocpp.V21:
		c.dialect = newV2(c, cfg.Protocol)
	default:
		c.dialect = newV16(c)
	}
	return c
}

// Run lives until ctx ends: cars come and go, the connection is kept.
func (c *Charger) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Go(func() { c.life(ctx) })
	c.link(ctx)
	wg.Wait()
	c.gates.end()
	return nil
}

func (c *Charger) now() time.Time { return time.Now().Add(c.skew()) }

func (c *Charger) skew() time.Duration {
	if c.has(QuirkWrongClock) {
		return c.cfg.Skew + wrongBy
	}
	return c.cfg.Skew
}

// poke wakes one of the two loops.
func poke(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// Current is what a connector truly draws now, A on the charger's own L1..L3.
func (c *Charger) Current(connector int) [3]float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out [3]float64
	if o := c.outlet(connector); o != nil {
		c.advance(o, time.Now())
		for p := range out {
			if o.car != nil && p < o.car.Phases {
				out[p] = o.draw.amps
			}
		}
	}
	return out
}

// Allowed is what the charger's profiles permit a connector now, until when in true
// time (zero: no lease leads), and whether a transaction is running.
func (c *Charger) Allowed(connector int) (limit float64, expires time.Time, active bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	o := c.outlet(connector)
	if o == nil || o.tx == nil || c.dead {
		return 0, expires, false
	}
	limit, expires = c.profiles.limit(c.question(o), c.now())
	if !expires.IsZero() {
		expires = expires.Add(-c.skew()) // it counts by its own clock
	}
	return limit, expires, true
}

// Energy is what has flowed through all connectors since the start, Wh.
func (c *Charger) Energy() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	sum := 0.0
	for i, o := range c.outlets {
		c.advance(o, time.Now())
		sum += o.draw.register - float64(1000*(i+1+int(c.cfg.Seed%97)))
	}
	return sum
}

// Ledger is the charger's own record.
func (c *Charger) Ledger() []Transaction {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]Transaction, len(c.ledger))
	for i, t := range c.ledger {
		out[i] = *t
	}
	return out
}

// Connected reports whether there is a connection over which Boot was accepted.
func (c *Charger) Connected() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.conn != nil && c.booted
}

// Pending is how many transaction messages wait to be acknowledged.
func (c *Charger) Pending() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, m := range c.queue {
		if m.keep {
			n++
		}
	}
	return n
}

// SetFault replaces the present fault.
func (c *Charger) SetFault(f Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settle(time.Now())
	c.fault = f
}

// CloseDoor lets no new car in from now on; running sessions end as planned.
func (c *Charger) CloseDoor() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
}

// Kill takes the power away: contactors open, the connection is gone, memory stays.
func (c *Charger) Kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settle(time.Now())
	c.dead, c.booted, c.why = true, c.booted && c.has(QuirkNeverBootsAgain), bootPower
	if c.conn != nil {
		c.conn.Close(1006, "")
	}
}

// Revive brings the power back: running transactions end with PowerLoss, as a
// charger reports them after its boot.
func (c *Charger) Revive() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.dead {
		return
	}
	c.dead = false
	for _, o := range c.outlets {
		c.advance(o, time.Now())
		if o.tx != nil {
			c.stop(o, causePowerLoss)
		}
	}
	poke(c.kick)
	poke(c.stir)
}

func (c *Charger) outlet(connector int) *outlet {
	for _, o := range c.outlets {
		if o.Number == connector {
			return o
		}
	}
	return nil
}
