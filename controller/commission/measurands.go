package commission

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// measurand is something to be metered and what it is needed for.
type measurand struct {
	name   string
	needed string // what is lost without it, "" if little
}

func wanted() []measurand {
	return []measurand{
		{"Current.Import", "Without it the box books what it allows, not what the car takes."},
		{"Energy.Active.Import.Register", "Without it the course of a session is not known to the cloud."},
		{"Power.Active.Import", ""},
		{"Voltage", ""},
		{"SoC", ""},
	}
}

// measurands tries each alone, and then puts back what was there.
func (p *probe) measurands(ctx context.Context) error {
	const check = "measurands"
	before := p.told.measurands
	if p.told.fixed {
		p.find(check, Different, fmt.Sprintf("%s can't be changed; it is %q.", p.words.measurandsName(), before), "What it has must be enough: it should contain Current.Import and Energy.Active.Import.Register.")
		return nil
	}
	lost := p.tryMeasurands(ctx, check)
	// The session goes on with what it had, whatever became of the probe.
	later, cancel := context.WithTimeout(context.WithoutCancel(ctx), restoreWithin)
	defer cancel()
	back, gone := p.words.setMeasurands(later, before)
	if !back && gone == nil {
		p.find(check, Missing, fmt.Sprintf("the charger does not take back %q, which it had.", before), "Restart the box's connection to it: the box then sets its own list.")
	}
	return errors.Join(lost, gone)
}

// restoreWithin bounds the time for putting back what was there.
const restoreWithin = 10 * time.Second

func (p *probe) tryMeasurands(ctx context.Context, check string) error {
	var taken []string
	for _, m := range wanted() {
		yes, lost := p.words.setMeasurands(ctx, m.name)
		if lost != nil {
			return lost
		}
		switch {
		case yes:
			taken = append(taken, m.name)
		case m.needed != "":
			p.find(check+"."+m.name, Missing, "the charger does not meter it.", m.needed+" Update its firmware or choose its meter in its own settings.")
		default:
			p.find(check+"."+m.name, Different, "the charger does not meter it.", "")
		}
	}
	return p.together(ctx, check, taken)
}

// together tries all that were taken in one list.
func (p *probe) together(ctx context.Context, check string, taken []string) error {
	if len(taken) == 0 {
		p.find(check, Missing, "none is taken one by one.", "Set "+p.words.measurandsName()+" in the charger's own settings.")
		return nil
	}
	all, lost := p.words.setMeasurands(ctx, strings.Join(taken, ","))
	if lost != nil {
		return lost
	}
	if !all {
		p.find(check, Different, "taken alone but not together: "+list(taken)+".", "The box asks for the most needed one.")
		p.abilities.Measurands = taken[:1]
		return nil
	}
	p.find(check, OK, list(taken)+".", "")
	p.abilities.Measurands = slices.Clone(taken)
	return nil
}
