package controller

import (
	"testing"
	"time"

	"busbar/loadbalance"
)

var epoch = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

// rig drives a Site by hand: every Persist is committed at once unless hold is set.
type rig struct {
	t       testing.TB
	site    *Site
	now     time.Time
	hold    bool
	tokens  map[string]*TokenRow // what the journal knows
	all     []Effect             // since the last take
	answers map[ReplyID]AnswerBody
	rows    []Row
	reply   ReplyID
}

func layout() Layout {
	return Layout{
		ID: "depot", NominalV: 230, Onboarding: "approve",
		Nodes: []loadbalance.Node{
			{ID: "main", Limit: loadbalance.Uniform(63000), Breaker: loadbalance.BreakerGG, Metered: true, WorstBase: loadbalance.Uniform(20000)},
			{ID: "board-a", Parent: "main", Limit: loadbalance.Uniform(40000)},
		},
		Meters: []MeterLayout{{ID: "grid", Node: "main", Period: time.Second}},
		Chargers: []ChargerLayout{
			{Station: "CP1", Node: "board-a", Failsafe: 6000, Connectors: []ConnectorLayout{{Number: 1, Min: 6000, Max: 32000, Wiring: []loadbalance.Phase{0, 1, 2}}}},
			{Station: "CP2", Node: "board-a", Failsafe: 6000, Connectors: []ConnectorLayout{
				{Number: 1, Min: 6000, Max: 16000, Wiring: []loadbalance.Phase{1}}, {Number: 2, Min: 6000, Max: 16000, Wiring: []loadbalance.Phase{2}}}},
		},
		Uplink:                 UplinkLayout{Station: "SITE1", URL: "ws://cloud", Protocol: "ocpp1.6"},
		OfflineUnknownAccepted: true,
	}
}

func newRig(t testing.TB, l Layout, r Recovered) *rig {
	t.Helper()
	if r.NextTx == 0 {
		r.NextTx = 1000001
	}
	site, err := NewSite(SiteConfig{Layout: l, Recovered: r})
	if err != nil {
		t.Fatal(err)
	}
	return &rig{t: t, site: site, now: epoch, tokens: map[string]*TokenRow{}, answers: map[ReplyID]AnswerBody{}}
}

// do steps one event and all that the journal answers to it.
func (r *rig) do(ev Event) []Effect {
	r.t.Helper()
	from := len(r.all)
	queue := []Event{ev}
	for len(queue) > 0 {
		ev, queue = queue[0], queue[1:]
		for _, e := range r.site.Step(r.now, ev) {
			r.all = append(r.all, e)
			switch e := e.(type) {
			case Answer:
				if r.answers[e.Reply] != nil {
					r.t.Fatalf("reply %d is answered twice", e.Reply)
				}
				r.answers[e.Reply] = e.Body
			case Persist:
				r.rows = append(r.rows, e.Rows...)
				if !r.hold {
					queue = append(queue, Committed{Seq: e.Seq})
				}
			case LookupToken:
				queue = append(queue, Found{Lookup: e.Lookup, Token: r.tokens[e.Token.Key()]})
			case LookupTx:
				queue = append(queue, Found{Lookup: e.Lookup})
			}
		}
	}
	return r.all[from:]
}

func (r *rig) later(d time.Duration) []Effect {
	r.t.Helper()
	r.now = r.now.Add(d)
	return r.do(Tick{})
}

func (r *rig) next() ReplyID { r.reply++; return r.reply }

// answer is the body given to id, or fails.
func answer[T AnswerBody](r *rig, id ReplyID) T {
	r.t.Helper()
	body, ok := r.answers[id].(T)
	if !ok {
		r.t.Fatalf("reply %d got %#v, want a %T", id, r.answers[id], body)
	}
	return body
}

// find returns the effects of one type.
func find[T Effect](effects []Effect) []T {
	var out []T
	for _, e := range effects {
		if e, ok := e.(T); ok {
			out = append(out, e)
		}
	}
	return out
}

func rowsOf[T Row](rows []Row) []T {
	var out []T
	for _, e := range rows {
		if e, ok := e.(T); ok {
			out = append(out, e)
		}
	}
	return out
}

// online connects and boots a charger, and lets it take its fall-back.
func (r *rig) online(id StationID) {
	r.t.Helper()
	r.do(ChargerConnected{Station: id, Generation: 1, Protocol: "ocpp1.6"})
	boot := r.next()
	r.do(Booted{Station: id, Reply: boot, Info: ChargerInfo{Vendor: "ACME", Model: "X"}})
	if got := answer[BootAnswer](r, boot); got.Status != "Accepted" {
		r.t.Fatalf("boot answered %q", got.Status)
	}
	r.do(FailsafeAnswered{Station: id, Accepted: true})
}

func (r *rig) cloudUp() { r.do(UplinkChanged{State: UplinkAccepted, Booted: true}) }

func (r *rig) startEvent(id StationID, connector int, token string) TxStarted {
	return TxStarted{Station: id, Reply: r.next(), Connector: connector, Token: IDToken{Value: token}, MeterStart: 100, At: r.now,
		AtText: r.now.Format(time.RFC3339), MessageID: "m" + token}
}

// start runs a whole start without the cloud and returns the transaction's id.
func (r *rig) start(id StationID, connector int, token string) TxID {
	r.t.Helper()
	ev := r.startEvent(id, connector, token)
	r.do(ev)
	return answer[StartAnswer](r, ev.Reply).Tx
}
