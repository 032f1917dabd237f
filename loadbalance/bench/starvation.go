package bench

import "math"

// rotationMinutes is how long a car keeps its turn, and rotationSlack what the bound
// on waiting allows beside (load-balancing.md 4.4, Q4).
const (
	rotationMinutes = 15
	rotationSlack   = 5
)

// starvation holds the waiting of each car against the bound of a fair rotation: with
// n cars that want and k that charge below a fuse, nobody waits longer than
// ceil(n/k)-1 turns of 15 minutes. The fuse of the car's path that allows the most
// counts. While nobody charges below one of them there is no turn to wait for, and
// the time does not count.
type starvation struct {
	w       *Workload
	wanting []int // cars at each node
	running []int
	waits   []float64 // s, by session
	allows  []float64 // s, largest bound met while waiting
	late    []bool
}

func newStarvation(w *Workload) *starvation {
	n := len(w.Sessions)
	return &starvation{w: w, wanting: make([]int, len(w.Nodes)), running: make([]int, len(w.Nodes)), waits: make([]float64, n), allows: make([]float64, n), late: make([]bool, n)}
}

// look lets seconds go by with these cars plugged in.
func (s *starvation) look(active []int, seconds float64, wants, draws func(k int) bool) {
	clear(s.wanting)
	clear(s.running)
	for _, k := range active {
		for _, v := range s.w.path(&s.w.Sessions[k]) {
			if wants(k) {
				s.wanting[v]++
			}
			if draws(k) {
				s.running[v]++
			}
		}
	}
	for _, k := range active {
		if draws(k) || !wants(k) {
			s.waits[k], s.allows[k] = 0, 0
			continue
		}
		turns := 0.
		for _, v := range s.w.path(&s.w.Sessions[k]) {
			if s.running[v] == 0 {
				turns = -1
				break
			}
			turns = max(turns, math.Ceil(float64(s.wanting[v])/float64(s.running[v]))-1)
		}
		if turns < 0 {
			continue
		}
		s.waits[k] += seconds
		s.allows[k] = max(s.allows[k], 60*(turns*rotationMinutes+rotationSlack))
		s.late[k] = s.late[k] || s.waits[k] > s.allows[k]
	}
}

// beyond is how many sessions waited longer than the bound.
func (s *starvation) beyond() int {
	n := 0
	for _, late := range s.late {
		if late {
			n++
		}
	}
	return n
}
