package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"

	"busbar/controller/commission"
)

// commissionCmd probes a charger of the running box.
type commissionCmd struct {
	Charger string `arg:"" help:"The charger's id, as in the configuration."`
	Data    string `required:"" help:"Data folder of the running box."`
	JSON    bool   `name:"json" help:"Write the verdict as JSON."`
}

// Run writes the verdict; it fails if something must be done before the charger can be
// led.
func (c commissionCmd) Run(ctx context.Context, con console) error {
	var v commission.Verdict
	if err := askBox(ctx, c.Data, "/commission/"+url.PathEscape(c.Charger), &v); err != nil {
		return err
	}
	if c.JSON {
		e := json.NewEncoder(con.Out)
		e.SetIndent("", "  ")
		if err := e.Encode(v); err != nil {
			return fmt.Errorf("cannot write the verdict: %w", err)
		}
	} else {
		for _, f := range v.Findings {
			fmt.Fprintln(con.Out, f)
		}
		fmt.Fprintln(con.Out, v.Summary())
	}
	if !v.Good {
		return fmt.Errorf("charger %s needs attention", c.Charger)
	}
	return nil
}
