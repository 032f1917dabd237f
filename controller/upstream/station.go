package upstream

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

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
	// Following are the meter rows directly behind a row of the same lane.
	Following(ctx context.Context, tx controller.TxID, after int64, n int) ([]controller.OutboxItem, error)
	// Stamp stores a message as it will be sent, durably, before its first send.
	Stamp(ctx context.Context, ids []int64, messageID string, wire json.RawMessage) error
	// Settle ends an attempt, durably.
	Settle(ctx context.Context, s controller.Settlement) error
	// Wait is signalled when rows were added.
	Wait() <-chan struct{}
}

// Config is what a Station is made of.
type Config struct {
	StationID, URL, Password       string
	TLS                            *tls.Config
	Dial                           func(ctx context.Context, network, addr string) (net.Conn, error)
	BackOff                        ocpp.BackOff // 10 s, 5, 10 s
	Loop                           Loop
	Outbox                         Outbox
	Vendor, Model, Serial, Version string
	// BootKnown: the cloud accepted a Boot in an earlier life of the process, so that a
	// plain reconnect needs none (decision 4). OnAccepted is called at each acceptance.
	BootKnown  bool
	OnAccepted func()
	Trace      func(ocpp.TraceEntry)
	Logger     *slog.Logger
}

// Station is the box towards one cloud. It is the controller.Adapter of the cloud's
// effects. Run it once; all methods may be called from any goroutine.
type Station struct {
	cfg   Config
	lanes *lanes

	mu       sync.Mutex
	conn     *ocpp.Conn // accepted
	needBoot bool
	slots    int                     // connectors the cloud was told at the last Boot
	statuses []controller.SlotStatus // waiting, newest per slot, oldest first
	interval time.Duration           // heartbeat, as the cloud asked
	kick     chan struct{}
	usage    usage
	asks     sync.WaitGroup
	stopped  bool
}

var _ controller.Adapter = (*Station)(nil)

// New makes a Station.
func New(cfg Config) *Station {
	if cfg.BackOff == (ocpp.BackOff{}) {
		cfg.BackOff = ocpp.BackOff{Min: 10 * time.Second, Repeat: 5, Random: 10 * time.Second}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Station{cfg: cfg, lanes: newLanes(), needBoot: !cfg.BootKnown, interval: 5 * time.Minute, kick: make(chan struct{}, 1)}
}

// Do carries out an effect; it returns at once.
func (s *Station) Do(e controller.Effect) {
	switch e := e.(type) {
	case controller.AskToken:
		s.askToken(e)
	case controller.ReportStatus:
		s.mu.Lock()
		s.queueStatus(e.Status)
		s.mu.Unlock()
		s.wake()
	case controller.RestartUplink:
		s.mu.Lock()
		s.needBoot = true
		conn := s.conn
		s.mu.Unlock()
		if conn != nil {
			conn.Close(1000, e.Reason)
		}
	default:
		panic("upstream: an effect that is not for the cloud")
	}
}

func (s *Station) wake() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// queueStatus replaces what waits for the same slot. The lock is held.
func (s *Station) queueStatus(st controller.SlotStatus) {
	kept := s.statuses[:0]
	for _, o := range s.statuses {
		if o.Slot != st.Slot {
			kept = append(kept, o)
		}
	}
	s.statuses = append(kept, st)
}

// requeueStatus brings one back that could not be sent, unless a newer one waits.
func (s *Station) requeueStatus(st controller.SlotStatus) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.statuses {
		if o.Slot == st.Slot {
			return
		}
	}
	s.statuses = append([]controller.SlotStatus{st}, s.statuses...)
}

func (s *Station) nextStatus() (controller.SlotStatus, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.statuses) == 0 {
		return controller.SlotStatus{}, false
	}
	st := s.statuses[0]
	s.statuses = s.statuses[1:]
	return st, true
}

// tell posts a fact that must not be lost: a full queue is waited for.
func (s *Station) tell(ev controller.Event) {
	for errors.Is(s.cfg.Loop.Post(ev), controller.ErrCongested) {
		time.Sleep(20 * time.Millisecond)
	}
}

// askToken asks the cloud on a goroutine of its own, before all that waits.
func (s *Station) askToken(e controller.AskToken) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return
	}
	conn := s.conn
	s.asks.Go(func() {
		out := controller.TokenAnswered{Ask: e.Ask}
		if conn != nil && len(e.Token.Value) <= 20 {
			ctx, cancel := context.WithTimeout(context.Background(), e.Within)
			defer cancel()
			resp, err := ocpp16.Authorize.Call(ctx, conn, ocpp16.AuthorizeRequest{IDTag: e.Token.Value}, func(c *ocpp.Call) { c.Urgent = true })
			if err == nil && resp.IDTagInfo.Status.Known() {
				out.OK, out.Info = true, tokenInfo(resp.IDTagInfo)
			}
		}
		s.tell(out)
	})
}

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
