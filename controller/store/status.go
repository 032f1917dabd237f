package store

import (
	"time"

	"busbar/controller"
)

// statusEvery is the longest time that the status of a slot waits for its commit. Nobody
// waits for that: a charger is asked for its status when it comes back. So that a charger
// whose status flickers does not cost a write of the disk each time, they go along with
// what is committed for another reason, or together.
const statusEvery = time.Second

// statuses are the newest ones that wait, one per slot.
type statuses struct {
	seq  controller.Seq // of the newest unit that was taken
	rows []controller.Row
	at   map[controller.Slot]int // index in rows
}

// take keeps a batch for later if there are only statuses in it; else it keeps nothing.
func (s *statuses) take(batch []unit) bool {
	for _, u := range batch {
		if !onlyStatuses(u) {
			return false
		}
	}
	if s.at == nil {
		s.at = map[controller.Slot]int{}
	}
	for _, u := range batch {
		for _, r := range u.rows {
			s.put(r.(controller.StatusRow))
		}
		s.seq = max(s.seq, u.seq)
	}
	return true
}

func onlyStatuses(u unit) bool {
	for _, r := range u.rows {
		if _, ok := r.(controller.StatusRow); !ok {
			return false
		}
	}
	return u.op == nil && len(u.rows) > 0
}

func (s *statuses) put(r controller.StatusRow) {
	if i, ok := s.at[r.Status.Slot]; ok {
		s.rows[i] = r
		return
	}
	s.at[r.Status.Slot] = len(s.rows)
	s.rows = append(s.rows, r)
}

// release gives what waits, as the unit before all others, and forgets it; nil if
// nothing waits.
func (s *statuses) release() []unit {
	if len(s.rows) == 0 {
		return nil
	}
	u := unit{seq: s.seq, rows: s.rows}
	s.rows, s.at = nil, nil
	return []unit{u}
}
