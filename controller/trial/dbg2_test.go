package trial

import (
	"encoding/json"
	"os"
	"strconv"
	"testing"
)

func TestDump(t *testing.T) {
	s := os.Getenv("SEED")
	if s == "" {
		return
	}
	seed, _ := strconv.ParseUint(s, 10, 64)
	sc := Draw(seed)
	sc.Chargers = nil
	for i := range sc.Circuits {
		sc.Circuits[i].Base.Bursts = nil
	}
	b, _ := json.Marshal(sc)
	t.Log(string(b))
}
