package trial

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// finish makes the failures smaller, those of the first seeds, and keeps them.
func (r *runner) finish() {
	slices.Sort(r.report.Failed)
	slices.Sort(r.report.Excused)
	for _, seed := range r.report.Failed[:min(len(r.report.Failed), r.cfg.Most)] {
		sc, got, err := Shrink(r.draw(seed), shrinkRuns)
		if err != nil {
			r.err = err
			return
		}
		f := Failure{Seed: seed, Result: got, Scenario: sc}
		if r.cfg.Keep != "" {
			if err := f.keep(r.cfg.Keep); err != nil {
				r.err = err
				return
			}
		}
		r.report.Failures = append(r.report.Failures, f)
	}
	r.report.Seconds = time.Since(r.begun).Seconds()
}

// keep writes a failure into a file of its own.
func (f *Failure) keep(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("cannot make the folder of the failures: %w", err)
	}
	f.File = filepath.Join(dir, fmt.Sprintf("trial-%d.json", f.Seed))
	text, err := json.MarshalIndent(f, "", " ")
	if err != nil {
		return fmt.Errorf("cannot write the failure: %w", err)
	}
	if err := os.WriteFile(f.File, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("cannot keep the failure: %w", err)
	}
	return nil
}

// Replay runs a scenario and writes what happens, step by step.
func Replay(sc Scenario, trace io.Writer) (Result, error) { return judge(sc, trace) }
