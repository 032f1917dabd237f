package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"busbar/loadbalance"
	"busbar/loadbalance/record"
)

// replayedPass is a pass of an incident in which something was commanded, as JSON.
type replayedPass struct {
	At       time.Time             `json:"at"`
	Same     bool                  `json:"same"`
	Commands []replayedSetpoint    `json:"commands"`
	Measured map[string][3]float64 `json:"measured_a,omitempty"`
}

type replayedSetpoint struct {
	Connector int     `json:"connector"`
	Action    string  `json:"action"`
	LimitA    float64 `json:"limit_a"`
	Urgent    bool    `json:"urgent,omitempty"`
	Circuit   string  `json:"circuit,omitempty"` // that limits it
	Phase     string  `json:"phase,omitempty"`
}

// isRecording tells a recorded incident from other files.
func isRecording(file string) bool {
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	start := make([]byte, len(record.Magic))
	_, err = io.ReadFull(f, start)
	return err == nil && string(start) == record.Magic
}

// replayIncident decides a recorded incident again and tells whether the decisions are those of
// then. It fails if they are not.
func replayIncident(con console, file string, asJSON bool) error {
	f, err := os.Open(file)
	if err != nil {
		return badInput(fmt.Sprintf("cannot replay: %v", err), replayable)
	}
	defer f.Close()
	var passes []replayedPass
	out, err := record.Replay(f, func(p record.Pass) {
		if r := replayed(p); len(r.Commands) > 0 || !p.Same {
			passes = append(passes, r)
		}
	})
	if err != nil {
		return badInput(err.Error(), "It was made by another version, or is damaged.")
	}
	if asJSON {
		enc := json.NewEncoder(con.Out)
		enc.SetIndent("", " ")
		if err := enc.Encode(map[string]any{"passes": out.Passes, "different": out.Different, "from": out.From, "to": out.To, "commands": passes}); err != nil {
			return err
		}
	} else {
		printReplay(con.Out, passes)
		fmt.Fprintf(con.Out, "%d passes from %s to %s decided again: %d different.\n", out.Passes, out.From.Format(time.RFC3339), out.To.Format(time.RFC3339), out.Different)
	}
	if out.Drifted > 0 {
		return fmt.Errorf("%d times the balancer is not where it was then; this version decides otherwise", out.Drifted)
	}
	if out.Different > 0 {
		return fmt.Errorf("%d of %d decisions are not those of the recording; this version decides otherwise", out.Different, out.Passes)
	}
	return nil
}

func replayed(p record.Pass) replayedPass {
	r := replayedPass{At: p.At, Same: p.Same, Measured: map[string][3]float64{}}
	for _, sp := range p.Plan.Setpoints {
		if sp.Action == loadbalance.Keep {
			continue
		}
		s := replayedSetpoint{Connector: sp.Slot, Action: [...]string{"keep", "reduce", "renew", "raise", "release"}[sp.Action],
			LimitA: float64(sp.Limit) / 1000, Urgent: sp.Urgent, Circuit: string(sp.Reason.Node)}
		if s.Circuit != "" {
			s.Phase = sp.Reason.Phase.String()
		}
		r.Commands = append(r.Commands, s)
	}
	for _, n := range p.Input.Readings {
		r.Measured[string(n.Node)] = [3]float64{float64(n.Current[0]) / 1000, float64(n.Current[1]) / 1000, float64(n.Current[2]) / 1000}
	}
	return r
}

func printReplay(w io.Writer, passes []replayedPass) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "TIME\tCONNECTOR\tCOMMAND\tAMPS\tLIMITED BY\t")
	for _, p := range passes {
		at, mark := p.At.Format("15:04:05.000"), ""
		if !p.Same {
			mark = "DIFFERENT"
			if len(p.Commands) == 0 {
				fmt.Fprintf(table, "%s\t\t\t\t\t%s\n", at, mark)
			}
		}
		for _, c := range p.Commands {
			word := c.Action
			if c.Urgent {
				word += " at once"
			}
			fmt.Fprintf(table, "%s\t%d\t%s\t%.1f\t%s %s\t%s\n", at, c.Connector, word, c.LimitA, c.Circuit, c.Phase, mark)
		}
	}
	table.Flush()
}
