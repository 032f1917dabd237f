package web

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"busbar/controller"
)

func TestSupplyState(t *testing.T) {
	for _, c := range []struct {
		body, says string
		code       int
		event      controller.SupplyRequested
		answer     controller.CommandAnswer
	}{
		{body: `{"state":"generator","for":"30s"}`, code: 200, says: "Accepted", answer: controller.CommandAnswer{Status: "Accepted"},
			event: controller.SupplyRequested{Origin: controller.FromLocal, Supply: "main", State: "generator", For: 30 * time.Second}},
		{body: `{"state":"grid"}`, code: 200, answer: controller.CommandAnswer{Status: "Accepted"},
			event: controller.SupplyRequested{Origin: controller.FromLocal, Supply: "main", State: "grid"}},
		{body: `{"state":"unknown"}`, code: 200, answer: controller.CommandAnswer{Status: "Accepted"},
			event: controller.SupplyRequested{Origin: controller.FromLocal, Supply: "main"}},
		{body: `{"state":"moon"}`, code: 409, says: "supply main has the states grid, generator", answer: controller.CommandAnswer{Status: "Rejected", Reason: "supply main has the states grid, generator"},
			event: controller.SupplyRequested{Origin: controller.FromLocal, Supply: "main", State: "moon"}},
		{body: `{}`, code: 400, says: "state is missing"},
		{body: `{"state":"grid","for":"-1s"}`, code: 400, says: "31 days"},
		{body: `{"state":"grid","for":"soon"}`, code: 400, says: "soon"},
		{body: `{"status":"grid"}`, code: 400, says: "status"},
	} {
		var got controller.SupplyRequested
		b := newBox(picture(t0))
		b.answer = func(ev controller.Event) (controller.AnswerBody, error) {
			if order, ok := ev.(controller.SupplyRequested); ok {
				got = order
				return c.answer, nil
			}
			return accepting(ev)
		}
		w := ask(rig(b), http.MethodPost, "/api/v1/supplies/main/state", c.body, bearer)
		if w.Code != c.code || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%s: %d %s", c.body, w.Code, w.Body)
		}
		if got.Reply = 0; got != c.event {
			t.Errorf("%s: %+v", c.body, got)
		}
	}
}

// TestCircuitsTellTheState of their supply, where it has several.
func TestCircuitsTellTheState(t *testing.T) {
	p := picture(t0)
	p.Nodes[0].Supply = &controller.SupplyView{States: []string{"grid", "generator"}, Until: t0}
	s := rig(newBox(p))
	var circuits []struct{ Supply *supplyDTO }
	if err := json.Unmarshal(ask(s, http.MethodGet, "/api/v1/circuits", "", bearer).Body.Bytes(), &circuits); err != nil {
		t.Fatal(err)
	}
	if got := circuits[0].Supply; got == nil || got.State != "unknown" || len(got.States) != 2 || !got.Until.Equal(t0) || circuits[1].Supply != nil {
		t.Errorf("%+v", circuits)
	}
}
