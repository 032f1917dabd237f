package trial

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Config is a run of many scenarios.
type Config struct {
	Count   int
	Seed    uint64 // of the first; each has the next one
	Workers int    // 0 counts as 1
	Keep    string // folder for what fails; empty: nothing is kept
	// Most is how many failures are made smaller and kept (20); all are counted.
	Most int
	// Tell gets a word now and then; nil: nobody listens.
	Tell func(Report)
	// Change alters each scenario before it runs; nil: nothing.
	Change func(*Scenario)
}

// Report is what many scenarios came to.
type Report struct {
	Count      int               `json:"count"`
	Verdicts   map[Verdict]int   `json:"verdicts"`
	Opened     int               `json:"opened"`     // breakers that the box let open
	LeftOut    int               `json:"left_out"`   // that no box could have kept closed
	Violations map[string]int    `json:"violations"` // scenarios in which a rule was broken, by rule
	Theta      float64           `json:"theta"`      // worst thermal state where none opened, of the one at which it does
	ThetaSeed  uint64            `json:"theta_seed"`
	Setpoints  int               `json:"setpoints"`
	Hours      float64           `json:"hours"` // simulated
	EnergyKWh  float64           `json:"energy_kwh"`
	Faults     map[FaultKind]int `json:"faults"`             // scenarios that had one
	Seconds    float64           `json:"seconds"`            // of wall clock
	Failed     []uint64          `json:"failed,omitempty"`   // all seeds that failed
	Excused    []uint64          `json:"excused,omitempty"`  // all seeds that were left out
	Failures   []Failure         `json:"failures,omitempty"` // of the first of them, at most Config.Most
}

// Failure is a scenario that failed, made smaller.
type Failure struct {
	Seed     uint64   `json:"seed"`
	Result   Result   `json:"result"`
	File     string   `json:"file,omitempty"`
	Scenario Scenario `json:"scenario"`
}

// shrinkRuns is how often a failure may be run to make it smaller.
const shrinkRuns = 400

// Run runs scenarios until all are done or ctx ends; then it reports what there is, with
// ctx's error. Which worker had which has no influence on the report but its seconds.
func Run(ctx context.Context, cfg Config) (Report, error) {
	r := &runner{cfg: cfg, begun: time.Now(), report: Report{Verdicts: map[Verdict]int{}, Violations: map[string]int{}, Faults: map[FaultKind]int{}}}
	if r.cfg.Most == 0 {
		r.cfg.Most = 20
	}
	var wg sync.WaitGroup
	for range max(1, cfg.Workers) {
		wg.Go(func() { r.work(ctx) })
	}
	wg.Wait()
	r.finish()
	if r.err == nil {
		r.err = ctx.Err()
	}
	return r.report, r.err
}

// runner is a run under way.
type runner struct {
	cfg   Config
	begun time.Time

	mu     sync.Mutex
	next   int
	report Report
	err    error
}

func (r *runner) take() (uint64, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next >= r.cfg.Count || r.err != nil {
		return 0, false
	}
	r.next++
	return r.cfg.Seed + uint64(r.next-1), true
}

func (r *runner) work(ctx context.Context) {
	for ctx.Err() == nil {
		seed, ok := r.take()
		if !ok {
			return
		}
		sc := r.draw(seed)
		got, err := Judge(sc)
		r.add(seed, &sc, got, err)
	}
}

func (r *runner) draw(seed uint64) Scenario {
	sc := Draw(seed)
	if r.cfg.Change != nil {
		r.cfg.Change(&sc)
	}
	return sc
}

func (r *runner) add(seed uint64, sc *Scenario, got Result, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.err = fmt.Errorf("cannot run the scenario of seed %d: %w", seed, err)
		return
	}
	p := &r.report
	p.Count++
	p.Verdicts[got.Verdict]++
	p.Setpoints += got.Setpoints
	p.Hours += float64(sc.Seconds) / 3600
	p.EnergyKWh += got.EnergyWh / 1000
	seen := map[FaultKind]bool{}
	for _, f := range sc.Faults {
		if !seen[f.Kind] {
			seen[f.Kind] = true
			p.Faults[f.Kind]++
		}
	}
	broken := map[string]bool{}
	for _, v := range got.Violations {
		if !broken[v.Rule] {
			broken[v.Rule] = true
			p.Violations[v.Rule]++
		}
	}
	switch {
	case got.Verdict == Opened:
		p.Opened++
	case got.Verdict.LeftOut():
		p.LeftOut++
		p.Excused = append(p.Excused, seed)
	case got.Theta > p.Theta || got.Theta == p.Theta && seed < p.ThetaSeed:
		p.Theta, p.ThetaSeed = got.Theta, seed
	}
	if got.Verdict.Failed() {
		p.Failed = append(p.Failed, seed)
	}
	if p.Seconds = time.Since(r.begun).Seconds(); r.cfg.Tell != nil && p.Count%tellEvery == 0 {
		r.cfg.Tell(*p)
	}
}

// tellEvery is after how many scenarios there is a word.
const tellEvery = 1000
