package appliance

import (
	"sync"

	"busbar/ocpp"
	"busbar/ocpp/ocpp16"
	"busbar/ocpp/ocpp2"
	"busbar/web"
)

// tally counts messages by direction, action and result. It may be used from any
// goroutine.
type tally struct {
	metrics *web.Metrics

	mu       sync.RWMutex
	counters map[tallied]web.Counter
}

type tallied struct {
	out    bool
	action string
	result string
}

func newTally(m *web.Metrics) *tally { return &tally{metrics: m, counters: map[tallied]web.Counter{}} }

// count takes one message.
func (t *tally) count(e ocpp.TraceEntry) {
	k := tallied{out: e.Out, action: e.Action, result: "ok"}
	switch {
	case e.Frame.Type == ocpp.TypeCallError:
		k.result = "error"
	case e.Err != "":
		k.result = "failed"
	}
	t.mu.RLock()
	c := t.counters[k]
	t.mu.RUnlock()
	if c == nil {
		c = t.open(k)
	}
	c.Inc()
}

// open finds the counter of a kind that was not met before, and keeps it. Names that a
// peer makes up are one kind.
func (t *tally) open(k tallied) web.Counter {
	_, in16 := ocpp16.Known(k.action)
	_, in2 := ocpp2.Known(k.action)
	if !in16 && !in2 {
		k.action = "unknown"
	}
	direction := "in"
	if k.out {
		direction = "out"
	}
	c := t.metrics.OCPPMessages(direction, k.action, k.result)
	t.mu.Lock()
	t.counters[k] = c
	t.mu.Unlock()
	return c
}
