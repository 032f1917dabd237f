package ocpplog

import (
	"time"

	"busbar/ocpp"
)

// nearBy is how far apart a CALL and its answer may be that were noted in the wrong
// order: reader and writer of a connection note on their own, and the peer may answer
// before the write of the CALL has returned.
const nearBy = 5 * time.Second

// key tells calls apart that wait for their answer: each side numbers its own.
type key struct {
	dir Direction
	id  string
}

// pairing walks the frames of one ring.
type pairing struct {
	calls []Call
	open  map[key]int             // index of the newest call without an answer
	early map[key]ocpp.TraceEntry // answers that came before their call was noted
}

// pair puts CALLs and their answers together, in the order of the CALLs.
func pair(entries []ocpp.TraceEntry) []Call {
	p := pairing{open: map[key]int{}, early: map[key]ocpp.TraceEntry{}}
	for _, e := range entries {
		switch e.Frame.Type {
		case ocpp.TypeCallResult, ocpp.TypeCallError:
			p.answer(e)
		case ocpp.TypeCallResultError:
			p.complaint(e)
		default:
			p.call(e)
		}
	}
	return p.calls
}

// number is the key of a CALL, or of what says something about its own CALL's answer.
func number(e ocpp.TraceEntry) key {
	if e.Out {
		return key{dir: Out, id: e.Frame.ID}
	}
	return key{dir: In, id: e.Frame.ID}
}

// answerTo is the call that an answer belongs to: what goes out answers what came in.
func answerTo(e ocpp.TraceEntry) key {
	e.Out = !e.Out
	return number(e)
}

func (p *pairing) call(e ocpp.TraceEntry) {
	k := number(e)
	c := Call{Direction: k.dir, Action: e.Action, ID: k.id, At: e.At, Payload: e.Frame.Payload, Note: e.Err}
	if c.Action == "" {
		c.Action = e.Frame.Action
	}
	p.calls = append(p.calls, c)
	if k.id == "" {
		return
	}
	if a, ok := p.early[k]; ok {
		delete(p.early, k)
		if e.At.Sub(a.At).Abs() < nearBy {
			p.calls[len(p.calls)-1].take(a)
			return
		}
	}
	p.open[k] = len(p.calls) - 1
}

func (p *pairing) answer(e ocpp.TraceEntry) {
	k := answerTo(e)
	i, ok := p.open[k]
	switch {
	case ok:
		delete(p.open, k)
		p.calls[i].take(e)
	case !e.Out && e.Err == "":
		p.early[k] = e
	}
}

// complaint is a CALLRESULTERROR: the caller could not use the answer (2.1). The call
// is answered already, so the newest of that id is looked for.
func (p *pairing) complaint(e ocpp.TraceEntry) {
	k := number(e)
	for i := len(p.calls) - 1; i >= 0; i-- {
		if c := &p.calls[i]; c.ID == k.id && c.Direction == k.dir {
			c.Note = e.Err
			return
		}
	}
}

// take completes c with its answer.
func (c *Call) take(e ocpp.TraceEntry) {
	c.Answered, c.Latency = e.At, e.Latency
	if c.Latency == 0 {
		c.Latency = max(0, e.At.Sub(c.At))
	}
	if e.Err != "" {
		c.Note = e.Err
	}
	if e.Frame.Type == ocpp.TypeCallError {
		c.Error = &ocpp.Error{Code: e.Frame.Code, Description: e.Frame.Description, Details: e.Frame.Details}
		return
	}
	c.Result = e.Frame.Payload
}
