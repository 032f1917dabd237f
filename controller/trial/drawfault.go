package trial

import "slices"

// faults draws what goes wrong.
func (d *drawing) faults() {
	d.sc.Cloud = d.often(60)
	if d.often(12) {
		return
	}
	for range 1 + d.IntN(6) {
		switch n := d.IntN(100); {
		case n < 50:
			d.chargerFault()
		case n < 72:
			d.meterFault()
		case n < 84:
			d.cloudFault()
		case n < 94:
			d.boxFault()
		default:
			d.add(Fault{Kind: FaultDisk, Arg: pick(d, 0.2, 1, 5)})
		}
	}
	if d.often(8) && len(d.sc.Meters) > 0 {
		d.meterLies()
	}
	if d.often(1) && len(d.sc.Meters) > 0 && d.sc.Meters[0].Circuit == d.sc.Circuits[0].ID {
		d.building()
	}
}

// building has the building take more than was declared. Then the box needs its meter,
// and to be there: without them only what was declared protects the breaker.
func (d *drawing) building() {
	d.sc.Faults = slices.DeleteFunc(d.sc.Faults, func(f Fault) bool { return f.At == d.sc.Meters[0].ID || f.Kind == FaultBox })
	d.add(Fault{Kind: FaultBuilding, At: d.sc.Circuits[0].ID, Arg: round(d.between(0.2, 1) * float64(d.sc.Circuits[0].Limit) / 1000)})
}

// add adds a fault at a time of its own, if it has none.
func (d *drawing) add(f Fault) {
	if f.From == 0 && !d.often(25) {
		f.From = round(d.between(1, 0.9*Length))
	}
	if f.To == 0 && d.often(50) {
		f.To = round(f.From + d.between(5, pick(d, 30.0, 120, 400)))
	}
	d.sc.Faults = append(d.sc.Faults, f)
}

func (d *drawing) chargerFault() {
	at := d.sc.Chargers[d.IntN(len(d.sc.Chargers))].ID
	switch kind := pick(d, FaultStuck, FaultStuck, FaultMaximum, FaultHalf, FaultNoZero, FaultRefuses, FaultMute, FaultNoFallback, FaultForgets, FaultSlow,
		FaultLies, FaultLow, FaultNoReports, FaultReboot, FaultReboot, FaultOffline, FaultOffline); kind {
	case FaultReboot, FaultOffline:
		from := round(d.between(5, 0.9*Length))
		d.add(Fault{Kind: kind, At: at, From: from, To: round(from + d.between(3, pick(d, 20.0, 60, 250))), Arg: round(pick(d, 0, d.between(0, 60)))})
	case FaultForgets:
		from := round(d.between(5, 0.8*Length))
		d.add(Fault{Kind: FaultForgets, At: at, From: from, To: Length})
		d.add(Fault{Kind: FaultReboot, At: at, From: from, To: round(from + d.between(3, 60))})
	case FaultSlow:
		d.add(Fault{Kind: kind, At: at, Arg: round(d.between(5, 20))})
	case FaultLow:
		d.add(Fault{Kind: kind, At: at, Arg: pick(d, 0, 0.3, 0.7, 1.5)})
	default:
		d.add(Fault{Kind: kind, At: at})
		if d.often(25) && kind.disobeys() { // and hides it
			d.add(Fault{Kind: pick(d, FaultLies, FaultNoReports), At: at, From: d.sc.Faults[len(d.sc.Faults)-1].From, To: Length})
		}
	}
}

func (d *drawing) meterFault() {
	if len(d.sc.Meters) == 0 {
		return
	}
	at := d.sc.Meters[d.IntN(len(d.sc.Meters))].ID
	switch kind := pick(d, FaultLate, FaultOld, FaultFrozen, FaultSilent, FaultSilent, FaultGarbled); kind {
	case FaultLate:
		d.add(Fault{Kind: kind, At: at, Arg: round(d.between(1, 3))})
	case FaultOld:
		d.add(Fault{Kind: kind, At: at, Arg: round(d.between(1, 8))})
	default:
		d.add(Fault{Kind: kind, At: at})
	}
}

// meterLies draws a meter whose readings are possible but wrong.
func (d *drawing) meterLies() {
	at := d.sc.Meters[d.IntN(len(d.sc.Meters))].ID
	switch kind := pick(d, FaultSign, FaultPhaseZero, FaultSwapped, FaultTooLow); kind {
	case FaultTooLow:
		d.add(Fault{Kind: kind, At: at, Arg: 0.7})
	default:
		d.add(Fault{Kind: kind, At: at, Arg: float64(d.IntN(3))})
	}
}

func (d *drawing) cloudFault() {
	switch kind := pick(d, FaultCloudDead, FaultCap, FaultProfile, FaultStop, FaultRemote); kind {
	case FaultCap:
		d.once(Fault{Kind: kind, Arg: round(d.between(0, 1.2) * float64(d.sc.Circuits[0].Limit) / 1000)})
	case FaultProfile:
		d.once(Fault{Kind: kind, Arg: float64(d.IntN(33))})
	case FaultStop, FaultRemote:
		d.add(Fault{Kind: kind, At: d.sc.Chargers[d.IntN(len(d.sc.Chargers))].ID})
	default:
		d.add(Fault{Kind: kind})
	}
}

// once adds a fault of which there is one at most.
func (d *drawing) once(f Fault) {
	if !slices.ContainsFunc(d.sc.Faults, func(o Fault) bool { return o.Kind == f.Kind }) {
		d.add(f)
	}
}

// boxFault kills the box, once every charger has been with it: before that nobody has a
// fall-back to keep to.
func (d *drawing) boxFault() {
	from := round(d.between(40, 0.9*Length))
	d.add(Fault{Kind: FaultBox, From: from, To: round(from + d.between(1, pick(d, 5.0, 30, 200)))})
}
