package bench

import "testing"

// Where the fuses have room for all, a charger is written to at most 50 times on its
// worst day, renewals of leases included.
func TestFewProfilesAreWrittenWhereThereIsRoom(t *testing.T) {
	w, err := roomy().Workload(nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	r, err := RunBusbar(w, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%.1f writes on a charger's day, %.0f on the worst, %.2f %% delivered", r.Writes, r.WritesWorst, r.Percent())
	if r.WritesWorst > 50 || r.Writes == 0 || r.Percent() < 99.9 {
		t.Errorf("%.0f writes on the worst day of a charger, %.2f %% delivered", r.WritesWorst, r.Percent())
	}
}

// Where fuses bind and the building beside them needs nothing, writes stay within the
// budget of a charger's memory.
func TestTheBudgetOfWritesIsKeptWhereNothingElseLoadsTheFuses(t *testing.T) {
	sessions := readACN(t)
	w, err := EUTree("a tight week", 16, sessions[:180])
	if err != nil {
		t.Fatal(err)
	}
	r, err := RunBusbar(w, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%.1f writes on a charger's day, %.0f on the worst", r.Writes, r.WritesWorst)
	if r.WritesOver > 0 {
		t.Errorf("%d days of chargers with more than %d writes, the worst with %.0f", r.WritesOver, writeBudget, r.WritesWorst)
	}
}
