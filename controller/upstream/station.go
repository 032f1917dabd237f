package upstream

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"busbar/controller"
	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
)

// Loop is what the Station needs of the controller.
type Loop interface {
	Post(ev controller.Event) error
	Ask(ctx context.Context, ask func(controller.ReplyID) controller.Event) (controller.AnswerBody, error)
	Snapshot() *controller.Snapshot
}

var _ Loop = (*controller.Loop)(nil)

// Outbox is what the pump needs of the journal. All methods may wait for the disk.
type Outbox interface {
	// Heads are the first undelivered, unparked rows of the lanes, oldest first, at most
	// n; of lanes with the same token only the oldest (FIFO per idToken).
	Heads(ctx context.Context, n int) ([]controller.OutboxItem, error)
	// NewestHeads are the youngest n of the same rows, oldest first: what drivers wait for
	// while a long backlog is sent.
	NewestHeads(ctx context.Context, n int) ([]controller.OutboxItem, error)
	// Following are the meter rows directly behind a row of the same lane.
	Following(ctx context.Context, tx controller.TxID, after int64, n int) ([]controller.OutboxItem, error)
	// Stamp stores a message as it will be sent, durably, before its first send.
	Stamp(ctx context.Context, ids []int64, messageID string, wire json.RawMessage) error
	// Settle ends an attempt, durably.
	Settle(ctx context.Context, s controller.Settlement) error
	// Wait is signalled when rows were added.
	Wait() <-chan struct{}
}

// Config is what a Station is made of. StationID, URL, Loop and Outbox are needed.
type Config struct {
	StationID, URL, Password       string // Password "": no Basic auth
	TLS                            *tls.Config
	Dial                           func(ctx context.Context, network, addr string) (net.Conn, error) // nil: net.Dialer
	BackOff                        ocpp.BackOff                                                      // 10 s, 5, 10 s
	Loop                           Loop
	Outbox                         Outbox
	Vendor, Model, Serial, Version string
	// NominalV is the grid's voltage from phase to neutral (230), for composite schedules
	// in watts.
	NominalV int
	// BootKnown: the cloud accepted a Boot in an earlier life of the process and the box
	// has not booted since, so that a plain reconnect needs none (decision 4). OnAccepted
	// is called at each acceptance, with or without Boot, on the link's goroutine.
	BootKnown  bool
	OnAccepted func()
	Trace      func(ocpp.TraceEntry)
	Logger     *slog.Logger
}

// Station is the box towards one cloud. It is the controller.Adapter of the cloud's
// effects. Run it once; all methods may be called from any goroutine.
type Station struct {
	cfg      Config
	lanes    *lanes // the pump's
	statuses statuses
	settings settings
	usage    usage
	silent   atomic.Int32  // CALLs without answer in a row
	kick     chan struct{} // 1: the pump has something to look at
	bootNow  chan struct{} // 1: a waiting Boot shall not wait longer

	mu       sync.Mutex
	live     *ocpp.Conn // nil unless the cloud has accepted us on it
	booted   *ocpp.Conn // where the last accepted Boot went
	rejected bool       // the last Boot was
	needBoot bool
	slots    int // connectors the cloud was told at the last Boot; 0: not known yet
	asks     sync.WaitGroup
	stopped  bool
}

var _ controller.Adapter = (*Station)(nil)

// New makes a Station.
func New(cfg Config) *Station {
	if cfg.BackOff == (ocpp.BackOff{}) {
		cfg.BackOff = ocpp.BackOff{Min: 10 * time.Second, Repeat: 5, Random: 10 * time.Second}
	}
	if cfg.NominalV == 0 {
		cfg.NominalV = 230
	}
	if cfg.OnAccepted == nil {
		cfg.OnAccepted = func() {}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Station{cfg: cfg, lanes: newLanes(), needBoot: !cfg.BootKnown, kick: make(chan struct{}, 1), bootNow: make(chan struct{}, 1)}
}

// restartGrace lets the answer to Reset leave before the connection goes.
const restartGrace = time.Second

// Do carries out AskToken, ReportStatus and RestartUplink; it returns at once.
func (s *Station) Do(e controller.Effect) {
	switch e := e.(type) {
	case controller.AskToken:
		s.askToken(e)
	case controller.ReportStatus:
		s.statuses.put(e.Status)
		signal(s.kick)
	case controller.RestartUplink:
		s.mu.Lock()
		s.needBoot = true
		conn := s.live
		s.mu.Unlock()
		if conn != nil {
			time.AfterFunc(restartGrace, func() { conn.Close(1000, e.Reason) })
		}
	default:
		panic("upstream: an effect that is not for the cloud")
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// accepted is the connection on which the cloud has accepted us, or nil.
func (s *Station) accepted() *ocpp.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.live
}

// tell posts a fact that must not be lost: a full queue is waited for.
func (s *Station) tell(ev controller.Event) {
	for errors.Is(s.cfg.Loop.Post(ev), controller.ErrCongested) {
		time.Sleep(20 * time.Millisecond)
	}
}

// background runs f on a goroutine that Run waits for; false once Run has ended.
func (s *Station) background(f func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.stopped {
		s.asks.Go(f)
	}
	return !s.stopped
}

// askToken asks the cloud, before all that waits. Silence, and an answer that can't
// be understood, leave the decision to the Site.
func (s *Station) askToken(e controller.AskToken) {
	conn := s.accepted()
	s.background(func() {
		out := controller.TokenAnswered{Ask: e.Ask}
		if conn != nil && fitsIDTag(e.Token.Value) {
			ctx, cancel := context.WithTimeout(context.Background(), e.Within)
			defer cancel()
			resp, err := ocpp16.Authorize.Call(ctx, line{s, conn}, ocpp16.AuthorizeRequest{IDTag: e.Token.Value}, func(c *ocpp.Call) { c.Urgent = true })
			if err == nil && resp.IDTagInfo.Status.Known() {
				out.OK, out.Info = true, tokenInfo(resp.IDTagInfo)
			}
		}
		s.tell(out)
	})
}

// fitsIDTag tells whether a token can be an idTag (16§7.28: 20 characters).
func fitsIDTag(token string) bool { return utf8.RuneCountInString(token) <= 20 }

func tokenInfo(i ocpp16.IDTagInfo) controller.TokenInfo {
	out := controller.TokenInfo{Status: controller.TokenStatus(i.Status)}
	if i.ParentIDTag != nil {
		out.Parent = *i.ParentIDTag
	}
	if i.ExpiryDate != nil {
		out.Expiry = i.ExpiryDate.Time
	}
	return out
}

// Utilisation is the share of the last minute in which a CALL of ours was open, 0 to 1.
func (s *Station) Utilisation() float64 { return s.usage.share(time.Now()) }
