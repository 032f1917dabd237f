package web

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"time"

	"busbar/controller"
	"busbar/loadbalance"
)

// supplyOrder says in which state a supply is.
type supplyOrder struct {
	State string `json:"state"` // "grid", or a name of its states; "unknown"
	// For is a duration such as "30s" after which it is unknown again; empty: until another
	// one is told.
	For string `json:"for,omitempty"`
}

// supplyDTO is the supply that a circuit without parent is fed by.
type supplyDTO struct {
	State  string     `json:"state"` // "unknown": the least limits of all its states hold
	States []string   `json:"states"`
	Until  *time.Time `json:"until"` // unknown after; null: until another one is told
}

// stateUnknown is the word for a state that nobody knows.
const stateUnknown = "unknown"

func newSupplyDTO(v *controller.SupplyView) *supplyDTO {
	if v == nil {
		return nil
	}
	return &supplyDTO{State: cmp.Or(v.State, stateUnknown), States: v.States, Until: known(v.Until)}
}

func (s *Server) supplyState(w http.ResponseWriter, r *http.Request) {
	var o supplyOrder
	body, err := readBody(w, r)
	if err == nil {
		err = strictJSON(body, &o)
	}
	var span time.Duration
	if err == nil && o.For != "" {
		if span, err = time.ParseDuration(o.For); err == nil && (span <= 0 || span > longestLimit) {
			err = fmt.Errorf("for is %s", o.For)
		}
	}
	if err == nil && o.State == "" {
		err = fmt.Errorf("state is missing")
	}
	if err != nil {
		fail(w, r, http.StatusBadRequest, "The state can't be used: "+err.Error(),
			`Send {"state":"generator","for":"30s"}: grid, a name of the supply's states, or unknown; leave "for" out to keep it until another one is told (31 days at most).`)
		return
	}
	state, what := o.State, "was said to be in state "+o.State
	if state == stateUnknown {
		state = ""
	}
	id := r.PathValue("id")
	if !s.audit(w, r, "supply", id, what) {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), answerWithin)
	defer cancel()
	answer, ok := s.ask(ctx, w, r, func(reply controller.ReplyID) controller.Event {
		return controller.SupplyRequested{Reply: reply, Origin: controller.FromLocal, Supply: loadbalance.NodeID(id), State: state, For: span}
	})
	switch {
	case !ok:
	case answer.Status == "Accepted":
		reply(w, commandDTO{Status: answer.Status, Reason: answer.Reason})
	default:
		fail(w, r, http.StatusConflict, answer.Status+": "+answer.Reason, "The supplies and their states are listed at GET /api/v1/circuits.")
	}
}
