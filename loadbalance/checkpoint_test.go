package loadbalance

import (
	"reflect"
	"slices"
	"testing"
)

// A field added to the balancer or its nodes must be put into the checkpoint, or be
// named here as made anew by NewBalancer or by each pass. Slots, lines and meters are
// written whole.
func TestCheckpointForgetsNothing(t *testing.T) {
	carried := []string{"lines", "slots", "now", "pass", "rotatedAt", "probed", "nodes", "meter", "seated", "swappedAt"}
	made := []string{"size", "cfg", "index", "shown", "number", "end", "path", "ways", "own", "all", "grid", "power", "skew", "parents", "powered", "skewed"}
	everyPass := []string{"keys", "known", "outside", "works", "ranks", "order", "donors", "filler", "victims", "plan", "first", "last",
		"tallies", "sums", "mosts", "marks", "paths", "capped", "asleep", "rogues", "waiting", "reduced"}
	for _, of := range []reflect.Type{reflect.TypeFor[Balancer](), reflect.TypeFor[node]()} {
		for f := range of.Fields() {
			if !slices.Contains(slices.Concat(carried, made, everyPass), f.Name) {
				t.Errorf("%v.%s: is it carried from pass to pass?", of, f.Name)
			}
		}
	}
}
