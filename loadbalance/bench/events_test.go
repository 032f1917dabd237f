package bench

import (
	"strings"
	"testing"
)

func TestEventsOfAFileHappen(t *testing.T) {
	w, err := ReadWorkload("foreign", foreign())
	if err != nil {
		t.Fatal(err)
	}
	err = w.ReadEvents(strings.NewReader(`[{"t_s":600,"kind":"grid_limit","dur_s":300,"limit_a":12},{"t_s":600,"kind":"base_step","dur_s":60,"add_a":[5,0,0]},
 {"t_s":0,"kind":"charger_offline","dur_s":60,"connector":"y"},{"t_s":900,"kind":"dso_dim","dur_s":60,"kw_per_evse":4.2},{"t_s":1,"kind":"meter_loss","dur_s":2}]`))
	if err != nil {
		t.Fatal(err)
	}
	if got := w.rootRoom(600); got != [3]float64{12 - 15, 12 - 2.5, 12} {
		t.Errorf("room under a limit and a step: %v", got)
	}
	if got := w.rootRoom(900)[1]; got != w.dimmed(4.2) || got < 10.9 || got > 11 {
		t.Errorf("two chargers dimmed to 7.56 kW have %v A", got)
	}
	if !w.offline(1, 59) || w.offline(1, 60) || w.offline(0, 0) || !w.happening(MeterLoss, 2) || w.happening(MeterLoss, 3) {
		t.Error("events happen at other times than the file says")
	}
	if r, err := RunBusbar(w, Options{}); err != nil || r.DeliveredKWh <= 0 {
		t.Errorf("%+v, %v", r, err)
	}
	for _, bad := range []string{`[{"kind":"flood"}]`, `[{"kind":"charger_offline","connector":"q"}]`, `[`} {
		if err := w.ReadEvents(strings.NewReader(bad)); err == nil {
			t.Errorf("%s is accepted", bad)
		}
	}
}

func TestReplayFindsWhatHasChanged(t *testing.T) {
	in := Inputs{ACN: readACN(t)}
	scenarios, err := Select([]string{"W1-63"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	results, err := scenarios[0].Run(in, Policies()[0])
	if err != nil {
		t.Fatal(err)
	}
	rows := results[0].Rows()
	if different, err := Replay(rows, in); err != nil || len(different) != 0 {
		t.Errorf("%v, %v", different, err)
	}
	rows[0].Value++
	rows[1].Metric = "Q2.gone"
	if different, err := Replay(rows, in); err != nil || len(different) != 2 || !strings.Contains(different[1], "Q2.gone") {
		t.Errorf("%v, %v", different, err)
	}
}

func TestChartAndReportAreWritten(t *testing.T) {
	in := Inputs{ACN: readACN(t)}
	scenarios, err := Select([]string{"W0-10", "W1-25", "F6"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	var results []Result
	for _, s := range scenarios {
		for _, p := range append(Policies(), Policy{Name: "rr"}) {
			if s.Has(p) && (p.Name == "edf" || p.Name == "rr" || s.Name == "F6" && !p.Known) {
				r, err := s.Run(in, p)
				if err != nil {
					t.Fatal(err)
				}
				results = append(results, r[0])
			}
		}
	}
	var chart, report strings.Builder
	if err := WriteSVG(&chart, results[2:3]); err != nil || !strings.HasSuffix(chart.String(), "</svg>\n") || !strings.Contains(chart.String(), "Q1 0.937") {
		t.Errorf("chart %v %q", err, chart.String()[:min(400, chart.Len())])
	}
	if err := WriteReport(&report, results, "busbar bench balance"); err != nil || !strings.Contains(report.String(), "| 43.87 |") || !strings.Contains(report.String(), "0.937") || !strings.Contains(report.String(), "F6.compliant_s") {
		t.Errorf("report %v\n%s", err, report.String())
	}
}
