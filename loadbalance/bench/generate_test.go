package bench

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"busbar/loadbalance"
)

// golden is testdata/golden.csv: digests of the published files and the plain policies'
// figures, by instance and column.
func golden(t testing.TB) map[string]map[string]string {
	text, err := os.ReadFile("testdata/golden.csv")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]map[string]string{}
	for _, row := range rows[1:] {
		out[row[0]] = map[string]string{}
		for i, cell := range row {
			out[row[0]][rows[0][i]] = cell
		}
	}
	return out
}

// pyFloat writes a float the way the published files do.
func pyFloat(v float64) string {
	s := strconv.FormatFloat(v, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

func writeSessions(w *Workload) []byte {
	var b bytes.Buffer
	b.WriteString("id,connector,arrive_s,depart_s,energy_kwh,phases,grid_phases,imax_a,min_a,ev_cap_a,battery_kwh,taper_from,dead_s,up_a_s,down_a_s,underuse_a,start_delay_s,behaviour,declared_depart_s,priority\r\n")
	names := []string{"normal", "limited", "delayed", "slow", "ignores"}
	for _, s := range w.Sessions {
		var grid strings.Builder
		for k := range 3 { // in the charger's order
			if p := loadbalance.Phase((s.Connector%3 + k) % 3); s.Phases.Has(p) {
				grid.WriteString(p.String())
			}
		}
		limit, declared := strconv.Itoa(int(s.EVCap)), ""
		if s.Car.Behaviour == Limited {
			limit = pyFloat(s.EVCap)
		}
		if s.Declared != 0 {
			declared = strconv.Itoa(s.Declared)
		}
		fmt.Fprintf(&b, "%s,%s,%d,%d,%s,%d,%s,%d,%d,%s,%d,%s,%s,%s,%s,%s,%d,%s,%s,%d\r\n", s.ID, w.Connectors[s.Connector].ID, s.Arrive, s.Depart, pyFloat(s.KWh), s.Phases.Count(), grid.String(),
			int(s.Imax), int(s.Min), limit, int(s.Car.BatteryKWh), pyFloat(s.Car.TaperFrom), pyFloat(s.Car.Dead), pyFloat(s.Car.Up), pyFloat(s.Car.Down), pyFloat(s.Car.Underuse),
			int(s.Car.StartDelay), names[s.Car.Behaviour], declared, s.Priority)
	}
	return b.Bytes()
}

func writeBase(w *Workload) []byte {
	b := []byte("t_s,L1_a,L2_a,L3_a\n")
	for s, row := range w.Base {
		b = strconv.AppendInt(b, int64(s), 10)
		for _, a := range row {
			b = append(b, ',')
			b = strconv.AppendInt(b, int64(a/1000), 10)
			b = append(b, '.')
			b = strconv.AppendInt(b, int64(a%1000/100), 10)
		}
		b = append(b, '\n')
	}
	return b
}

// The generated files are the published ones to the byte, and the plain policies give
// the published figures on them. With -short these are the instances of a week.
func TestNamedInstancesAreThePublishedOnes(t *testing.T) {
	want := golden(t)
	acn := readACN(t)
	instances := Instances()
	if testing.Short() {
		instances = slices.DeleteFunc(instances, func(i Instance) bool { return i.Days != 7 })
	}
	for _, i := range instances {
		w, err := i.Workload(acn, 1)
		if err != nil {
			t.Fatal(err)
		}
		if i.Kind != acnMonth {
			checkDigest(t, i.Name, writeSessions(w), want[i.Name]["sessions_sha256"])
		}
		if i.Base {
			checkDigest(t, i.Name+" base", writeBase(w), want[i.Name]["base_sha256"])
		}
		for _, policy := range []Plain{FCFS, Equal, Rotation, EDF, LLF} {
			checkFigures(t, i, RunPlain(w, policy), want[i.Name])
		}
	}
}

func checkDigest(t *testing.T, name string, text []byte, want string) {
	t.Helper()
	sum := sha256.Sum256(text)
	if got := hex.EncodeToString(sum[:]); got != want {
		t.Errorf("%s: digest %s, published %s", name, got, want)
	}
}

func checkFigures(t *testing.T, i Instance, r Result, want map[string]string) {
	t.Helper()
	for _, c := range []struct {
		column     string
		got, slack float64
	}{{"kwh", r.DeliveredKWh, .011}, {"full_pct", r.FullPercent, .051}, {"jain", r.Jain, .00051}, {"starve_min", r.StarveMinutes, .51}} {
		published, err := strconv.ParseFloat(want[r.Policy+"_"+c.column], 64)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(c.got-published) > c.slack {
			t.Errorf("%s %s: %s is %v, published %v", i.Name, r.Policy, c.column, c.got, published)
		}
	}
	if r.DeliveredKWh > i.BoundKWh {
		t.Errorf("%s %s: %.2f kWh, more than the bound %.2f", i.Name, r.Policy, r.DeliveredKWh, i.BoundKWh)
	}
}
