package commission

import (
	"context"
	"fmt"
	"slices"
	"time"

	"busbar/controller"
	"busbar/ocpp"
)

const (
	// startsBack is how far in the past schedules begin, for clocks that are behind.
	startsBack = time.Minute
	// shortly is how long a test profile lives if it can't be cleared.
	shortly = time.Minute
)

// profile is a default profile with the fall-back current, as no version says it.
// Nothing that the probe writes allows more.
type profile struct {
	id, stack int
	kind      controller.ProfileKind
	unit      controller.RateUnit
	limit     ocpp.Decimal
	phases    int           // 0: not named
	start     time.Time     // zero: not named
	lives     time.Duration // 0: for ever
}

// profile makes one; lives 0: for ever.
func (p *probe) profile(id, stack int, unit controller.RateUnit, lives time.Duration) profile {
	out := profile{id: id, stack: stack, kind: p.kind, unit: unit, limit: p.limit(unit), lives: lives}
	if unit == controller.UnitWatts {
		out.phases = p.fewest()
	}
	if p.kind == controller.KindAbsolute {
		out.start = time.Now().Add(-startsBack).Truncate(time.Second)
		if lives > 0 {
			out.lives += startsBack
		}
	}
	return out
}

// limit is the fall-back current in a unit, rounded down to the one decimal of 1.6.
func (p *probe) limit(unit controller.RateUnit) ocpp.Decimal {
	milli := int64(max(0, p.charger.Failsafe))
	if unit == controller.UnitWatts {
		milli *= int64(p.charger.NominalV * p.fewest())
	}
	return ocpp.DecimalFromMilli(milli / 100 * 100)
}

// fewest is the least number of phases of the charger's connectors: a limit in watts
// for them all must be safe for each.
func (p *probe) fewest() int {
	fewest := 3
	for _, c := range p.site.Connectors() {
		if c.Phases > 0 {
			fewest = min(fewest, c.Phases)
		}
	}
	return fewest
}

// set writes a profile; words say why it was not taken.
func (p *probe) set(ctx context.Context, connector int, pr profile) (taken bool, words string, lost error) {
	status, err := p.words.setProfile(ctx, connector, pr)
	if words, lost = refused(status, err); lost != nil {
		return false, "", lost
	}
	return err == nil && status == accepted, words, nil
}

// The ids that the box itself uses: fall-back of a connector, and one that none has.
func fallbackID(connector int) int { return max(1, 2*connector-1) }

func (p *probe) spareID() int { return 2*len(p.site.Connectors()) + 1 }

// fallback writes the box's own fall-back as the box does: on connector 0, or on each;
// absolute, or relative where that is refused.
func (p *probe) fallback(ctx context.Context) error {
	const check = "profiles.default"
	p.unit = controller.UnitAmps
	p.abilities.Purposes = slices.DeleteFunc(slices.Clone(p.abilities.Purposes), func(o controller.ProfilePurpose) bool { return o == controller.PurposeTxDefault })
	var why string
	for _, unit := range []controller.RateUnit{controller.UnitAmps, controller.UnitWatts} {
		for _, kind := range []controller.ProfileKind{controller.KindAbsolute, controller.KindRelative} {
			p.kind = kind
			for _, whole := range []bool{true, false} {
				taken, words, lost := p.everywhere(ctx, unit, whole)
				if lost != nil {
					return lost
				}
				if taken {
					p.unit, p.zero = unit, whole
					p.foundFallback(check)
					return nil
				}
				why = words
			}
		}
	}
	p.kind = controller.KindAbsolute
	p.find(check, Missing, "the charger takes no default profile: it "+why+".", "Enable smart charging in its own settings, or update its firmware. Without a fall-back it counts with its maximum.")
	return nil
}

// everywhere writes the fall-back on connector 0 or on each.
func (p *probe) everywhere(ctx context.Context, unit controller.RateUnit, whole bool) (taken bool, words string, lost error) {
	connectors := []int{0}
	if !whole {
		connectors = nil
		for _, c := range p.site.Connectors() {
			connectors = append(connectors, c.Number)
		}
	}
	for _, n := range connectors {
		if taken, words, lost = p.set(ctx, n, p.profile(fallbackID(n), 0, unit, 0)); lost != nil || !taken {
			return false, words, lost
		}
	}
	return taken, words, nil
}

func (p *probe) foundFallback(check string) {
	p.abilities.StationWide = controller.TristateOf(p.zero)
	p.abilities.Purposes = including(p.abilities.Purposes, controller.PurposeTxDefault)
	p.abilities.Kinds = first(p.abilities.Kinds, p.kind)
	text := fmt.Sprintf("the fall-back of %v is installed", p.charger.Failsafe)
	switch {
	case p.zero && p.kind == controller.KindAbsolute && p.unit == controller.UnitAmps:
		p.find(check, OK, text+".", "")
		return
	case p.zero:
		text += " for the whole charger"
	default:
		text += " on each connector, because connector 0 is refused"
	}
	p.find(check, Different, fmt.Sprintf("%s, %s, in %s.", text, p.kind, unitName(p.unit)), "")
}

