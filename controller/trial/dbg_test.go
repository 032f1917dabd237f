package trial

import (
	"os"
	"strconv"
	"testing"
)

func TestTrace(t *testing.T) {
	s := os.Getenv("SEED")
	if s == "" {
		return
	}
	seed, _ := strconv.ParseUint(s, 10, 64)
	sc := Draw(seed)
	f, _ := os.Create("/tmp/trace.txt")
	defer f.Close()
	r, err := judge(sc, f)
	t.Log(r.Verdict, r.Tripped, err)
	for _, v := range r.Violations {
		t.Log(v)
	}
}
