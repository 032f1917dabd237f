package appliance

import (
	"testing"
	"time"

	"busbar/controller"
)

// TestReactions: the last frame of a reading counts, and a reduction that was replaced
// before it left counts until what replaced it was written.
func TestReactions(t *testing.T) {
	t0 := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	t1 := t0.Add(time.Second)
	r := newReactions()
	for _, e := range []controller.SetLimit{
		{Seq: 1, Slot: 1, Reduction: true, Reading: t0},
		{Seq: 2, Slot: 2, Reduction: true, Reading: t0},
		{Seq: 3, Slot: 3, Reading: t0},                  // a raise
		{Seq: 4, Slot: 2, Reduction: true, Reading: t1}, // replaces 2
		{Seq: 5, Slot: 1, Reduction: true},              // of a pass without a reading
	} {
		r.ordered(e)
	}
	if r.p99() != nil {
		t.Error("nothing was written, and there is a figure")
	}
	r.written(3, t0.Add(time.Hour))
	r.written(1, t0.Add(3*time.Millisecond))
	r.written(4, t1.Add(5*time.Millisecond))
	r.written(5, t1.Add(time.Hour))
	r.written(5, t1.Add(2*time.Hour)) // once is enough
	r.written(2, t1.Add(time.Hour))
	want := []Reaction{{t0, 1005 * time.Millisecond, 2}, {t1, 5 * time.Millisecond, 1}}
	got := r.all()
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("got %v, want %v", got, want)
	}
	if len(r.slots)+len(r.under) > 0 {
		t.Errorf("%v and %v are left", r.slots, r.under)
	}
	if p := r.p99(); p == nil || *p != 5 {
		t.Errorf("p99 of two is %v", p)
	}
}