// units finds out which of amperes and watts are taken; the fall-back's own unit is put
// back last.
func (p *probe) units(ctx context.Context) error {
	const check = "profiles.unit"
	if !p.abilities.Takes(controller.PurposeTxDefault) {
		return nil
	}
	other := controller.UnitWatts
	if p.unit == other {
		other = controller.UnitAmps
	}
	both, _, lost := p.everywhere(ctx, other, p.zero)
	if lost != nil {
		return lost
	}
	p.abilities.Units = []controller.RateUnit{p.unit}
	told := p.told.units
	switch {
	case both:
		p.abilities.Units = append(p.abilities.Units, other)
		if _, _, lost := p.everywhere(ctx, p.unit, p.zero); lost != nil {
			return lost
		}
		p.find(check, OK, fmt.Sprintf("amperes and watts (it tells %q).", told), "")
	case p.unit == controller.UnitAmps:
		p.find(check, OK, fmt.Sprintf("amperes only (it tells %q).", told), "")
	default:
		p.find(check, Different, fmt.Sprintf("watts only (it tells %q).", told), "The box reckons with the nominal voltage; the currents are a little off.")
	}
	return nil
}

// stacked tries a second default profile above the fall-back, with an end, and clears
// it by its id.
func (p *probe) stacked(ctx context.Context) error {
	if !p.abilities.Takes(controller.PurposeTxDefault) {
		return nil
	}
	if p.abilities.MaxProfiles > 0 && p.spareID() > p.abilities.MaxProfiles {
		p.find("profiles.stacked", Open, "there is no free profile id to test with.", "")
		return nil
	}
	connectors := p.site.Connectors()
	if len(connectors) == 0 {
		return nil
	}
	taken, words, lost := p.set(ctx, connectors[0].Number, p.profile(p.spareID(), 1, p.unit, shortly))
	if lost != nil {
		return lost
	}
	if !taken {
		p.find("profiles.stacked", Different, "a second profile at stack level 1 is not taken: the charger "+words+".", "The box writes one profile over the other.")
		p.abilities.MaxStackLevel = 0
		return nil
	}
	p.abilities.MaxStackLevel = max(1, p.abilities.MaxStackLevel)
	p.find("profiles.stacked", OK, "stack levels 0 and 1.", "")
	return p.clear(ctx)
}

// clear takes the test profile away by its id.
func (p *probe) clear(ctx context.Context) error {
	const check = "profiles.clear"
	status, err := p.words.clearProfile(ctx, p.spareID())
	words, lost := refused(status, err)
	if lost != nil {
		return lost
	}
	cleared := err == nil && status == accepted
	p.abilities.ClearByID = controller.TristateOf(cleared)
	if cleared {
		p.find(check, OK, "by id.", "")
	} else {
		p.find(check, Different, "a profile can't be cleared by its id: the charger "+words+".", "The test profile ends by itself within two minutes; the box overwrites instead of clearing.")
	}
	return nil
}

// composite tells whether GetCompositeSchedule shows what is installed (16§5.7, P2 K08).
func (p *probe) composite(ctx context.Context) error {
	const check = "profiles.composite"
	connectors := p.site.Connectors()
	i := slices.IndexFunc(connectors, func(c Connector) bool { return c.Tx == 0 })
	if i < 0 || !p.abilities.Takes(controller.PurposeTxDefault) {
		p.find(check, Open, "with cars at all connectors, or without a default profile, there is nothing to compare with.", "")
		return nil
	}
	shown, status, err := p.words.composite(ctx, connectors[i].Number, p.unit)
	words, lost := refused(status, err)
	if lost != nil {
		return lost
	}
	p.abilities.Composite = controller.No
	switch {
	case err != nil || status != accepted:
		p.find(check, Different, "GetCompositeSchedule is of no use: the charger "+words+".", "The box does without.")
	case shown.limit == "":
		p.find(check, Different, "GetCompositeSchedule is accepted but empty.", "The box does without.")
	default:
		told, err := shown.limit.Milli()
		want, _ := p.limit(shown.unit).Milli()
		if err != nil || told != want {
			p.find(check, Different, fmt.Sprintf("GetCompositeSchedule says %s %s where %s is installed.", shown.limit, unitName(shown.unit), p.limit(shown.unit)), "The box does without.")
			return nil
		}
		p.abilities.Composite = controller.Yes
		p.find(check, OK, "GetCompositeSchedule shows the fall-back.", "")
	}
	return nil
}

func unitName(u controller.RateUnit) string {
	if u == controller.UnitWatts {
		return "watts"
	}
	return "amperes"
}

// including is list with v at its end unless it is in it.
func including[T comparable](list []T, v T) []T {
	if slices.Contains(list, v) {
		return list
	}
	return append(slices.Clone(list), v)
}

// first is list with v at its front.
func first[T comparable](list []T, v T) []T {
	return append([]T{v}, slices.DeleteFunc(slices.Clone(list), func(o T) bool { return o == v })...)
}
