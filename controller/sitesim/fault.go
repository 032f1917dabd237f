package sitesim

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Fault is something that goes wrong from one moment to another. A zero To means
// until the end.
type Fault struct {
	Name     string // one of FaultNames
	Arg      string // charger-kill: the charger; base-step: amperes
	From, To time.Duration
}

// The faults that a site knows.
const (
	FaultCloudCut    = "cloud-cut"
	FaultMeterFreeze = "meter-freeze"
	FaultMeterLoss   = "meter-loss"
	FaultChargerKill = "charger-kill"
	FaultBaseStep    = "base-step"
	FaultBoxCrash    = "box-crash" // in virtual time only
)

// faultNames are the faults that anybody may make happen.
var faultNames = []string{FaultCloudCut, FaultMeterFreeze, FaultMeterLoss, FaultChargerKill, FaultBaseStep}

// SetFault makes a fault happen now, or ends it.
func (w *World) SetFault(name, arg string, on bool) error {
	now := time.Now()
	switch name {
	case FaultCloudCut:
		if w.cloud == nil {
			return fmt.Errorf("cannot cut the cloud: this site has no simulated one")
		}
		w.cloud.Cut(on)
	case FaultMeterFreeze, FaultMeterLoss:
		if w.meter == nil {
			return fmt.Errorf("cannot disturb the meter: this site has no simulated one")
		}
		w.setMeterFault(name, on, now)
	case FaultBoxCrash:
		if on {
			return w.Crash(context.Background())
		}
		return nil
	case FaultChargerKill:
		return w.kill(arg, on)
	case FaultBaseStep:
		amps := 0.0
		if on {
			var err error
			if amps, err = strconv.ParseFloat(arg, 64); err != nil || amps <= 0 || amps > 1000 {
				return fmt.Errorf("cannot step the building load by %q A: write a number above 0, at most 1000", arg)
			}
		}
		w.grid.Step(amps)
	default:
		return fmt.Errorf("cannot make fault %q happen: known are %s", name, strings.Join(faultNames, ", "))
	}
	w.faults.set(name, arg, on)
	w.tell("fault %s%s %s", name, argText(arg), onOff(on))
	return nil
}

func argText(arg string) string {
	if arg == "" {
		return ""
	}
	return " " + arg
}

func onOff(on bool) string {
	if on {
		return "begins"
	}
	return "ends"
}

func (w *World) kill(id string, on bool) error {
	i := slices.IndexFunc(w.chargers, func(c charger) bool { return c.id == id })
	if i < 0 {
		return fmt.Errorf("cannot kill charger %q: this site has %s", id, w.chargerNames())
	}
	if on {
		w.chargers[i].sim.Kill()
	} else {
		w.chargers[i].sim.Revive()
	}
	w.faults.set(FaultChargerKill, id, on)
	w.tell("charger %s %s", id, map[bool]string{true: "loses its power", false: "has its power back"}[on])
	return nil
}

func (w *World) chargerNames() string {
	if len(w.chargers) == 0 {
		return "none"
	}
	return w.chargers[0].id + " to " + w.chargers[len(w.chargers)-1].id
}
