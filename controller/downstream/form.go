package downstream

import (
	"slices"
	"time"

	"busbar/controller"
	"busbar/loadbalance"
	"busbar/ocpp"
)

// form is how a charging profile is dressed for a charger: chargers differ in
// what they take (ocpp-gateway 7.4). What a form says and when it ends is the same in
// all of them, except that TXDEF0 has no end.
type form struct {
	mode   controller.DeadManMode // of setpoints
	floor  controller.ProfilePurpose
	unit   controller.RateUnit
	kind   controller.ProfileKind
	stack  int  // of setpoints; the fall-back has 0
	phases bool // numberPhases is named
	// offline: a setpoint also ends a lease after the connection, which needs no clock.
	offline bool
}

// formOf is the form that suits what is known; skewed tells that the charger's clock
// is off.
func formOf(a controller.Abilities, skewed bool) form {
	f := form{mode: a.DeadMan.Mode, floor: controller.PurposeTxDefault, unit: controller.UnitAmps, kind: controller.KindAbsolute, stack: 1}
	if f.mode == "" {
		f.mode = controller.DeadManTx
	}
	if len(a.Units) > 0 {
		f.unit = a.Units[0]
	}
	if len(a.Kinds) > 0 && (a.Kinds[0] == controller.KindRelative || skewed && slices.Contains(a.Kinds, controller.KindRelative)) {
		f.kind = controller.KindRelative
	}
	if a.Takes(controller.PurposeStationMax) && !a.Takes(controller.PurposeTxDefault) {
		f.floor = controller.PurposeStationMax
	}
	if f.floor == controller.PurposeStationMax && f.mode == controller.DeadManTx {
		f.mode = controller.DeadManDefault // below such a floor a TxProfile changes nothing
	}
	if a.MaxStackLevel == 0 || f.mode == controller.DeadManNone {
		f.stack = 0
	}
	f.offline = a.MaxOffline == controller.Yes && f.mode != controller.DeadManNone
	// In watts the charger must not guess over how many conductors they go (pitfall 25).
	f.phases = a.NumberPhases == controller.Yes || a.NumberPhases == "" && f.unit == controller.UnitWatts
	return f
}

// learnt puts into a that f was taken, in a profile of this purpose.
func (f form) learnt(a *controller.Abilities, purpose controller.ProfilePurpose) {
	a.Units, a.Kinds, a.Purposes = including(a.Units, f.unit), including(a.Kinds, f.kind), including(a.Purposes, purpose)
}

// instead puts into a that f was taken where refused was not.
func (f form) instead(a *controller.Abilities, refused form) {
	if f.unit != refused.unit {
		a.Units = without(a.Units, refused.unit)
	}
	if f.kind != refused.kind {
		a.Kinds = without(a.Kinds, refused.kind)
	}
	if f.floor != refused.floor {
		a.Purposes = without(a.Purposes, refused.floor)
	}
	if f.mode != refused.mode { // a proof was of the other mode
		a.DeadMan = controller.DeadManProof{Mode: f.mode}
	}
	if f.stack == 0 && refused.stack == 1 && f.mode != controller.DeadManNone {
		a.MaxStackLevel = 0
	}
	if !f.offline && refused.offline && f.mode != controller.DeadManNone {
		a.MaxOffline = controller.No
	}
	if f.phases != formOf(*a, false).phases {
		a.NumberPhases = controller.TristateOf(f.phases)
	}
}

// others are the forms to be tried after f was refused, the likeliest first. setpoint
// tells that it was one, not a fall-back.
func (f form) others(setpoint bool) []form {
	var out []form
	add := func(change func(*form)) {
		o := f
		change(&o)
		if o != f && !slices.Contains(out, o) {
			out = append(out, o)
		}
	}
	relative := func(o *form) { o.kind = otherOf(f.kind, controller.KindAbsolute, controller.KindRelative) }
	unit := func(o *form) {
		o.unit = otherOf(f.unit, controller.UnitAmps, controller.UnitWatts)
		o.phases = o.unit == controller.UnitWatts
	}
	if setpoint {
		add(func(o *form) { o.offline = false })
	}
	add(func(o *form) { o.phases = !o.phases })
	add(unit)
	add(relative)
	add(func(o *form) { unit(o); relative(o) })
	if !setpoint {
		add(func(o *form) { o.floor = controller.PurposeStationMax })
		return out
	}
	add(func(o *form) { o.stack = 0 })
	add(func(o *form) { o.mode = controller.DeadManDefault })
	add(func(o *form) { o.mode = controller.DeadManDefault; relative(o) })
	add(func(o *form) { o.mode, o.stack, o.offline = controller.DeadManNone, 0, false })
	return out
}

func otherOf[T comparable](v, a, b T) T {
	if v == a {
		return b
	}
	return a
}

// amount is a limit per phase in the form's unit, rounded down.
func (f form) amount(limit loadbalance.MilliAmp, o outlet) ocpp.Decimal {
	if f.unit == controller.UnitAmps {
		return amps(limit)
	}
	watts := int64(max(0, limit)) * o.volts * int64(o.phases) / 1_000_000
	return ocpp.DecimalFromMilli(watts * 1000)
}

// profile is a charging profile of one period that the box writes, in words of no
// version.
type profile struct {
	id, connector, stack int // connector 0: the charger
	purpose              controller.ProfilePurpose
	kind                 controller.ProfileKind
	unit                 controller.RateUnit
	start                time.Time     // of an absolute one, in the past and in whole seconds: not every charger reads fractions
	duration             time.Duration // 0: without end
	offline              time.Duration // how long it outlives the connection; 0: not said
	limit                ocpp.Decimal  // in unit
	phases               int           // 0: not named
	tx                   controller.TxID
	chargerTx            string // beside tx, of OCPP 2.x
}

// dress makes a profile with everything that it has from its form. In amperes it names
// no number of phases unless it must: that would make some chargers switch.
func (f form) dress(start time.Time, limit loadbalance.MilliAmp, o outlet) profile {
	p := profile{kind: f.kind, unit: f.unit, limit: f.amount(limit, o)}
	if f.phases {
		p.phases = o.phases
	}
	if f.kind == controller.KindAbsolute {
		p.start = start.Truncate(time.Second)
	}
	return p
}

// setpoint is row O of ocpp-gateway 7.4: it dies with the transaction or with its
// lease, whichever is first, and uncovers the fall-back.
func (f form) setpoint(now time.Time, l controller.SetLimit, o outlet) profile {
	p := f.dress(now.Add(-profileBack), l.Limit, o)
	p.id, p.connector, p.stack, p.purpose = operatingID(l.Connector), l.Connector, f.stack, controller.PurposeTx
	if f.mode != controller.DeadManTx {
		p.purpose = f.floor
	}
	switch p.purpose {
	case controller.PurposeStationMax:
		p.connector = 0 // 16§3.13.1
	case controller.PurposeTx:
		p.tx, p.chargerTx = l.Tx, l.ChargerTx
	}
	switch {
	case f.mode == controller.DeadManNone: // in the place of the fall-back, and like it without end
		p.id = failsafeID(l.Connector)
	case f.kind == controller.KindRelative:
		p.duration = l.Lease
	default:
		p.duration = profileBack + l.Lease
	}
	if f.offline {
		p.offline = l.Lease
	}
	return p
}

// fallback is row F: without end, below everything else.
func (f form) fallback(now time.Time, connector int, limit loadbalance.MilliAmp, o outlet) profile {
	p := f.dress(now.Add(-floorBack), limit, o)
	p.id, p.connector, p.purpose = failsafeID(connector), connector, f.floor
	return p
}
