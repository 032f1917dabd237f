package appliance

import (
	"encoding/json"
	"testing"

	"busbar/controller/config"
	"busbar/loadbalance"
)

// TestSupplyStateOverTheAPI: the state of a supply is told to a running box, its limits
// hold at once and stand in the circuits, and it outlives the box.
func TestSupplyStateOverTheAPI(t *testing.T) {
	dir := t.TempDir()
	generator := func(o *Options) {
		o.DataDir = dir
		o.Config.Grid[0].States = []config.SupplyState{{Name: "generator", Limit: loadbalance.Uniform(25_000), Power: 12_000}}
		o.Config.Grid[0].State = config.StateGrid
		if err := o.Config.Check(config.Known{}); err != nil {
			t.Fatal(err)
		}
	}
	type circuit struct {
		LimitA [3]float64 `json:"limit_a"`
		Supply struct {
			State  string   `json:"state"`
			States []string `json:"states"`
		} `json:"supply"`
	}
	main := func(s *served) (c circuit) {
		var all []circuit
		code, text := s.ask("GET", "/api/v1/circuits", rootToken, "")
		if err := json.Unmarshal([]byte(text), &all); code != 200 || err != nil || len(all) == 0 {
			t.Fatalf("%d %s", code, text)
		}
		return all[0]
	}
	t.Run("told", func(t *testing.T) {
		s := serveWith(t, 1, 1, nil, generator)
		s.until("the grid's limits hold", func() bool { c := main(s); return c.Supply.State == "grid" && c.LimitA[0] == 63 })
		if code, text := s.ask("POST", "/api/v1/supplies/main/state", rootToken, `{"state":"generator"}`); code != 200 {
			t.Fatalf("%d %s", code, text)
		}
		s.until("the generator's limits hold", func() bool { c := main(s); return c.Supply.State == "generator" && c.LimitA[0] == 25 })
		if code, text := s.ask("POST", "/api/v1/supplies/main/state", rootToken, `{"state":"moon"}`); code != 409 {
			t.Errorf("%d %s", code, text)
		}
	})
	t.Run("after a restart", func(t *testing.T) {
		s := serveWith(t, 1, 1, nil, generator)
		s.until("the generator's limits hold", func() bool { c := main(s); return c.Supply.State == "generator" && c.LimitA[0] == 25 })
	})
}
