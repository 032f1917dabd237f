package bench

import (
	"testing"

	"busbar/loadbalance"
)

// Four cars, two places: one turn of 15 minutes may be waited for and 5 minutes beside;
// while nobody charges there is no turn to wait for.
func TestTheBoundOnWaiting(t *testing.T) {
	w := &Workload{Nodes: []Node{{ID: "main", Parent: -1, Limit: [3]float64{13, 13, 13}}}}
	for k := range 4 {
		w.Connectors = append(w.Connectors, Connector{ID: string(rune('a' + k)), Imax: 16})
		w.Sessions = append(w.Sessions, Session{Connector: k, Phases: loadbalance.AllPhases})
	}
	if err := w.finish(); err != nil {
		t.Fatal(err)
	}
	s := newStarvation(w)
	wants := func(int) bool { return true }
	look := func(minutes int, charging func(k int) bool) {
		for range minutes {
			s.look([]int{0, 1, 2, 3}, 60, wants, charging)
		}
	}
	look(60, func(int) bool { return false })
	look(20, func(k int) bool { return k < 2 })
	if n := s.beyond(); n != 0 {
		t.Errorf("%d waited too long after 20 minutes, the bound is 20", n)
	}
	look(1, func(k int) bool { return k < 2 })
	if n := s.beyond(); n != 2 {
		t.Errorf("%d waited too long after 21 minutes, two did", n)
	}
	look(30, func(k int) bool { return k != 0 }) // three places: one turn as well
	if n := s.beyond(); n != 3 {
		t.Errorf("%d waited too long, the first now did, too", n)
	}
}
