package ocpplog

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"busbar/ocpp"
)

// Uplink is the name under which the link to the cloud stands among the chargers.
const Uplink = "upstream"

// Direction is who sent a call, seen from the box.
type Direction string

// The directions.
const (
	In  Direction = "in"  // the peer called the box
	Out Direction = "out" // the box called the peer
)

// Config bounds a Log. Zero values mean the defaults.
type Config struct {
	// Frames and Bytes are kept per charger: 400 and 128 KiB, 2 KiB at least.
	Frames, Bytes int
	// Total is the bytes of all chargers together: 16 MiB. Where it is not enough for all
	// of them each has an equal part of it.
	Total int
	// UplinkFrames and UplinkBytes are kept of the uplink: 5000 and 2 MiB.
	UplinkFrames, UplinkBytes int
	// Chargers is how many have a ring (512); of more, the longest silent one is forgotten.
	Chargers int
}

// Log is the newest messages of all chargers and of the uplink.
type Log struct {
	cfg Config

	mu    sync.RWMutex
	rings map[string]*ring
}

// New makes an empty Log.
func New(cfg Config) *Log {
	def := func(n *int, value int) {
		if *n <= 0 {
			*n = value
		}
	}
	def(&cfg.Frames, 400)
	def(&cfg.Bytes, 128<<10)
	def(&cfg.Total, 16<<20)
	cfg.Bytes = max(cfg.Bytes, firstBytes)
	def(&cfg.UplinkFrames, 5000)
	def(&cfg.UplinkBytes, 2<<20)
	def(&cfg.Chargers, 512)
	return &Log{cfg: cfg, rings: map[string]*ring{}}
}

// Add takes a copy of a charger's message. It returns at once.
func (l *Log) Add(charger string, e ocpp.TraceEntry) {
	if charger == Uplink {
		charger = "charger:" + charger // no identity has a colon
	}
	l.add(charger, e)
}

// AddUplink takes a message of the link to the cloud, as Add does.
func (l *Log) AddUplink(e ocpp.TraceEntry) { l.add(Uplink, e) }

func (l *Log) add(charger string, e ocpp.TraceEntry) {
	l.mu.RLock()
	r := l.rings[charger]
	l.mu.RUnlock()
	if r == nil {
		r = l.open(charger)
	}
	r.add(e)
}

func (l *Log) open(charger string) *ring {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r := l.rings[charger]; r != nil {
		return r
	}
	if len(l.rings) > l.cfg.Chargers { // the uplink is one more
		l.forget()
	}
	r := &ring{most: l.cfg.Frames}
	l.rings[charger] = r
	if charger == Uplink {
		r.most = l.cfg.UplinkFrames
		r.bound(l.cfg.UplinkBytes)
		return r
	}
	share := max(firstBytes, min(l.cfg.Bytes, l.cfg.Total/len(l.rings)))
	for name, r := range l.rings {
		if name != Uplink {
			r.bound(share)
		}
	}
	return r
}

// forget gives the ring of the longest silent charger up, never the uplink's.
func (l *Log) forget() {
	victim, since := "", time.Time{}
	for name, r := range l.rings {
		if name == Uplink {
			continue
		}
		if at := r.newest(); victim == "" || at.Before(since) {
			victim, since = name, at
		}
	}
	delete(l.rings, victim)
}

// Filter selects calls; empty fields match all.
type Filter struct {
	Charger   string // identity, case-sensitive, or Uplink
	Action    string // without regard to case
	Direction Direction
	// N is how many of the newest are given; 0 all.
	N int
	// ShowTokens leaves idTokens unmasked.
	ShowTokens bool
}

// Call is a CALL with its answer, without secrets.
type Call struct {
	Charger   string
	Direction Direction
	Action    string
	ID        string
	At        time.Time
	Payload   json.RawMessage
	// Answered is when the answer was read or written; zero if there is none (yet).
	Answered time.Time
	Latency  time.Duration
	Result   json.RawMessage // nil without an answer and with a CALLERROR
	Error    *ocpp.Error     // the CALLERROR
	// Note says what was wrong with a message, "" if nothing.
	Note string
}

// Calls are the calls that match, the newest last. A call whose beginning has left
// the ring does not appear.
func (l *Log) Calls(f Filter) []Call {
	var out []Call
	for name, r := range l.selected(f.Charger) {
		for _, c := range pair(r.all()) {
			if f.Direction != "" && c.Direction != f.Direction || f.Action != "" && !strings.EqualFold(c.Action, f.Action) {
				continue
			}
			c.Charger = name
			out = append(out, c)
		}
	}
	slices.SortStableFunc(out, func(a, b Call) int {
		if n := a.At.Compare(b.At); n != 0 {
			return n
		}
		return strings.Compare(a.Charger, b.Charger)
	})
	if f.N > 0 && len(out) > f.N {
		out = out[len(out)-f.N:]
	}
	clean := cleaner{showTokens: f.ShowTokens}
	for i := range out {
		clean.call(&out[i])
	}
	return out
}

func (l *Log) selected(charger string) map[string]*ring {
	l.mu.RLock()
	defer l.mu.RUnlock()
	some := map[string]*ring{}
	for name, r := range l.rings {
		if charger == "" || name == charger {
			some[name] = r
		}
	}
	return some
}
