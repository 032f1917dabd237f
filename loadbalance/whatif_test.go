package loadbalance

import (
	"testing"
	"time"
)

func TestWhatIf(t *testing.T) {
	nodes := []Node{
		{ID: "main", Limit: Uniform(100 * Amp), Metered: true, WorstBase: Uniform(40 * Amp), LargestStep: 60 * Amp},
		{ID: "board", Parent: "main", Limit: Uniform(63 * Amp)},
	}
	all := []Load{{"board", 0, 32 * Amp}, {"board", Phases(L2), 32 * Amp}}
	got, err := WhatIf(nodes, all, 12*time.Second)
	if err != nil || len(got) != 2 {
		t.Fatal(got, err)
	}
	if m := got[0]; m.Phase != L2 || m.Load != 160*Amp || m.Opens < 19*time.Second || m.Opens > 21*time.Second || !m.Holds || m.J < 18 || m.J > 19 {
		t.Errorf("%+v", m) // 1.6 In opens a warm MCB after 20 s
	}
	if m := got[1]; m.Load != 63*Amp || m.Opens != 0 || !m.Holds {
		t.Errorf("%+v", m)
	}
	if slow, err := WhatIf(nodes, all, time.Minute); err != nil || slow[0].Holds {
		t.Errorf("%+v %v", slow, err)
	}
	if _, err := WhatIf(nodes, []Load{{Node: "attic"}}, 0); err == nil {
		t.Error("a charger at no node passes")
	}
}
